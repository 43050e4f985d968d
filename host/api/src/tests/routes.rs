//! What each route answers, beside what the document says of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    harness::{Reply, Served},
    schema,
};
use crate::{handlers::openapi::DOCUMENT, routes::ROUTES};

/// A request to each route, what it is answered with, and what the proxy was asked for.
struct Case {
    method: &'static str,
    /// The path as the table has it.
    route: &'static str,
    path: &'static str,
    body: Value,
    status: u16,
    asked: &'static [&'static str],
}

fn case(method: &'static str, route: &'static str, path: &'static str) -> Case {
    Case { method, route, path, body: Value::Null, status: 200, asked: &[] }
}

impl Case {
    fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }

    fn gives(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn asks(self, asked: &'static [&'static str]) -> Self {
        Self { asked, ..self }
    }
}

fn cases() -> Vec<Case> {
    let get = |route, path| case("GET", route, path);
    let changes = |method, route, path, body, asked| case(method, route, path).with(body).asks(asked);
    vec![
        get("/healthz", "/healthz"),
        get("/readyz", "/readyz"),
        get("/metrics", "/metrics"),
        get("/v1/openapi.json", "/v1/openapi.json"),
        get("/v1/health", "/v1/health"),
        get("/v1/flows", "/v1/flows?filter=~m%20GET&session=a&after=3&limit=7"),
        get("/v1/flows", "/v1/flows"),
        get("/v1/flows", "/v1/flows?filter=~c").gives(400),
        get("/v1/flows", "/v1/flows?filtre=x").gives(400),
        get("/v1/flows", "/v1/flows?limit=-1").gives(400),
        case("DELETE", "/v1/flows", "/v1/flows").gives(204).asks(&["clear"]),
        get("/v1/flows/export", "/v1/flows/export?session=a").asks(&["save [4] flows.mitm"]),
        get("/v1/flows/export", "/v1/flows/export?format=har").asks(&["save [4, 5] flows.har"]),
        get("/v1/flows/export", "/v1/flows/export?format=pcap").gives(400),
        case("POST", "/v1/flows/save", "/v1/flows/save")
            .with(json!({ "file": "/dev/null", "filter": "~e" }))
            .asks(&["save [5] null"]),
        case("POST", "/v1/flows/save", "/v1/flows/save")
            .with(json!({ "file": "/dev/null", "flows": [7, 8] }))
            .asks(&["save [7, 8] null"]),
        case("POST", "/v1/flows/save", "/v1/flows/save")
            .with(json!({ "file": "/dev/null", "flows": [7], "session": "a" }))
            .gives(400),
        get("/v1/flows/{id}", "/v1/flows/4"),
        get("/v1/flows/{id}", "/v1/flows/5"),
        get("/v1/flows/{id}", "/v1/flows/99").gives(404),
        get("/v1/flows/{id}", "/v1/flows/x").gives(400),
        get("/v1/flows/{id}", "/v1/flows/666").gives(500),
        get("/v1/flows/{id}/request/body", "/v1/flows/4/request/body"),
        get("/v1/flows/{id}/request/body", "/v1/flows/5/request/body").gives(409),
        get("/v1/flows/{id}/response/body", "/v1/flows/4/response/body?raw=true"),
        get("/v1/flows/{id}/response/body", "/v1/flows/4/response/body?raw=maybe").gives(400),
        get("/v1/flows/{id}/response/body", "/v1/flows/5/response/body").gives(404),
        get("/v1/events", "/v1/events?kind=nothing").gives(400),
        get("/v1/events", "/v1/events?filter=~c").gives(400),
        get("/v1/options", "/v1/options"),
        changes(
            "PATCH",
            "/v1/options",
            "/v1/options",
            json!({ "a": true, "b": -3, "c": "x", "d": ["x", "y"], "e": null, "f": { "text": "+x" } }),
            &["Options([(\"a\", Value(Flag(true))), (\"b\", Value(Integer(-3))), (\"c\", Value(Text(\"x\"))), \
               (\"d\", Value(Texts([\"x\", \"y\"]))), (\"e\", Default), (\"f\", Text(\"+x\"))])"],
        ),
        case("PATCH", "/v1/options", "/v1/options").with(json!({ "a": 1.5 })).gives(400),
        case("PATCH", "/v1/options", "/v1/options").with(json!({ "a": true, "b": { "text": 1 } })).gives(400),
        case("PATCH", "/v1/options", "/v1/options").with(json!(["a"])).gives(400),
        get("/v1/options/{name}", "/v1/options/refresh"),
        get("/v1/options/{name}", "/v1/options/a%2Fb").gives(404),
        get("/v1/options/{name}", "/v1/options/%ff").gives(400),
        get("/v1/commands", "/v1/commands"),
        case("POST", "/v1/commands/{name}", "/v1/commands/replay.server.count")
            .with(json!({ "arguments": ["x", ""], "session": "a" }))
            .asks(&["run replay.server.count [\"x\", \"\"] \"a\""]),
        case("POST", "/v1/commands/{name}", "/v1/commands/none").with(json!({})).gives(404).asks(&["run none [] \"\""]),
        case("POST", "/v1/commands/{name}", "/v1/commands/none").gives(404).asks(&["run none [] \"\""]),
        case("POST", "/v1/commands/{name}", "/v1/commands/refuse")
            .with(json!({}))
            .gives(409)
            .asks(&["run refuse [] \"\""]),
        case("POST", "/v1/commands/{name}", "/v1/commands/fail").with(json!({})).gives(500).asks(&["run fail [] \"\""]),
        case("POST", "/v1/commands/{name}", "/v1/commands/fail").with(json!({ "argument": [] })).gives(400),
        get("/v1/addons", "/v1/addons"),
        changes("POST", "/v1/addons", "/v1/addons", json!({ "use": "a.wasm" }), &["AddAddon(\"a.wasm\")"]),
        changes(
            "PUT",
            "/v1/addons/{name}",
            "/v1/addons/a",
            json!({ "use": "b.wasm" }),
            &["ReplaceAddon { name: \"a\", file: \"b.wasm\" }"],
        ),
        case("POST", "/v1/addons/{name}", "/v1/addons/a").with(json!({})).gives(415),
        case("DELETE", "/v1/addons/{name}", "/v1/addons/a%20b").asks(&["RemoveAddon(\"a b\")"]),
        get("/v1/plugs", "/v1/plugs"),
        changes("POST", "/v1/plugs", "/v1/plugs", json!({ "use": "p.wasm" }), &["AddPlug(\"p.wasm\")"]),
        changes(
            "PUT",
            "/v1/plugs/{name}",
            "/v1/plugs/a",
            json!({ "use": "b.wasm" }),
            &["ReplacePlug { name: \"a\", file: \"b.wasm\" }"],
        ),
        case("POST", "/v1/plugs/{name}", "/v1/plugs/a").with(json!({})).gives(415),
        case("DELETE", "/v1/plugs/{name}", "/v1/plugs/p").asks(&["RemovePlug(\"p\")"]),
        get("/v1/recordings", "/v1/recordings?session=a"),
        changes(
            "POST",
            "/v1/recordings",
            "/v1/recordings",
            json!({ "file": "a.mitm", "addon": "serverreplay" }),
            &["AddRecording { addon: Some(\"serverreplay\"), file: \"a.mitm\" }"],
        ),
        case("DELETE", "/v1/recordings", "/v1/recordings?file=%2Fa.mitm")
            .asks(&["RemoveRecording { addon: None, file: \"/a.mitm\" }"]),
        case("DELETE", "/v1/recordings", "/v1/recordings").gives(400),
        get("/v1/sessions", "/v1/sessions"),
        changes("POST", "/v1/sessions/reset", "/v1/sessions/reset", json!({ "session": "a" }), &["reset Some(\"a\")"]),
        changes("POST", "/v1/sessions/reset", "/v1/sessions/reset", json!({}), &["reset None"]),
        case("POST", "/v1/sessions/reset", "/v1/sessions/reset").asks(&["reset None"]),
        case("POST", "/v1/sessions/reset", "/v1/sessions/reset")
            .with(json!({ "session": "none" }))
            .gives(404)
            .asks(&["reset Some(\"none\")"]),
        get("/v1/report", "/v1/report"),
        get("/v1/report", "/v1/report?session=a&format=json"),
        get("/v1/report", "/v1/report?format=text"),
        get("/v1/report", "/v1/report?format=junit&fail_on=miss,unused"),
        get("/v1/report", "/v1/report?format=junit&fail_on=everything").gives(400),
        get("/v1/report", "/v1/report?format=yaml").gives(400),
        case("POST", "/v1/reload", "/v1/reload").asks(&["Reload"]),
        case("POST", "/v1/stop", "/v1/stop").gives(202).asks(&["stop"]),
    ]
}

