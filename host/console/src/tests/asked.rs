//! What the proxy is asked for, as each question costs whoever sends flows: no more than is needed, and no less.

use control::{Flow, Outcome, Stage};

use super::Console;
use crate::samples::{self, Asked, Sample};

/// The flows that the samples begin with, and others that have ended.
const SHOP: u64 = 8;
const OTHERS: std::ops::Range<u64> = 100..200;

/// Those of the samples that have not ended.
const OPEN: [u64; 3] = [6, 7, 8];

/// Rows of the list on a screen of 24.
const ROWS: u64 = 21;

fn ended(id: u64) -> Flow {
    samples::flow(id, "GET", "host.example", "/", 200, "")
}

fn waiting(id: u64) -> Flow {
    let mut flow = ended(id);
    (flow.summary.status, flow.summary.head_after, flow.summary.ended_after) = (None, None, None);
    (flow.summary.stage, flow.summary.outcome, flow.response) = (Stage::Waiting, Outcome::Open, None);
    flow
}

/// A console that has shown the samples and the others.
fn console() -> Console {
    let console = Console::new(Sample::new(samples::shop()), 80, 24);
    OTHERS.for_each(|id| console.control.pass(ended(id)));
    shown(console)
}

fn shown(mut console: Console) -> Console {
    console.screen();
    asked(&console);
    console
}

/// What was asked for since this was called last.
fn asked(console: &Console) -> Asked {
    std::mem::take(&mut *console.control.asked())
}

/// What a frame asks for.
fn frame(console: &mut Console) -> Asked {
    asked(console);
    console.screen();
    asked(console)
}

/// The same for a filter, an order or whatever keys ask for, until nothing is left to look at.
fn frames(console: &mut Console, keys: &str) -> Asked {
    asked(console);
    console.press(keys).screen();
    while console.model.flows.is_behind() {
        console.screen();
    }
    asked(console)
}

fn nothing() -> Asked {
    Asked::default()
}

#[test]
fn only_what_is_on_the_screen_is_asked_for() {
    let mut console = Console::new(Sample::new(Vec::new()), 80, 24);
    OTHERS.for_each(|id| console.control.pass(ended(id)));
    let on_screen = (OTHERS.end - ROWS..OTHERS.end).collect();
    assert_eq!(frame(&mut console), Asked { lists: 1, lines: on_screen, whole: Vec::new() });
    assert_eq!(console.listed(), OTHERS.collect::<Vec<_>>(), "listed are all");
    // Moving asks for what comes into sight, and for that only.
    assert_eq!(frames(&mut console, "g").lines, (OTHERS.start..OTHERS.start + ROWS).collect::<Vec<_>>());
    assert_eq!(frames(&mut console, "jjk"), nothing());
}

#[test]
fn nothing_is_asked_for_again_if_nothing_has_become_of_it() {
    let mut console = console();
    assert_eq!(frame(&mut console), nothing());
    // One more is the only one that is asked for.
    console.control.pass(ended(200));
    assert_eq!(frame(&mut console), Asked { lists: 1, lines: vec![200], whole: Vec::new() });
    // One that is not on the screen is listed, and nobody's business.
    console.press("g").screen();
    console.control.pass(ended(201));
    assert_eq!(frame(&mut console), Asked { lists: 1, lines: OPEN.to_vec(), whole: Vec::new() });
    assert_eq!(console.listed().last(), Some(&201));
}

#[test]
fn flows_under_way_on_the_screen_are_asked_for_in_every_frame_as_their_sizes_grow() {
    let mut console = shown(Console::new(Sample::new(samples::shop()), 80, 24));
    assert_eq!(frame(&mut console), Asked { lists: 0, lines: OPEN.to_vec(), whole: Vec::new() });
    let mut streaming = samples::shop().remove(5);
    streaming.summary.response_bytes = 77_000_000;
    console.control.pass(streaming);
    assert!(console.screen().contains(" 77 MB "), "{}", console.screen());
}

#[test]
fn what_becomes_of_a_flow_is_seen() {
    let mut console = Console::new(Sample::new(Vec::new()), 80, 24);
    let row = |console: &mut Console| console.screen().lines().nth(1).unwrap_or_default().to_owned();
    console.control.pass(waiting(1));
    assert!(!row(&mut console).contains("200"));
    let mut streaming = ended(1);
    (streaming.summary.stage, streaming.summary.ended_after) = (Stage::Streaming, None);
    console.control.pass(streaming);
    assert!(row(&mut console).contains("200"));
    let mut failed = ended(1);
    failed.summary.status = Some(502);
    console.control.pass(failed);
    assert!(row(&mut console).contains("502"));
    assert_eq!(frame(&mut console), nothing());
    console.press("z");
    assert_eq!((console.listed(), row(&mut console).trim()), (Vec::new(), "no flows yet"));
}

