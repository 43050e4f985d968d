//! Screens, compared whole with those in `tests/screens`. `RENEW_SCREENS=1` writes them anew.

use std::path::Path;

use bytes::Bytes;
use control::{Content, Event, LogLine};

use super::Console;
use crate::samples::{self, Sample};

fn shop(width: u16, height: u16) -> Console {
    Console::new(Sample::new(samples::shop()), width, height)
}

fn check(name: &str, console: &mut Console) {
    let screen = console.screen();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(format!("{name}.txt"));
    if std::env::var_os("RENEW_SCREENS").is_some() {
        std::fs::write(&path, &screen).expect("the screen can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(screen, kept, "screen `{name}`");
}

#[test]
fn flows() {
    check("flows", shop(80, 24).press("gjjm"));
}

#[test]
fn flows_on_a_wide_screen() {
    check("flows-wide", &mut shop(160, 12));
}

#[test]
fn flows_on_a_tiny_screen() {
    check("flows-tiny", &mut shop(30, 6));
}

#[test]
fn no_flows() {
    check("no-flows", &mut Console::new(Sample::new(Vec::new()), 80, 8));
}

#[test]
fn a_mistake_in_a_filter() {
    check("filter-mistake", shop(80, 10).press("f~c 20x"));
}

#[test]
fn a_filter() {
    check("filter", shop(80, 10).press("f~m POST | ~c 404<enter>"));
}

#[test]
fn a_response() {
    check("response", shop(80, 24).press("g<enter>"));
}

#[test]
fn a_request() {
    check("request", shop(80, 24).press("gjj<enter>h"));
}

#[test]
fn a_miss() {
    check("miss", shop(80, 24).press("gj<enter>"));
}

#[test]
fn messages_of_a_websocket() {
    check("messages", shop(80, 16).press("gjjjjjj<enter><tab>"));
}

#[test]
fn notes() {
    check("notes", shop(80, 12).press("g<enter><tab>"));
}

#[test]
fn timing() {
    check("timing", shop(80, 18).press("g<enter><tab><tab>"));
}

#[test]
fn options() {
    check("options", shop(80, 24).press("ojjj"));
}

#[test]
fn options_that_are_searched() {
    check("options-searched", shop(80, 24).press("o/extra<enter>"));
}

#[test]
fn a_list_of_an_option() {
    check("option-list", shop(80, 14).press("o<enter>acart.mitm<enter>"));
}

#[test]
fn the_log() {
    let mut console = shop(80, 8);
    let lines = [("info", "takes connections at 127.0.0.1:8080"), ("warn", "a body of `x\u{1b}[2J` was too long")];
    for (at, (level, text)) in lines.into_iter().enumerate() {
        console.hears(Event::Logged(LogLine { at: at as f64, level, text: text.to_owned() }));
    }
    check("log", console.press("e"));
}

#[test]
fn keys() {
    check("keys", shop(100, 80).press("?"));
}

#[test]
fn commands_that_are_offered() {
    check("commands", shop(80, 10).press(":replay.server.<tab>"));
}

#[test]
fn a_command_that_asks() {
    check("command-asks", shop(80, 10).press("Rssrc/mo<tab>"));
}

#[test]
fn keys_that_can_follow() {
    check("keys-follow", shop(80, 10).press("R"));
}

#[test]
fn a_question_before_quitting() {
    check("quitting", shop(80, 10).press("gmq"));
}

#[test]
fn nothing_of_others_commands_the_terminal() {
    let hostile = "\u{1b}[2J\u{9b}1m\r\n\u{202e}\t\u{7}";
    let mut flow = samples::flow(1, &format!("GE{hostile}T"), hostile, &format!("/{hostile}"), 200, hostile);
    flow.summary.media_type = Some(hostile.to_owned());
    flow.summary.notes.push(control::Note {
        addon: hostile.to_owned(),
        name: "missed".to_owned(),
        text: hostile.to_owned(),
        data: Some(serde_json::json!({ "reason": hostile, "parts": [{ "name": hostile, "value": hostile }],
            "nearest": [{ "file": hostile, "request": hostile, "would_match_with": hostile,
                "differences": [{ "part": hostile, "live": hostile, "recorded": hostile }] }] })),
    });
    flow.request.fields.push((hostile.to_owned(), Bytes::from(hostile)));
    flow.request.content = Content::Partial(Bytes::from(hostile));
    let mut console = Console::new(Sample::new(vec![flow]), 150, 40);
    console.hears(Event::Logged(LogLine { at: 0.0, level: "info", text: hostile.to_owned() }));
    for keys in ["", "<enter>", "<tab>", "<tab>", "<tab>", "<tab>", "qe", "q:x"] {
        console.press(keys);
        let buffer = console.buffer();
        let is_harmless = |cell: &ratatui::buffer::Cell| !cell.symbol().contains(oneline::is_harmful);
        assert!(buffer.content().iter().all(is_harmless), "after `{keys}`");
    }
}
