//! Numbers for monitoring.

/// Numbers of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name, such as `proxyhost_flows_total`.
    pub name: &'static str,
    /// What it counts, in a sentence.
    pub help: &'static str,
    /// Its type.
    pub kind: MetricKind,
    /// The numbers.
    pub samples: Vec<Sample>,
}

/// How a number moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What it is of: names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}
