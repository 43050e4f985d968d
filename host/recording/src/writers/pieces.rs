//! Which arrival times are worth noting.

use std::time::Duration;

use crate::model::{Piece, Response, Source};

/// The pieces of a response's body; none unless they say more than the head's arrival does. Pieces of another body, as one
/// was before its secrets were replaced, say nothing.
pub(super) fn noted_pieces(response: &Response<Source>) -> &[Piece] {
    let is_late = |piece: &Piece| Duration::from_micros(piece.after_micros) >= NOTICEABLE;
    let matters = match response.pieces.as_slice() {
        [] => false,
        [only] => is_late(only),
        _ => true,
    };
    let sum = response.pieces.iter().fold(0_u64, |sum, piece| sum.saturating_add(piece.len));
    if matters && response.content.size() == Some(sum) { &response.pieces } else { &[] }
}

/// A body in one piece that came sooner than this came with its head.
const NOTICEABLE: Duration = Duration::from_millis(1);
