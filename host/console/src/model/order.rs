//! In which order flows are listed.

use control::FlowSummary;

/// An order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they came.
    #[default]
    Time,
    Method,
    Url,
    Status,
    Size,
    Duration,
}

impl Order {
    /// All, in the order in which a key goes through them.
    const ALL: [Self; 6] = [Self::Time, Self::Method, Self::Url, Self::Status, Self::Size, Self::Duration];

    pub(crate) fn next(self) -> Self {
        let mut all = Self::ALL.into_iter().cycle();
        all.find(|order| *order == self);
        all.next().unwrap_or_default()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Method => "method",
            Self::Url => "url",
            Self::Status => "status",
            Self::Size => "size",
            Self::Duration => "duration",
        }
    }

    /// Sorts flows that are in the order in which they came.
    pub(super) fn sort<'f>(self, numbers: &mut [u64], flow: impl Fn(u64) -> Option<&'f FlowSummary>) {
        match self {
            Self::Time => {}
            Self::Method => numbers.sort_by_cached_key(|number| flow(*number).map(|flow| flow.method.as_str())),
            Self::Url => numbers
                .sort_by_cached_key(|number| flow(*number).map(|flow| (flow.authority.as_str(), flow.path.as_str()))),
            Self::Status => numbers.sort_by_cached_key(|number| flow(*number).map(|flow| flow.status)),
            Self::Size => numbers.sort_by_cached_key(|number| flow(*number).map(|flow| flow.response_bytes)),
            // By whole microseconds, which have an order, unlike floats.
            Self::Duration => {
                numbers.sort_by_cached_key(|number| {
                    flow(*number).and_then(|flow| flow.ended_after).map(|after| (after * 1e6) as u64)
                });
            }
        }
    }
}
