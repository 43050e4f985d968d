//! What a filter asks about an exchange that passes.

use std::borrow::Cow;

use flowfilter::{Side, Subject, Target};
use proxyhost_sdk::{Request, Response, Version};

/// An exchange that passes. Its contents pass later, so filters cannot ask for them.
pub(crate) struct Exchange<'a> {
    pub(crate) request: &'a Request,
    pub(crate) response: Option<&'a Response>,
    pub(crate) error: Option<&'a str>,
}

impl Subject for Exchange<'_> {
    fn method(&self) -> Cow<'_, [u8]> {
        self.request.method().into_bytes().into()
    }

    fn target(&self) -> Option<Target<'_>> {
        let prefers_authority = matches!(self.request.version(), Version::Http2 | Version::Http3);
        let authority = if prefers_authority { self.request.authority().unwrap_or_default() } else { String::new() };
        Some(Target {
            scheme: self.request.scheme().into_bytes().into(),
            host: self.request.host().into_bytes().into(),
            port: self.request.port(),
            authority: authority.into_bytes().into(),
            path: self.request.path().into_bytes().into(),
            prefers_authority,
        })
    }

    fn fields(&self, side: Side, see: &mut dyn FnMut(&[u8], &[u8])) {
        let fields = match side {
            Side::Request => self.request.fields(),
            Side::Response => self.response.map(Response::fields).unwrap_or_default(),
        };
        fields.iter().for_each(|field| see(field.name.as_bytes(), &field.value));
    }

    fn status(&self) -> Option<u16> {
        self.response.map(Response::status)
    }

    fn content(&self, _: Side) -> Option<Cow<'_, [u8]>> {
        None
    }

    fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    fn is_websocket(&self) -> bool {
        self.status() == Some(101) && self.request.field("sec-websocket-key").is_some()
    }

    fn destination(&self) -> Option<Cow<'_, str>> {
        Some(format!("{}:{}", self.request.host(), self.request.port()).into())
    }
}
