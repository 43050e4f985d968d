//! What keys do.

use std::{path::PathBuf, sync::Arc};

use control::{Answer, Change, Changed, ControlError, ErrorKind, Event, Existing, OptionValue, Setting, Stage};

use super::{Console, becomes};
use crate::{
    effect::{Done, Effect},
    key::Key,
    model::MOST_FLOWS,
    samples::{self, Sample},
    update,
};

fn shop() -> Console {
    Console::new(Sample::new(samples::shop()), 80, 24)
}

fn started(id: u64) -> Event {
    let mut flow = samples::flow(id, "GET", "host.example", "/new", 200, "").summary;
    flow.stage = Stage::Waiting;
    Event::FlowStarted { flow: Arc::new(flow) }
}

fn option(name: &str, setting: Setting) -> Effect {
    Effect::Change(Change::Options(vec![(name.to_owned(), setting)]))
}

#[test]
fn the_newest_is_followed_until_the_focus_moves() {
    let mut console = shop();
    assert_eq!(console.hears(started(20)).focused(), Some(20));
    assert_eq!(console.press("k").hears(started(21)).focused(), Some(8));
    assert_eq!(console.press("G").hears(started(22)).focused(), Some(22));
    assert_eq!(console.press("F").hears(started(23)).focused(), Some(22));
    assert_eq!(console.press("F").focused(), Some(23));
}

#[test]
fn what_is_looked_at_stays_where_it_is() {
    let mut console = Console::new(Sample::new(Vec::new()), 80, 8);
    (0..30).for_each(|id| _ = console.hears(started(id)));
    let before = console.press("gjjjjjjj").screen();
    let rows = |screen: &str| screen.lines().skip(1).take(5).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&before), rows(&console.hears(started(40)).screen()));
    // Reversed, the new one comes above.
    let before = console.press("v").screen();
    assert_eq!(rows(&before), rows(&console.hears(started(41)).screen()));
}

#[test]
fn old_flows_go_first() {
    let mut console = Console::new(Sample::new(Vec::new()), 80, 24);
    let count = MOST_FLOWS as u64 + 5;
    (1..=count).for_each(|id| becomes(&console.control, &started(id)));
    console.screen();
    console.press("g");
    assert_eq!((console.listed().len(), console.focused()), (MOST_FLOWS, Some(6)));
    // The flow in focus goes.
    console.hears(started(count + 1));
    assert_eq!(console.focused(), Some(7));
}

#[test]
fn a_filter_goes_on_with_the_next_frame_where_there_is_much_to_look_at() {
    let mut console = Console::new(Sample::new(Vec::new()), 80, 24);
    (1..=9_000).for_each(|id| becomes(&console.control, &started(id)));
    console.screen();
    console.press("gjm").press("f~d host.example<enter>");
    let first = console.listed();
    assert!(!first.is_empty() && first.len() < 9_000 && first.last() == Some(&9_000), "{}", first.len());
    assert!(console.screen().contains("… of 9000"), "{}", console.screen());
    // What was in focus still is when it is found.
    assert_eq!(console.focused(), Some(2));
    while console.model.flows.is_behind() {
        console.screen();
    }
    assert_eq!((console.listed().len(), console.focused()), (9_000, Some(2)));
    // What is saved is all that the filter shows.
    console.press("f~m GET<enter>wout.har<enter>");
    assert!(matches!(console.effects.as_slice(), [Effect::Save { flows, .. }] if flows.len() == 9_000));
}

#[test]
fn filters_see_marks_bodies_and_notes() {
    let listed = |filter: &str| shop().press("gm").press(&format!("f{filter}<enter>")).listed();
    assert_eq!(listed("~marked"), [1]);
    assert_eq!(listed("~b shipped"), [1]);
    assert_eq!(listed("~replay"), [1]);
    assert_eq!(listed("~websocket"), [7]);
    assert_eq!(listed("~u cdn.example:8443/assets"), [3]);
    assert_eq!(listed("~e"), [4, 5]);
    assert_eq!(listed("~comment page"), [2]);
    assert_eq!(shop().press("f~m PUT<enter>f<ctrl-u><enter>").listed().len(), 8);
}

#[test]
fn a_filter_with_a_mistake_is_not_taken() {
    let mut console = shop();
    assert_eq!(console.press("f~m<enter>").listed().len(), 8);
    assert!(console.model.prompt.is_some());
    assert!(console.press("<esc>").model.prompt.is_none());
}