#[tokio::test]
async fn every_route_answers_as_the_document_says() {
    let served = Served::start().await;
    let document: Value = serde_json::from_str(DOCUMENT).expect("a JSON document");
    let mut right = BTreeSet::new();
    for Case { method, route, path, body, status, asked } in cases() {
        let sent = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let reply = served.ask(method, path, "application/json", &sent).await;
        let name = format!("{method} {path} {body}");
        assert_eq!(reply.status, status, "{name}: {}", String::from_utf8_lossy(&reply.body));
        assert_eq!(served.fake.asked(), asked, "{name}");
        assert_eq!(described(&document, method, route, &reply), None, "{name}");
        if status < 300 {
            right.insert((method.to_owned(), route));
            assert_eq!(sent_as_described(&document, method, route, &body), None, "{name}");
        }
    }
    // Those have tests of their own.
    right.extend([
        ("GET".to_owned(), "/v1/events"),
        ("POST".to_owned(), "/v1/addons/{name}"),
        ("POST".to_owned(), "/v1/plugs/{name}"),
    ]);
    let all: BTreeSet<_> = ROUTES.iter().map(|route| (route.method.to_string(), route.path)).collect();
    assert_eq!(right, all);
}

/// What is wrong with an answer.
fn described(document: &Value, method: &str, route: &str, reply: &Reply) -> Option<String> {
    let responses = &document["paths"][route][method.to_lowercase()]["responses"];
    let response = responses.get(reply.status.to_string()).unwrap_or(&responses["default"]);
    let response = match response["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect("it refers to something"),
        None => response,
    };
    assert!(response["description"].is_string(), "{method} {route} {}", reply.status);
    let Some(content) = response["content"].as_object() else {
        return (!reply.body.is_empty()).then(|| "there is content that is not described".to_owned());
    };
    let found = reply.field("content-type").unwrap_or_default();
    let described = content.iter().find(|(kind, _)| found.starts_with(*kind) || *kind == "*/*");
    let Some((_, content)) = described else { return Some(format!("it is {found}, and none of {content:?}")) };
    schema::fault(document, content.get("schema")?, &reply.json(), "the answer")
}

