//! A running proxy on a terminal.
