//! Numbers for monitoring, of what is recorded.

use control::{Family, MetricKind, Sample};
use recording::Tally;

/// What came of the flows that the addon of this name records.
pub(super) fn of_recorder(addon: &str, tally: Tally) -> Vec<Family> {
    let family = |name, help, kind, value: u64| Family {
        name,
        help,
        kind,
        samples: vec![Sample { labels: vec![("addon", addon.to_owned())], value: value as f64 }],
    };
    vec![
        family(
            "proxyhost_recorder_backlog_bytes",
            "Bytes of flows that wait to be recorded.",
            MetricKind::Gauge,
            tally.waiting_bytes,
        ),
        family("proxyhost_recorded_flows_total", "Flows that were recorded.", MetricKind::Counter, tally.written),
        family(
            "proxyhost_recorder_failures_total",
            "Flows that were not recorded, though they should have been.",
            MetricKind::Counter,
            tally.lost,
        ),
    ]
}
