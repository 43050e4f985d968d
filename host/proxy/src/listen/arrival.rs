//! How clients of a listener say where they want to go.

/// How clients of a listener say where they want to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrival {
    /// In HTTP, if at all.
    #[default]
    Http,
    /// By SOCKS, before anything else.
    Socks,
    /// Not at all: the system led them here, and knows it.
    Redirected,
}
