//! The formats that recordings have.

use std::fmt;

/// The format of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A flow file of mitmproxy.
    FlowFile,
    /// A HAR file.
    Har,
    /// A Web Page Replay archive.
    WebPageReplay,
    /// Stubs of WireMock, in a file or in a folder.
    WireMock,
}

impl fmt::Display for Format {
    /// With its article.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FlowFile => "a flow file",
            Self::Har => "a HAR file",
            Self::WebPageReplay => "a Web Page Replay archive",
            Self::WireMock => "a set of WireMock stubs",
        })
    }
}
