//! Flows of the list, as filters see them.

use std::{borrow::Cow, cell::OnceCell, iter, sync::Arc};

use control::{Content, Control, Flow, FlowSummary};
use flowfilter::{Message, Side, Subject, Target};

/// What it costs to look a flow up, and how many bytes of content cost 1.
const LOOKED_UP: usize = 5;
const BYTES: usize = 16 << 10;

/// A flow of the list. Only filters that ask for more than the list holds have the proxy look the flow up.
pub(super) struct Seen<'a> {
    summary: &'a FlowSummary,
    is_marked: bool,
    control: &'a dyn Control,
    flow: OnceCell<Option<Arc<Flow>>>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(summary: &'a FlowSummary, is_marked: bool, control: &'a dyn Control) -> Self {
        Self { summary, is_marked, control, flow: OnceCell::new() }
    }

    /// What it cost to see it so far, where 1 is what a flow costs that was not looked up.
    pub(super) fn cost(&self) -> usize {
        let Some(looked_up) = self.flow.get() else { return 1 };
        let messages = looked_up.iter().flat_map(|flow| iter::once(&flow.request).chain(&flow.response));
        let bytes = messages.map(|message| match &message.content {
            Content::Kept(bytes) | Content::Partial(bytes) => bytes.len(),
            Content::NotKept(_) => 0,
        });
        LOOKED_UP + bytes.sum::<usize>() / BYTES
    }

    fn flow(&self) -> Option<&Flow> {
        self.flow.get_or_init(|| self.control.flow(self.summary.id)).as_deref()
    }
}

impl Subject for Seen<'_> {
    fn method(&self) -> Cow<'_, [u8]> {
        self.summary.method.as_bytes().into()
    }

    fn target(&self) -> Option<Target<'_>> {
        // The summary has what the client named, so that no field has to be looked up for that.
        self.summary.target().map(|target| Target { prefers_authority: true, ..target })
    }

    fn fields(&self, side: Side, see: &mut dyn FnMut(&[u8], &[u8])) {
        if let Some(flow) = self.flow() {
            flow.fields(side, see);
        }
    }

    fn status(&self) -> Option<u16> {
        self.summary.status
    }

    fn content(&self, side: Side) -> Option<Cow<'_, [u8]>> {
        self.flow()?.content(side)
    }

    fn messages(&self, see: &mut dyn FnMut(Message<'_>) -> bool) {
        if let Some(flow) = self.flow() {
            flow.messages(see);
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

    fn marker(&self) -> Cow<'_, str> {
        if self.is_marked { ":default:".into() } else { "".into() }
    }

    fn comment(&self) -> Cow<'_, str> {
        self.summary.comment().into()
    }

    fn source(&self) -> Option<Cow<'_, str>> {
        self.summary.client.as_deref().map(Cow::Borrowed)
    }

    fn destination(&self) -> Option<Cow<'_, str>> {
        self.flow().and_then(|flow| flow.server.clone()).map(Cow::Owned)
    }
}
