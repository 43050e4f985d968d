//! The content codings that HAR files have bodies without.

use coding::{Coding, is_identity};

use crate::model::Fields;

/// How a body is coded, by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coded {
    Not,
    As(Coding),
    /// In several ways, or in one that readers of HAR files do not look behind.
    Otherwise,
}

impl Coded {
    pub(super) fn by(fields: &Fields) -> Self {
        let codings = fields.lines("content-encoding").flat_map(|value| value.split(|byte| *byte == b','));
        let mut codings = codings.filter(|name| !is_identity(name));
        match (codings.next().map(Coding::named), codings.next()) {
            (None, _) => Self::Not,
            (Some(Some(coding @ (Coding::Gzip | Coding::Deflate | Coding::Brotli))), None) => Self::As(coding),
            _ => Self::Otherwise,
        }
    }
}
