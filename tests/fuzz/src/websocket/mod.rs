//! The decoder of WebSocket frames by itself, which `recording` keeps to itself.

#[path = "../../../../host/src/recording/websocket/decoder.rs"]
pub mod decoder;
#[path = "../../../../host/src/recording/websocket/deflate.rs"]
pub mod deflate;
#[path = "../../../../host/src/recording/websocket/inflate.rs"]
mod inflate;
