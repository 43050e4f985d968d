//! Changes that components make to messages, checked before they are staged.

use http::{HeaderName, HeaderValue, header};

use super::bindings::proxyhost::addon::messages::EditError;
use crate::flow::HOP_BY_HOP;

/// A refused change: the text says what is wrong with which value.
pub(super) fn invalid(text: impl Into<String>) -> EditError {
    EditError::Invalid(text.into())
}

/// The name of a field that a component may set.
pub(super) fn field_name(name: &str) -> Result<HeaderName, EditError> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(format!("`{}` is not a field name", name.escape_debug())))?;
    let framing = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER];
    match HOP_BY_HOP.contains(&parsed) || framing.contains(&parsed) {
        true => Err(EditError::HostOwned),
        false => Ok(parsed),
    }
}

/// The value of a field that a component sets.
pub(super) fn field_value(name: &HeaderName, value: Vec<u8>) -> Result<HeaderValue, EditError> {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(value))
        .map_err(|_| invalid(format!("the value of `{name}` contains a byte that no field value may have")))
}
