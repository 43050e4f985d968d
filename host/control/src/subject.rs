//! Flows as filters see them.

use std::borrow::Cow;

use flowfilter::{Message, Side, Subject, Target};

use super::{Flow, FlowSummary, Outcome};

impl Subject for Flow {
    fn method(&self) -> Cow<'_, [u8]> {
        self.summary.method.as_bytes().into()
    }

    fn target(&self) -> Option<Target<'_>> {
        self.summary.target()
    }

    fn fields(&self, side: Side, see: &mut dyn FnMut(&[u8], &[u8])) {
        for (name, value) in self.message(side).into_iter().flat_map(|message| &message.fields) {
            see(name.as_bytes(), value);
        }
    }

    fn status(&self) -> Option<u16> {
        self.summary.status
    }

    fn content(&self, side: Side) -> Option<Cow<'_, [u8]>> {
        self.message(side)?.decoded().map(|content| Cow::Owned(content.to_vec()))
    }

    fn messages(&self, see: &mut dyn FnMut(Message<'_>) -> bool) {
        for frame in &self.frames {
            let side = if frame.is_from_client { Side::Request } else { Side::Response };
            if see(Message { side, content: &frame.content }) {
                return;
            }
        }
    }

    fn has_failed(&self) -> bool {
        self.summary.has_failed()
    }

    fn is_websocket(&self) -> bool {
        self.summary.is_websocket
    }

    fn replayed(&self) -> Option<Side> {
        self.summary.replayed()
    }

    fn comment(&self) -> Cow<'_, str> {
        self.summary.comment().into()
    }

    fn source(&self) -> Option<Cow<'_, str>> {
        self.summary.client.as_deref().map(Cow::Borrowed)
    }

    fn destination(&self) -> Option<Cow<'_, str>> {
        self.server.as_deref().map(Cow::Borrowed)
    }
}

impl Flow {
    fn message(&self, side: Side) -> Option<&super::Message> {
        match side {
            Side::Request => Some(&self.request),
            Side::Response => self.response.as_ref(),
        }
    }
}

impl FlowSummary {
    /// Whether it failed, as filters see it.
    pub fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. } | Outcome::Killed { .. })
    }

    /// Which side was replayed, if one was.
    pub fn replayed(&self) -> Option<Side> {
        self.notes.iter().any(|note| note.name == "replayed").then_some(Side::Response)
    }

    /// What addons noted, a line each.
    pub fn comment(&self) -> String {
        let texts = self.notes.iter().map(|note| format!("{}: {}", note.name, note.text));
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Where the request goes, as filters see it.
    pub fn target(&self) -> Option<Target<'_>> {
        let is_https = self.scheme == "https";
        let (host, port) = match self.authority.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, port.parse().ok())
            }
            _ => (self.authority.as_str(), None),
        };
        Some(Target {
            scheme: self.scheme.as_bytes().into(),
            host: host.trim_matches(['[', ']']).as_bytes().into(),
            port: port.unwrap_or(if is_https { 443 } else { 80 }),
            authority: self.authority.as_bytes().into(),
            path: self.path.as_bytes().into(),
            prefers_authority: false,
        })
    }
}
