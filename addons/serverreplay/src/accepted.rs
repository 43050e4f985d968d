//! Which content codings a client takes (RFC 9110, section 12.5.3).

/// The codings of a `Content-Encoding` field, in the order in which they were applied. What stands for none is left out.
pub fn codings(field: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(field);
    let names = text.split(',').map(str::trim);
    names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")).map(str::to_owned).collect()
}

/// Whether a client that sent this `Accept-Encoding` takes a coding.
pub fn accepts(field: &[u8], coding: &str) -> bool {
    let text = String::from_utf8_lossy(field);
    let mut others = false;
    for member in text.split(',') {
        let mut parts = member.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let is_wanted = parts.all(|parameter| !is_zero_weight(parameter));
        if is_same(name, coding) {
            return is_wanted;
        }
        others |= name == "*" && is_wanted;
    }
    others
}

/// `q=0`, however it is written.
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
}

/// Two of them have another name (RFC 9110, section 8.4.1).
fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "x-gzip" | "x-compress" => name.trim_start_matches("x-").to_owned(),
            _ => name,
        }
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_taken_if_it_is_named_or_all_are() {
        for (field, coding, expected) in [
            ("gzip, deflate, br", "br", true),
            ("gzip, deflate", "br", false),
            ("GZIP", "gzip", true),
            ("x-gzip", "gzip", true),
            ("gzip", "x-gzip", true),
            ("gzip;q=0", "gzip", false),
            ("gzip; Q=0.000", "gzip", false),
            ("gzip;q=0.001", "gzip", true),
            ("*", "zstd", true),
            ("*;q=0", "zstd", false),
            ("br;q=0, *", "br", false),
            ("*, br;q=0", "br", false),
            ("identity", "gzip", false),
            ("", "gzip", false),
            ("gzip;q=high", "gzip", true),
        ] {
            assert_eq!(accepts(field.as_bytes(), coding), expected, "{field} {coding}");
        }
    }

    #[test]
    fn codings_are_listed_in_their_order() {
        assert_eq!(codings(b"gzip , identity,,br"), ["gzip", "br"]);
        assert!(codings(b"identity").is_empty());
    }
}