#[test]
fn a_flow_is_listed_once_it_is_like_that() {
    let mut console = shop();
    console.press("f~c 418<enter>");
    let flow = samples::flow(8, "PUT", "shop.example", "/api/cart/items/A-7", 418, "").summary;
    assert!(console.listed().is_empty());
    assert_eq!(console.hears(Event::FlowEnded { flow: Arc::new(flow) }).listed(), [8]);
}

#[test]
fn flows_have_orders() {
    let mut console = shop();
    assert_eq!(console.press("O").listed(), [5, 1, 2, 3, 6, 7, 4, 8]);
    assert_eq!(console.press("OOO").listed().last(), Some(&6));
    assert_eq!(console.press("v").listed().first(), Some(&6));
    assert_eq!(console.press("vOO").listed(), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn flows_that_have_ended_are_forgotten() {
    assert_eq!(shop().press("z").listed(), [6, 7, 8]);
}

#[test]
fn what_is_listed_is_saved() {
    let mut console = shop();
    console.press("f~m DELETE<enter>wout.har<enter>");
    let file = PathBuf::from("out.har");
    assert_eq!(console.effects, [Effect::Save { flows: vec![5], file: file.clone(), existing: Existing::Refuse }]);
    let mut saved = |result| {
        let done = Done::Saved { flows: vec![5], file: file.clone(), result };
        update::done(&mut console.model, &console.control, done);
        console.message().to_owned()
    };
    assert_eq!(saved(Ok(1)), "saved 1 flow to `out.har`");
    let is_there = ControlError::new(ErrorKind::Refused, "it is there already: take another name");
    assert_eq!(saved(Err(is_there)), "`out.har` is there already: `out.har!` replaces it");
    let full = ControlError::new(ErrorKind::Failed, "the disk is full");
    assert_eq!(saved(Err(full)), "cannot save to `out.har`: the disk is full");
    console.effects.clear();
    console.press("wout.har!<enter>");
    assert_eq!(console.effects, [Effect::Save { flows: vec![5], file, existing: Existing::Replace }]);
}

#[test]
fn quitting_asks_only_if_something_would_be_lost() {
    let quit =
        |keys: &str| Console::new(Sample::new(vec![samples::shop().remove(0)]), 80, 24).press(keys).effects.clone();
    assert_eq!(quit("q"), [Effect::Quit]);
    assert_eq!(quit("<esc>"), []);
    assert_eq!(quit("<enter>q"), []);
    assert_eq!(quit("mq"), []);
    assert_eq!(quit("mqn"), []);
    assert_eq!(quit("mqy"), [Effect::Quit]);
    assert_eq!(quit("mQ"), [Effect::Quit]);
    assert_eq!(shop().press("q").effects, []);
}

#[test]
fn options_are_turned_and_cycled() {
    let turned = option("server_replay_refresh", Setting::Value(OptionValue::Flag(false)));
    assert_eq!(shop().press("ojjj<enter>").effects, [turned]);
    let cycled = option("server_replay_extra", Setting::Value(OptionValue::Text("kill".to_owned())));
    assert_eq!(shop().press("oj<enter>").effects, [cycled]);
    let reset = option("server_replay", Setting::Default);
    assert_eq!(shop().press("od").effects, [reset]);
}

#[test]
fn options_are_edited() {
    let number = option("server_replay_most", Setting::Text("12".to_owned()));
    assert_eq!(shop().press("ojjjj<enter><ctrl-u>12<enter>").effects, [number]);
    let list = ["shop.mitm", "cart.mitm"].map(str::to_owned).to_vec();
    let list = option("server_replay", Setting::Value(OptionValue::Texts(list)));
    assert_eq!(shop().press("o<enter>acart.mitm<enter>q").effects, [list]);
    assert_eq!(shop().press("o<enter>dq").effects.len(), 1);
    assert_eq!(shop().press("o<enter>q").effects, []);
    assert_eq!(shop().press("o<enter>d<ctrl-c>").effects, []);
}

#[test]
fn a_list_stays_if_it_is_refused() {
    let mut console = shop();
    console.press("o<enter>ano.mitm<enter>q");
    let error = ControlError::new(ErrorKind::Refused, "cannot read `no.mitm`");
    update::done(&mut console.model, &console.control, Done::Changed(Err(error)));
    assert_eq!(console.message(), "cannot read `no.mitm` (ctrl-c leaves without the change)");
    assert!(console.screen().contains("> no.mitm"));
    let changed = Changed { generation: 2, what: "server_replay".to_owned() };
    update::done(&mut console.model, &console.control, Done::Changed(Ok(changed)));
    assert!(console.screen().starts_with("Options"));
}

#[test]
fn what_only_a_start_sets_says_so() {
    let mut console = shop();
    assert_eq!(console.press("o<end><enter>").effects, []);
    assert_eq!(console.message(), "`record` can only be set by a start: with `--set record=…`, or in the file");
}

#[test]
fn keys_of_commands_ask_for_arguments() {
    let run = |name: &str, arguments: &[&str]| Effect::Run {
        name: name.to_owned(),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
    };
    assert_eq!(shop().press("Rsa b.mitm<enter>").effects, [run("replay.server.file", &["a b.mitm"])]);
    assert_eq!(shop().press("Rs'a b.mitm'<enter>").effects, [run("replay.server.file", &["a b.mitm"])]);
    assert_eq!(shop().press("Rr").effects, [run("replay.server.reset", &[])]);
    // A key after the first is no other.
    assert_eq!(shop().press("Rq").message(), "no command has the keys `Rq`");
    assert_eq!(shop().press("Rs<enter>").message(), "`replay.server.file` needs file, so it was not run");
    assert_eq!(shop().press("x").message(), "`x` does nothing here: ? shows all keys");
}

#[test]
fn commands_are_entered_completed_and_remembered() {
    let run = Effect::Run { name: "replay.server.file".to_owned(), arguments: vec!["src/model/".to_owned()] };
    let mut console = shop();
    console.press(":replay.server.f<tab>src/mod<tab><enter>");
    assert_eq!(console.effects, std::slice::from_ref(&run));
    console.press(":<up><enter>");
    assert_eq!(console.effects, [run.clone(), run]);
    assert!(shop().press(":replay.server.file<enter>").model.prompt.is_some());
    let set = option("server_replay_extra", Setting::Text("kill".to_owned()));
    assert_eq!(shop().press(":set server_replay_e<tab>kill<enter>").effects, [set]);
    assert_eq!(
        shop().press(":nothing<enter>").message(),
        "there is no command `nothing`: tab shows those that there are"
    );
}

#[test]
fn answers_are_shown() {
    let mut console = shop();
    let ran = |text: &str| Done::Ran {
        name: "replay.server.count".to_owned(),
        result: Ok(Answer { text: text.to_owned(), data: None }),
    };
    update::done(&mut console.model, &console.control, ran("3"));
    assert_eq!(console.message(), "3");
    update::done(&mut console.model, &console.control, ran("one\ntwo\n"));
    assert!(console.screen().starts_with("replay.server.count\none\ntwo\n"));
}

#[test]
fn one_flow_leads_to_the_next() {
    let mut console = shop();
    let title = |console: &mut Console| console.screen().lines().next().map(str::to_owned);
    console.press("g<enter>  ");
    assert!(title(&mut console).is_some_and(|title| title.contains("cdn.example")));
    console.press("p");
    assert!(title(&mut console).is_some_and(|title| title.contains("page=3")));
}

#[test]
fn a_text_is_found() {
    let lines: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
    let mut flow = samples::flow(1, "GET", "host.example", "/", 200, &lines.join("\n"));
    if let Some(response) = &mut flow.response {
        response.fields.clear();
    }
    let mut console = Console::new(Sample::new(vec![flow]), 80, 12);
    console.press("<enter>");
    console.screen();
    console.press("/LINE 42<enter>");
    assert_eq!(console.screen().lines().nth(2), Some("line 42"));
    console.press("n");
    assert_eq!(console.message(), "`LINE 42` is not below");
}

#[test]
fn whatever_is_pressed_and_however_small_the_screen_it_draws() {
    for (width, height) in [(0, 0), (1, 1), (2, 3), (9, 4), (20, 5), (80, 2), (250, 90)] {
        let mut console = Console::new(Sample::new(samples::shop()), width, height);
        for keys in [
            "",
            "jj<page-down>",
            "g<enter>",
            "<tab>",
            "<tab>",
            "<tab>q",
            "gj<enter>q",
            "o",
            "<enter>ax<enter>",
            "<ctrl-c>q",
        ] {
            console.press(keys);
            console.screen();
        }
        for keys in ["?", "qe", "q:replay.server.<tab>", "<tab><esc>f~", "<esc>wx<esc>", "Rsx<tab>", "<esc>q"] {
            console.press(keys);
            console.screen();
        }
    }
}

#[test]
fn clicks_and_wheels_move() {
    let mut console = shop();
    assert_eq!(console.take(Key::Click { column: 10, row: 3 }).focused(), Some(3));
    assert_eq!(console.take(Key::WheelUp).focused(), Some(1));
    console.take(Key::Click { column: 10, row: 1 });
    assert!(console.screen().starts_with("GET http://shop.example/api/orders/1042"));
    console.take(Key::Click { column: 2, row: 1 });
    assert!(console.screen().contains("GET /api/orders/1042 HTTP/1.1"));
}
