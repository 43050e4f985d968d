//! The content codings that HAR files have bodies without.

use bytes::Bytes;
use coding::{Coding, is_identity};

/// How a body is coded, by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coded {
    Not,
    As(Coding),
    /// In several ways, or in one that readers of HAR files do not look behind.
    Otherwise,
}

impl Coded {
    pub(super) fn by(fields: &[(Bytes, Bytes)]) -> Self {
        let values = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"content-encoding"));
        let codings = values.flat_map(|(_, value)| value.split(|byte| *byte == b','));
        let mut codings = codings.filter(|name| !is_identity(name));
        match (codings.next().map(Coding::named), codings.next()) {
            (None, _) => Self::Not,
            (Some(Some(coding @ (Coding::Gzip | Coding::Deflate | Coding::Brotli))), None) => Self::As(coding),
            _ => Self::Otherwise,
        }
    }
}
