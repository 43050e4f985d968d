//! What a handshake has negotiated about compression.

/// The parameters of `permessage-deflate` (RFC 7692 §7.1) that matter to a decoder.
///
/// The sizes of the windows do not: whatever was compressed with a small window is decompressed with the largest one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deflate {
    /// The server compresses every message on its own.
    pub server_no_context_takeover: bool,
    /// The client compresses every message on its own.
    pub client_no_context_takeover: bool,
}

/// Why a session cannot be decoded: the server agreed to something that gives the frames another meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the WebSocket extension `{found}` is not understood, supported is `permessage-deflate`")]
pub struct UnknownExtension {
    /// The extension, or the parameter with its extension, escaped.
    pub found: String,
}

impl Deflate {
    /// Reads the `Sec-WebSocket-Extensions` of a response, where several fields are joined with commas. An empty one
    /// negotiates nothing.
    pub fn negotiated(sec_websocket_extensions: &[u8]) -> Result<Option<Self>, UnknownExtension> {
        let mut deflate = None;
        for extension in sec_websocket_extensions.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if extension.is_empty() {
                continue;
            }
            // A second one would compress what is compressed already.
            if deflate.is_some() {
                return Err(UnknownExtension::new(extension));
            }
            deflate = Some(Self::parse(extension).ok_or_else(|| UnknownExtension::new(extension))?);
        }
        Ok(deflate)
    }

    fn parse(extension: &[u8]) -> Option<Self> {
        let mut parts = extension.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        if !parts.next()?.eq_ignore_ascii_case(b"permessage-deflate") {
            return None;
        }
        let mut deflate = Self::default();
        for parameter in parts {
            let name = parameter.split(|byte| *byte == b'=').next()?.trim_ascii_end();
            match name.to_ascii_lowercase().as_slice() {
                b"server_no_context_takeover" => deflate.server_no_context_takeover = true,
                b"client_no_context_takeover" => deflate.client_no_context_takeover = true,
                b"server_max_window_bits" | b"client_max_window_bits" => {}
                _ => return None,
            }
        }
        Some(deflate)
    }
}

impl UnknownExtension {
    fn new(extension: &[u8]) -> Self {
        Self { found: extension.escape_ascii().to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deflate(server_no_context_takeover: bool, client_no_context_takeover: bool) -> Result<Option<Deflate>, String> {
        Ok(Some(Deflate { server_no_context_takeover, client_no_context_takeover }))
    }

    fn negotiated(value: &str) -> Result<Option<Deflate>, String> {
        Deflate::negotiated(value.as_bytes()).map_err(|unknown| unknown.to_string())
    }

    #[test]
    fn parameters_are_found_in_any_spelling() {
        assert_eq!(negotiated("permessage-deflate"), deflate(false, false));
        assert_eq!(negotiated("permessage-deflate; server_no_context_takeover"), deflate(true, false));
        assert_eq!(negotiated("permessage-deflate;client_no_context_takeover"), deflate(false, true));
        assert_eq!(
            negotiated(
                " ,Permessage-Deflate ; server_max_window_bits = \"10\";client_max_window_bits=15 ; \
                 SERVER_NO_CONTEXT_TAKEOVER;client_no_context_takeover, "
            ),
            deflate(true, true)
        );
    }

    #[test]
    fn nothing_is_negotiated_by_an_empty_field() {
        assert_eq!(negotiated(""), Ok(None));
        assert_eq!(negotiated(" , ,"), Ok(None));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let unknown = |found: &str| {
            Err(format!("the WebSocket extension `{found}` is not understood, supported is `permessage-deflate`"))
        };
        for found in [
            "x-webkit-deflate-frame",
            "permessage-bzip2; level=9",
            "permessage-deflate; new_parameter",
            "permessage-deflate;",
            "; permessage-deflate",
        ] {
            assert_eq!(negotiated(found), unknown(found));
        }
        assert_eq!(negotiated("permessage-deflate, bbf-usp-protocol"), unknown("bbf-usp-protocol"));
        assert_eq!(negotiated("permessage-deflate, permessage-deflate"), unknown("permessage-deflate"));
        let unprintable = Deflate::negotiated(b"caf\xe9").unwrap_err();
        assert_eq!(unprintable.found, "caf\\xe9");
    }
}
