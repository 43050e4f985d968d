//! A running proxy over HTTP: the control API, and the client that scripts use.