#[test]
fn a_filter_asks_for_each_flow_once() {
    let mut console = console();
    let known = console.listed().len() - SHOP as usize;
    let asked = frames(&mut console, "f~u host<enter>");
    assert_eq!((asked.lists, asked.whole.len(), console.listed().len()), (0, 0, known));
    assert!(asked.lines.iter().filter(|id| OTHERS.contains(id)).count() < known, "some were known: {asked:?}");
    assert_eq!(frame(&mut console), nothing());
    // What passes is asked for as it passes, whether it is listed or not.
    console.control.pass(samples::flow(200, "GET", "elsewhere.example", "/", 200, ""));
    assert_eq!(frame(&mut console), Asked { lists: 1, lines: vec![200], whole: Vec::new() });
    assert_eq!(console.listed().len(), known);
    // It is looked at anew when something has become of it.
    console.control.pass(waiting(201));
    assert_eq!(frame(&mut console).lines.first(), Some(&201));
    assert_eq!(console.listed().last(), Some(&201));
    console.press("f~c 200<enter>").screen();
    assert_ne!(console.listed().last(), Some(&201));
    console.control.pass(ended(201));
    console.screen();
    assert_eq!(console.listed().last(), Some(&201));
}

#[test]
fn only_filters_that_need_all_of_a_flow_ask_for_it() {
    let mut console = console();
    for filter in ["~m GET", "~c 404", "~u host", "~d shop", "~replay", "~websocket", "~e", "~marked", "~comment page"]
    {
        let asked = frames(&mut console, &format!("f<ctrl-u>{filter}<enter>"));
        assert_eq!(asked.whole, [0; 0], "{filter}");
    }
    let asked = frames(&mut console, "f<ctrl-u>~d shop.example & ~b shipped<enter>");
    assert_eq!((asked.whole.len(), console.listed()), (SHOP as usize - 2, vec![1]), "the cheap half decides first");
}

#[test]
fn an_order_asks_for_each_flow_once_and_that_of_time_for_none() {
    let mut console = console();
    assert_eq!(frames(&mut console, "vv"), nothing(), "that of time, reversed and back");
    frames(&mut console, "O");
    let mut methods: Vec<_> =
        console.listed().iter().map(|id| console.model.flows.summary(*id).map(|flow| flow.method.clone())).collect();
    assert!(methods.iter().all(Option::is_some) && methods.is_sorted(), "{methods:?}");
    methods.dedup();
    assert_eq!(methods.len(), 4);
    assert!(frames(&mut console, "O").lines.iter().all(|id| OPEN.contains(id)), "the next order needs no more of them");
    console.control.pass(ended(200));
    assert!(frame(&mut console).lines.iter().all(|id| *id == 200 || OPEN.contains(id)));
}

#[test]
fn marked_flows_are_listed_without_asking_for_others() {
    let mut console = console();
    assert_eq!(frames(&mut console, "gm").whole, [0; 0]);
    assert_eq!((frames(&mut console, "M"), console.listed()), (nothing(), vec![1]));
    let asked = frames(&mut console, "f~m GET<enter>");
    assert_eq!((asked, console.listed()), (nothing(), vec![1]), "a filter over them neither");
    console.control.pass(ended(200));
    assert_eq!((frame(&mut console).lines, console.listed()), (Vec::new(), vec![1]));
    // Marks stay with flows whatever becomes of the list.
    console.press("Mf<ctrl-u><enter>").screen();
    assert_eq!(console.press("f~marked<enter>").listed(), [1]);
}

#[test]
fn a_flow_that_is_opened_is_asked_for_until_it_has_ended() {
    let mut console = console();
    assert_eq!(frames(&mut console, "g<enter>").whole, [1]);
    assert_eq!(frame(&mut console).whole, [0; 0]);
    console.press("q");
    // A miss explains itself when the answer was made, which may be after it was opened.
    console.control.pass(waiting(200));
    assert_eq!(frames(&mut console, "G<enter>").whole.first(), Some(&200));
    assert_eq!(frame(&mut console).whole, [200]);
    assert!(!console.screen().contains("Miss"));
    let mut missed = samples::shop().remove(1);
    missed.summary.id = 200;
    console.control.pass(missed);
    let screen = console.screen();
    assert!(screen.contains("Miss") && screen.starts_with("GET http://shop.example/api/products"), "{screen}");
    assert_eq!(frame(&mut console).whole, [0; 0]);
}

#[test]
fn a_flow_that_is_opened_is_seen_to_its_end_though_the_list_goes_on() {
    let mut console = console();
    console.control.pass(waiting(200));
    console.screen();
    console.press("<enter>");
    (201..300).for_each(|id| console.control.pass(ended(id)));
    assert_eq!(frame(&mut console).whole, [200]);
    console.control.pass(samples::flow(200, "GET", "host.example", "/", 418, "a teapot"));
    console.screen();
    assert!(console.press("<tab>").screen().contains("418"), "{}", console.screen());
    assert_eq!(frame(&mut console).whole, [0; 0]);
}
