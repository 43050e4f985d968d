//! The cookies of a message, which HAR files list beside its fields.
//!
//! Not by the crate `cookie`: it refuses a pair without a name, which clients send and servers set (RFC 6265bis, section 5.6),
//! and with it everything else that the list has of it.

use std::time::UNIX_EPOCH;

use serde_json::{Map, Value, json};

use super::date;

/// The cookies in the value of a `Cookie` field.
pub(super) fn of_request(value: &str) -> impl Iterator<Item = Value> {
    let pairs = value.split(';').map(str::trim).filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = split(pair);
        json!({"name": name, "value": value})
    })
}

/// The cookie in the value of a `Set-Cookie` field.
pub(super) fn of_response(value: &str) -> Value {
    let mut parts = value.split(';').map(str::trim);
    let (name, value) = split(parts.next().unwrap_or_default());
    let mut cookie = Map::from_iter([
        ("name".to_owned(), name.into()),
        ("value".to_owned(), value.into()),
        ("httpOnly".to_owned(), false.into()),
        ("secure".to_owned(), false.into()),
    ]);
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let (key, value) = match attribute.trim().to_ascii_lowercase().as_str() {
            "path" => ("path", value.trim().into()),
            "domain" => ("domain", value.trim().into()),
            "httponly" => ("httpOnly", true.into()),
            "secure" => ("secure", true.into()),
            "samesite" => ("sameSite", value.trim().into()),
            "expires" => match expiry(value.trim()) {
                Some(date) => ("expires", date.into()),
                None => continue,
            },
            _ => continue,
        };
        cookie.insert(key.to_owned(), value);
    }
    Value::Object(cookie)
}

/// A pair without `=` is a value without a name (RFC 6265bis, section 5.6).
fn split(pair: &str) -> (&str, &str) {
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    (name.trim(), value.trim())
}

fn expiry(value: &str) -> Option<String> {
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date::iso(date.duration_since(UNIX_EPOCH).ok()?.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_pairs() {
        let cookies: Vec<_> = of_request("a=b; c = \"d=e\";; f").collect();
        assert_eq!(
            Value::from(cookies),
            json!([{"name": "a", "value": "b"}, {"name": "c", "value": "\"d=e\""}, {"name": "", "value": "f"}])
        );
    }

    #[test]
    fn a_response_has_attributes() {
        let found = of_response(
            "a=b=c; Path=/x; domain=example.com; Expires=Wed, 21 Oct 2015 07:28:00 GMT; HTTPONLY; Max-Age=1",
        );
        let expected = json!({
            "name": "a", "value": "b=c", "path": "/x", "domain": "example.com", "expires": "2015-10-21T07:28:00.000Z",
            "httpOnly": true, "secure": false,
        });
        assert_eq!(found, expected);
        let found = of_response("x; secure; SameSite=Lax; Expires=tomorrow");
        assert_eq!(found, json!({"name": "", "value": "x", "httpOnly": false, "secure": true, "sameSite": "Lax"}));
    }
}
