//! Numbers for monitoring, in the text format of Prometheus (version 0.0.4).

use std::fmt::Write;

use axum::{extract::State, response::IntoResponse};
use control::{Family, MetricKind, Sample};
use http::header::CONTENT_TYPE;

use crate::routes::Served;

pub(crate) async fn text(State(served): State<Served>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], exposition(&served.control.metrics()))
}

fn exposition(families: &[Family]) -> String {
    let mut text = String::new();
    for Family { name, help, kind, samples } in families {
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a text does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for sample in samples {
            let _ = writeln!(text, "{name}{} {}", labels(sample), number(sample.value));
        }
    }
    text
}

fn labels(sample: &Sample) -> String {
    if sample.labels.is_empty() {
        return String::new();
    }
    let label = |(name, value): &(&str, String)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    format!("{{{}}}", sample.labels.iter().map(label).collect::<Vec<_>>().join(","))
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let sample = |labels: &[(&'static str, &str)], value| Sample {
            labels: labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            value,
        };
        let families = [
            Family {
                name: "proxyhost_flows_total",
                help: "Flows by \\ outcome\nso far",
                kind: MetricKind::Counter,
                samples: vec![
                    sample(&[("outcome", "answered"), ("addon", "a\"b\\c\nd")], 3.0),
                    sample(&[("outcome", "forwarded"), ("addon", "")], 9_007_199_254_740_991.0),
                ],
            },
            Family {
                name: "proxyhost_load",
                help: "Load",
                kind: MetricKind::Gauge,
                samples: vec![sample(&[], 0.25), sample(&[], f64::NAN), sample(&[], f64::NEG_INFINITY)],
            },
            Family { name: "proxyhost_none", help: "None", kind: MetricKind::Gauge, samples: Vec::new() },
        ];
        let expected = "# HELP proxyhost_flows_total Flows by \\\\ outcome\\nso far\n\
            # TYPE proxyhost_flows_total counter\n\
            proxyhost_flows_total{outcome=\"answered\",addon=\"a\\\"b\\\\c\\nd\"} 3\n\
            proxyhost_flows_total{outcome=\"forwarded\",addon=\"\"} 9007199254740991\n\
            # HELP proxyhost_load Load\n\
            # TYPE proxyhost_load gauge\n\
            proxyhost_load 0.25\n\
            proxyhost_load NaN\n\
            proxyhost_load -Inf\n\
            # HELP proxyhost_none None\n\
            # TYPE proxyhost_none gauge\n";
        assert_eq!(exposition(&families), expected);
    }
}
