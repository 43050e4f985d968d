//! How contents of requests are compared.

use bytes::Bytes;

/// What a recording says of how the content of a request is compared with that of another one, beyond fields and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The media type that both are read as, without parameters: they match if they mean the same then. [`Self::ANYTHING`]:
    /// any content matches.
    pub media_type: &'static str,
    /// Whether elements of JSON, fields of forms and parts may come in another order.
    pub in_any_order: bool,
    /// What a content that matches has at least; nothing where it has nothing else than the recorded one.
    pub at_least: Option<Bytes>,
}

impl Comparison {
    /// Stands for any content.
    pub const ANYTHING: &str = "*/*";

    /// By what contents mean as a media type, all of it in order.
    pub(crate) fn by_meaning(media_type: &'static str) -> Self {
        Self { media_type, in_any_order: false, at_least: None }
    }

    /// By what a content has at least, in any order.
    pub(crate) fn at_least(media_type: &'static str, content: Bytes) -> Self {
        Self { media_type, in_any_order: true, at_least: Some(content) }
    }
}
