//! What the fuzz targets share.
//!
//! `place` is where files lie that are read, `reading` reads all that a recording holds, `tree` changes flow files without
//! breaking their lengths, `any_flow` makes flows, `message` makes HTTP messages of text.

pub mod any_flow;
pub mod message;
pub mod place;
pub mod reading;
pub mod tree;
