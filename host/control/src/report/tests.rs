//! Reports in each of their forms, compared whole.

use proptest::prelude::*;
use serde_json::json;

use super::{FailOn, Failure, Miss, Report, ServedExchange};

fn exchange(number: u32, path: &str, hits: u64) -> ServedExchange {
    let request = format!("GET http://shop.example{path}");
    ServedExchange { file: "shop.mitm".to_owned(), number, request, status: 200, hits }
}

fn miss(flow: u64) -> Miss {
    Miss {
        flow,
        session: "test-17".to_owned(),
        request: "GET http://shop.example/cart?…".to_owned(),
        reason: "nearest: flow 2 of shop.mitm: query \"a\" & <b> differ".to_owned(),
        data: Some(json!({"nearest": [{"flow": 2}]})),
    }
}

fn failure(flow: u64) -> Failure {
    Failure {
        flow,
        session: String::new(),
        request: "GET http://other.example/".to_owned(),
        error: "connection_refused".to_owned(),
        detail: "`other.example:80` refused\n\u{1b}[31m".to_owned(),
    }
}

fn report() -> Report {
    Report {
        session: None,
        flows: 4,
        exchanges: vec![exchange(1, "/", 2), exchange(2, "/cart?…", 0)],
        misses: vec![miss(3)],
        missed: 1,
        failures: vec![failure(4)],
        failed: 3,
    }
}

#[test]
fn the_text_has_a_paragraph_and_a_line_for_each_thing_to_look_at() {
    assert_eq!(
        report().text(),
        r#"4 requests: 2 replayed, 1 missed, 1 recorded exchange never served, 3 failed
missed GET http://shop.example/cart?…: nearest: flow 2 of shop.mitm: query "a" & <b> differ (flow 3, session `test-17`)
never served GET http://shop.example/cart?… 200: flow 2 of shop.mitm
failed GET http://other.example/: `other.example:80` refused\n\u{1b}[31m (connection_refused, flow 4)
and 2 more failures
"#
    );
    assert_eq!(
        Report::default().text(),
        "0 requests: 0 replayed, 0 missed, 0 recorded exchanges never served, 0 failed\n"
    );
    let session = |name: &str| Report { session: Some(name.to_owned()), ..Report::default() }.text();
    assert!(session("a").starts_with("session `a`: 0 requests: "));
    assert!(session("").starts_with("requests without a session: 0 requests: "));
}

#[test]
fn a_text_of_many_lines_is_cut() {
    let report = Report {
        exchanges: (1..=21).map(|number| exchange(number, "/", 0)).collect(),
        misses: (1..=30).map(miss).collect(),
        missed: 1000,
        failures: (1..=20).map(failure).collect(),
        failed: 20,
        ..Report::default()
    };
    let text = report.text();
    assert_eq!(text.lines().count(), 63);
    let cut: Vec<&str> = text.lines().filter(|line| line.starts_with("and ")).collect();
    assert_eq!(cut, ["and 980 more misses", "and 1 more exchange never served"]);
}

#[test]
fn junit_fails_what_the_run_is_to_fail_on() {
    let on = FailOn { miss: true, unused: true, error: true };
    assert_eq!(
        report().junit(on),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="proxyhost" tests="5" failures="2" errors="2" skipped="0">
  <testsuite name="proxyhost" tests="5" failures="2" errors="2" skipped="0">
    <testcase classname="proxyhost.recorded" name="flow 1 of shop.mitm: GET http://shop.example/ 200"/>
    <testcase classname="proxyhost.recorded" name="flow 2 of shop.mitm: GET http://shop.example/cart?… 200">
      <failure type="unused" message="was never served"></failure>
    </testcase>
    <testcase classname="proxyhost.missed" name="flow 3, session `test-17`: GET http://shop.example/cart?…">
      <failure type="miss" message="nearest: flow 2 of shop.mitm: query &quot;a&quot; &amp; &lt;b&gt; differ">{
  &quot;nearest&quot;: [
    {
      &quot;flow&quot;: 2
    }
  ]
}</failure>
    </testcase>
    <testcase classname="proxyhost.failed" name="flow 4: GET http://other.example/">
      <error type="connection_refused" message="`other.example:80` refused&#10;\u{1b}[31m"/>
    </testcase>
    <testcase classname="proxyhost.failed" name="earlier failures">
      <error type="failure" message="2 more, of which nothing was kept"/>
    </testcase>
  </testsuite>
</testsuites>
"#
    );
}

#[test]
fn junit_skips_the_rest() {
    let report = Report { session: Some("a".to_owned()), ..report() };
    assert_eq!(
        report.junit(FailOn::default()),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="proxyhost" tests="5" failures="0" errors="0" skipped="4">
  <testsuite name="proxyhost session a" tests="5" failures="0" errors="0" skipped="4">
    <testcase classname="proxyhost.recorded" name="flow 1 of shop.mitm: GET http://shop.example/ 200"/>
    <testcase classname="proxyhost.recorded" name="flow 2 of shop.mitm: GET http://shop.example/cart?… 200">
      <skipped message="was never served"/>
    </testcase>
    <testcase classname="proxyhost.missed" name="flow 3, session `test-17`: GET http://shop.example/cart?…">
      <skipped message="nearest: flow 2 of shop.mitm: query &quot;a&quot; &amp; &lt;b&gt; differ"/>
    </testcase>
    <testcase classname="proxyhost.failed" name="flow 4: GET http://other.example/">
      <skipped message="`other.example:80` refused&#10;\u{1b}[31m"/>
    </testcase>
    <testcase classname="proxyhost.failed" name="earlier failures">
      <skipped message="2 more, of which nothing was kept"/>
    </testcase>
  </testsuite>
</testsuites>
"#
    );
}

#[test]
fn json_has_all_of_it() {
    let report = Report { exchanges: vec![exchange(1, "/", 2)], misses: vec![miss(3)], flows: 4, ..Report::default() };
    assert_eq!(
        report.json(),
        r#"{
  "session": null,
  "flows": 4,
  "exchanges": [
    {
      "file": "shop.mitm",
      "number": 1,
      "request": "GET http://shop.example/",
      "status": 200,
      "hits": 2
    }
  ],
  "misses": [
    {
      "flow": 3,
      "session": "test-17",
      "request": "GET http://shop.example/cart?…",
      "reason": "nearest: flow 2 of shop.mitm: query \"a\" & <b> differ",
      "data": {
        "nearest": [
          {
            "flow": 2
          }
        ]
      }
    }
  ],
  "missed": 0,
  "failures": [],
  "failed": 0
}
"#
    );
}

proptest! {
    #[test]
    fn no_text_leaves_its_place_in_a_document(text in any::<String>()) {
        let exchange = ServedExchange { file: text.clone(), request: text.clone(), ..exchange(1, "/", 0) };
        let mut missed = Miss { reason: text.clone(), data: Some(json!(text)), ..miss(1) };
        missed.session = text;
        let report = Report { exchanges: vec![exchange], misses: vec![missed], ..report() };
        let document = report.junit(FailOn { miss: true, unused: true, error: true });
        let is_allowed = |character: char| !character.is_control() || character == '\n';
        prop_assert!(document.chars().all(is_allowed), "{document:?}");
        // Each of them is one that the document itself writes.
        prop_assert_eq!(document.matches('<').count(), 17, "{}", document);
        prop_assert_eq!(document.matches('>').count(), 17, "{}", document);
        prop_assert_eq!(document.matches('"').count(), 56, "{}", document);
    }
}
