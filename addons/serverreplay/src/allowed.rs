//! What recorded responses allow pages of an origin (the CORS protocol of the Fetch standard).

use std::collections::BTreeSet;

/// What the responses to requests for one URL allow an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    origin: Vec<u8>,
    /// `*`, or the origin.
    answered: Option<Vec<u8>>,
    has_credentials: bool,
    /// Whether a page of a public network may ask a server of a private one (Private Network Access).
    crosses_networks: bool,
    methods: BTreeSet<String>,
    headers: BTreeSet<String>,
    max_age: Option<Vec<u8>>,
}

/// Fields of an answer.
pub type Lines = Vec<(&'static str, Vec<u8>)>;

impl Allowed {
    /// Nothing yet, for pages of this origin.
    pub fn new(origin: &[u8]) -> Self {
        Self {
            origin: origin.to_vec(),
            answered: None,
            has_credentials: false,
            crosses_networks: false,
            methods: BTreeSet::new(),
            headers: BTreeSet::new(),
            max_age: None,
        }
    }

    /// Adds what a response to a request with this method allows, by its fields; whether that is anything to the origin.
    pub fn add(&mut self, method: &str, field: impl Fn(&str) -> Option<Vec<u8>>) -> bool {
        let Some(origin) = field("access-control-allow-origin") else { return false };
        if origin != b"*" && !origin.eq_ignore_ascii_case(&self.origin) {
            return false;
        }
        // One that names the origin allows more than one that allows all.
        if self.answered.as_deref().is_none_or(|answered| answered == b"*") {
            self.answered = Some(origin);
        }
        let list = |name: &str| {
            let value = field(name).unwrap_or_default();
            let text = String::from_utf8_lossy(&value);
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let is_true = |name: &str| field(name).is_some_and(|value| value == b"true");
        self.has_credentials |= is_true("access-control-allow-credentials");
        self.crosses_networks |= is_true("access-control-allow-private-network");
        self.methods.insert(method.to_owned());
        self.methods.extend(list("access-control-allow-methods"));
        self.headers.extend(list("access-control-allow-headers").into_iter().map(|name| name.to_ascii_lowercase()));
        self.max_age = self.max_age.take().or_else(|| field("access-control-max-age"));
        true
    }

    /// The fields that answer a preflight for this method and these fields; nothing if the origin or the method is not allowed.
    /// Where no response says which fields are, all are: those of the recorded request were, and recorders leave some out.
    pub fn answer(self, method: &[u8], headers: Option<&[u8]>) -> Option<Lines> {
        let origin = self.answered?;
        let is_allowed = |allowed: &String| allowed == "*" || allowed.as_bytes() == method;
        if !self.methods.iter().any(is_allowed) {
            return None;
        }
        let join = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ").into_bytes();
        let mut lines: Lines = vec![("access-control-allow-origin", origin)];
        lines.push(("access-control-allow-methods", join(self.methods)));
        match headers {
            Some(headers) if self.headers.is_empty() => lines.push(("access-control-allow-headers", headers.to_vec())),
            Some(_) => lines.push(("access-control-allow-headers", join(self.headers))),
            None => {}
        }
        if self.has_credentials {
            lines.push(("access-control-allow-credentials", b"true".to_vec()));
        }
        if self.crosses_networks {
            lines.push(("access-control-allow-private-network", b"true".to_vec()));
        }
        lines.extend(self.max_age.map(|max_age| ("access-control-max-age", max_age)));
        lines.push(("vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers".to_vec()));
        Some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(responses: &[(&str, &[(&str, &str)])]) -> Allowed {
        let mut allowed = Allowed::new(b"https://app.example");
        for (method, fields) in responses {
            allowed
                .add(method, |name| fields.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).into()));
        }
        allowed
    }

    fn text(lines: Option<Lines>) -> Option<String> {
        let line = |(name, value): (&str, Vec<u8>)| {
            format!("{}: {}\n", name.trim_start_matches("access-control-"), String::from_utf8_lossy(&value))
        };
        lines.map(|lines| lines.into_iter().filter(|(name, _)| *name != "vary").map(line).collect())
    }

    const OWN: (&str, &str) = ("access-control-allow-origin", "https://app.example");

    #[test]
    fn the_recorded_method_is_allowed_with_the_fields_that_are_asked_for() {
        let put = allowed(&[("PUT", &[OWN, ("access-control-allow-credentials", "true")]), ("DELETE", &[OWN])]);
        let expected = "allow-origin: https://app.example\nallow-methods: DELETE, PUT\nallow-headers: content-type,x-a\n\
                        allow-credentials: true\n";
        assert_eq!(text(put.clone().answer(b"PUT", Some(b"content-type,x-a"))).as_deref(), Some(expected));
        assert_eq!(put.answer(b"PATCH", None), None);
    }

    #[test]
    fn fields_that_responses_name_are_those_allowed() {
        let all = allowed(&[(
            "POST",
            &[
                ("access-control-allow-origin", "*"),
                ("access-control-allow-headers", "X-A, Authorization"),
                ("access-control-allow-methods", "POST, PUT"),
                ("access-control-max-age", "600"),
                ("access-control-allow-private-network", "true"),
            ],
        )]);
        let expected = "allow-origin: *\nallow-methods: POST, PUT\nallow-headers: authorization, x-a\n\
                        allow-private-network: true\nmax-age: 600\n";
        assert_eq!(text(all.answer(b"PUT", Some(b"x-b"))).as_deref(), Some(expected));
    }

    #[test]
    fn another_origin_is_not_allowed() {
        let other = allowed(&[("GET", &[("access-control-allow-origin", "https://other.example")]), ("GET", &[])]);
        assert_eq!(other.answer(b"GET", None), None);
    }
}
