//! How a recording lets contents be compared, whatever options and fields say.

/// What a recording says of how the content of a request is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The media type that contents are read as, such as `application/json`: those match that mean the same then. `*/*`: any
    /// content matches.
    pub media_type: String,
    /// Whether elements of JSON, fields of forms and parts may come in another order.
    pub any_order: bool,
    /// A content with all that a matching one has at least; nothing where it has nothing else.
    pub at_least: Option<Vec<u8>>,
}

impl Comparison {
    pub(crate) fn takes_anything(&self) -> bool {
        self.media_type == "*/*"
    }
}
