//! Numbers for monitoring.

use control::{Family, MetricKind, Sample};

use super::Journal;

/// What is counted since the start. A reset of sessions does not change it.
pub(super) fn families(journal: &Journal) -> Vec<Family> {
    let totals = &journal.totals;
    let (received, sent) = totals.bytes();
    let (flows, bytes) = journal.recent.as_ref().map(super::Recent::size).unwrap_or_default();
    let outcomes = totals.outcomes().map(|(name, count)| labelled("outcome", name, count));
    let failures = totals.failures().into_iter().map(|(name, count)| labelled("error", name, count));
    let counter = |name, help, samples| Family { name, help, kind: MetricKind::Counter, samples };
    let gauge = |name, help, value| Family { name, help, kind: MetricKind::Gauge, samples: vec![plain(value)] };
    vec![
        counter("proxyhost_flows_total", "Flows by what became of them.", outcomes.to_vec()),
        counter("proxyhost_failures_total", "Failures by their names in RFC 9209.", failures.collect()),
        counter(
            "proxyhost_misses_total",
            "Flows that an addon could not answer that should.",
            vec![plain(totals.missed())],
        ),
        counter(
            "proxyhost_content_bytes_total",
            "Bytes of content of requests received and responses sent.",
            vec![labelled("direction", "received", received), labelled("direction", "sent", sent)],
        ),
        counter(
            "proxyhost_flow_seconds_total",
            "Seconds that flows took from the request's head to their end.",
            vec![Sample { labels: Vec::new(), value: totals.seconds() }],
        ),
        gauge("proxyhost_flows_in_flight", "Flows that have not ended.", totals.under_way()),
        gauge(
            "proxyhost_sessions",
            "Sessions, the one without a name among them.",
            journal.sessions.all().len() as u64,
        ),
        gauge("proxyhost_recent_flows", "Flows that are kept to be looked at.", flows as u64),
        gauge("proxyhost_recent_bytes", "Bytes that these take.", bytes as u64),
        gauge(
            "proxyhost_event_listeners",
            "Those who listen to events.",
            (journal.events.listeners() + journal.news.listeners()) as u64,
        ),
        counter(
            "proxyhost_events_lost_total",
            "Events that were lost to those who listened, as they were not read soon enough.",
            vec![plain(journal.events.lost() + journal.news.lost())],
        ),
    ]
}

fn plain(value: u64) -> Sample {
    Sample { labels: Vec::new(), value: value as f64 }
}

fn labelled(label: &'static str, name: &str, value: u64) -> Sample {
    Sample { labels: vec![(label, name.to_owned())], value: value as f64 }
}
