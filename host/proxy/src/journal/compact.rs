//! Heads that are kept, without the buffers that they were received in.
//!
//! The values of a head are parts of what was read from the connection: to keep a few bytes of them keeps all of that, and has
//! the connection read into fresh memory for each request.

use bytes::BytesMut;
use http::HeaderValue;

use crate::{
    flow::{Fields, RequestHead, ResponseHead, Target},
    spelling::Spelling,
};

/// A copy of a request's head. Its fields have lower-case names.
pub(super) fn request(head: &RequestHead) -> RequestHead {
    RequestHead {
        method: head.method.clone(),
        destination: head.destination.clone(),
        authority: head.authority.as_ref().and_then(|authority| authority.as_str().parse().ok()),
        target: match &head.target {
            // What was parsed once is parsed again.
            Target::Path(path) => Target::parse(path.as_str()).unwrap_or_else(|| head.target.clone()),
            other => other.clone(),
        },
        version: head.version,
        fields: fields(&head.fields),
        accepts_trailers: head.accepts_trailers,
        upgrade: head.upgrade.as_ref().and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()),
    }
}

/// A copy of a response's head. Its fields have lower-case names.
pub(super) fn response(head: &ResponseHead) -> ResponseHead {
    ResponseHead {
        status: head.status,
        reason: head.reason.as_deref().map(bytes::Bytes::copy_from_slice),
        version: head.version,
        fields: fields(&head.fields),
    }
}

fn fields(fields: &Fields) -> Fields {
    let mut map = fields.map().clone();
    let mut values = BytesMut::with_capacity(map.values().map(HeaderValue::len).sum());
    map.values().for_each(|value| values.extend_from_slice(value.as_bytes()));
    let mut values = values.freeze();
    for value in map.values_mut() {
        // It was a value before.
        if let Ok(copy) = HeaderValue::from_maybe_shared(values.split_to(value.len())) {
            *value = copy;
        }
    }
    Fields::new(map, Spelling::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Body, samples};

    #[test]
    fn a_copy_says_the_same() {
        let mut head = (*samples::request(Body::Empty).head).clone();
        for value in ["a", "", "bb"] {
            head.fields.add(http::header::ACCEPT, HeaderValue::from_static(value));
        }
        let copy = request(&head);
        assert_eq!(copy.fields.map(), head.fields.map());
        assert_eq!((copy.shown(), copy.target.as_str()), (head.shown(), head.target.as_str()));
        assert_eq!(copy.authority, head.authority);
    }
}