/// What is wrong with a request that was understood.
fn sent_as_described(document: &Value, method: &str, route: &str, body: &Value) -> Option<String> {
    let request = &document["paths"][route][method.to_lowercase()]["requestBody"];
    let schema = request["content"]["application/json"].get("schema")?;
    if body.is_null() && request["required"] == false {
        return None;
    }
    schema::fault(document, schema, body, "the request")
}

#[test]
fn the_document_describes_the_routes_and_nothing_else() {
    let document: Value = serde_json::from_str(DOCUMENT).expect("a JSON document");
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
            described.insert((method.to_uppercase(), path.as_str(), is_open));
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_path: BTreeSet<_> = parameters
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str())
                .collect();
            let named: BTreeSet<_> =
                path.split('/').map(|part| part.strip_prefix('{')?.strip_suffix('}')).filter(Option::is_some).collect();
            assert_eq!(in_path, named, "{method} {path}");
        }
    }
    let open = |route: &crate::routes::Route| route.needs == crate::routes::Needs::Nothing;
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.method.to_string(), route.path, open(route))).collect();
    assert_eq!(described, routes);
}

#[tokio::test]
async fn whether_it_serves_is_said_by_the_status() {
    let served = Served::start().await;
    *served.fake.is_serving.lock().expect("nobody panicked") = false;
    let document: Value = serde_json::from_str(DOCUMENT).expect("a JSON document");
    for (path, status) in [("/healthz", 200), ("/readyz", 503)] {
        let reply = served.ask_with("GET", path, "", b"").await;
        assert_eq!((reply.status, reply.json()), (status, json!({ "is_serving": false })), "{path}");
        assert_eq!(described(&document, "GET", path, &reply), None);
    }
}

#[tokio::test]
async fn a_component_is_taken_as_it_is_sent() {
    let served = Served::start().await;
    let large = vec![7; 3 << 20];
    for (method, path, asked) in [
        ("POST", "/v1/addons/mine", "UploadAddon"),
        ("PUT", "/v1/addons/mine", "ReplaceAddonWith"),
        ("POST", "/v1/plugs/mine", "UploadPlug"),
        ("PUT", "/v1/plugs/mine", "ReplacePlugWith"),
    ] {
        let reply = served.ask(method, path, "application/wasm", &large).await;
        assert_eq!((reply.status, served.fake.asked()), (200, vec![format!("{asked} mine {}", large.len())]));
        let reply = served.ask(method, path, "application/octet-stream", &large).await;
        assert_eq!((reply.status, served.fake.asked()), (415, Vec::new()), "{method} {path}");
    }
}

#[tokio::test]
async fn a_body_is_sent_decoded_or_raw_and_never_as_a_page() {
    let served = Served::start().await;
    let decoded = served.ask("GET", "/v1/flows/4/response/body", "", b"").await;
    assert_eq!(decoded.body, b"hello");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("content-disposition", "attachment; filename=\"flow-4-response.bin\""),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ] {
        assert_eq!(decoded.field(name), Some(value));
    }
    let raw = served.ask("GET", "/v1/flows/4/response/body?raw=true", "", b"").await;
    assert!(raw.body.starts_with(b"\x1f\x8b"));
    assert_eq!(raw.field("content-encoding"), None);
    let exported = served.ask("GET", "/v1/flows/export", "", b"").await;
    assert_eq!(exported.body, b"[4, 5]");
    assert_eq!(exported.field("content-disposition"), Some("attachment; filename=\"flows.mitm\""));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_same_form() {
    let served = Served::start().await;
    let reply = served.ask("GET", "/v1/nothing", "", b"").await;
    let reason = "there is nothing at this path: `/v1/openapi.json` says what there is";
    assert_eq!((reply.status, reply.error()), (404, ("unknown".to_owned(), reason.to_owned())));
    let reply = served.ask("DELETE", "/v1/report", "", b"").await;
    let reason = "this path has no such method: `/v1/openapi.json` says which ones it has";
    assert_eq!((reply.status, reply.error()), (405, ("invalid".to_owned(), reason.to_owned())));
    assert_eq!(reply.field("allow"), Some("get,head"));
    let reply = served.ask("GET", "/v1/flows/666", "", b"").await;
    let reason = "the request failed by a mistake in the proxy; its log says more";
    assert_eq!((reply.status, reply.error()), (500, ("failed".to_owned(), reason.to_owned())));
}
