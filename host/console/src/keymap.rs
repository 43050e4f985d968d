//! What keys do.

use crate::key::Key;

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Flows,
    Detail,
    Options,
    List,
    Log,
    /// Help, or the answer of a command.
    Text,
}

impl Place {
    pub(crate) const ALL: &[Self] = &[Self::Flows, Self::Detail, Self::Options, Self::List, Self::Log, Self::Text];
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Down,
    Up,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    Start,
    End,
    Open,
    Back,
    Close,
    Quit,
    Help,
    Options,
    Log,
    Command,
    Filter,
    Save,
    Mark,
    UnmarkAll,
    OnlyMarked,
    Order,
    Reverse,
    Follow,
    Clear,
    NextTab,
    PreviousTab,
    NextFlow,
    PreviousFlow,
    Whole,
    Form,
    Search,
    FindNext,
    FindPrevious,
    Default,
    AllDefaults,
    Add,
    Remove,
    Discard,
}

/// Keys that do something in some places.
pub(crate) struct Binding {
    pub(crate) places: &'static [Place],
    pub(crate) keys: &'static [Key],
    /// The keys for people.
    pub(crate) shown: &'static str,
    pub(crate) action: Action,
    pub(crate) help: &'static str,
}

const fn binding(
    places: &'static [Place],
    keys: &'static [Key],
    shown: &'static str,
    action: Action,
    help: &'static str,
) -> Binding {
    Binding { places, keys, shown, action, help }
}

/// What a key does in a place, if anything. The more specific of two comes first.
pub(crate) fn action(place: Place, key: &Key) -> Option<Action> {
    let is_here = |binding: &&Binding| binding.places.contains(&place) && binding.keys.contains(key);
    BINDINGS.iter().find(is_here).map(|binding| binding.action)
}

const FLOWS: &[Place] = &[Place::Flows];
const DETAIL: &[Place] = &[Place::Detail];
const OPTIONS: &[Place] = &[Place::Options];
const LIST: &[Place] = &[Place::List];
const LOG: &[Place] = &[Place::Log];

/// All of them. Where mitmproxy has a key for the same thing, it is that one, except for `o` and `O`, which are the other way
/// round.
pub(crate) const BINDINGS: &[Binding] = &[
    binding(FLOWS, &[Key::Enter, Key::Right, Key::Char('l')], "enter", Action::Open, "look at the flow"),
    binding(FLOWS, &[Key::Char('f')], "f", Action::Filter, "list only what a filter describes"),
    binding(FLOWS, &[Key::Char('m')], "m", Action::Mark, "mark the flow, or unmark it"),
    binding(FLOWS, &[Key::Char('M')], "M", Action::OnlyMarked, "list only marked flows, or all"),
    binding(FLOWS, &[Key::Char('U')], "U", Action::UnmarkAll, "take all marks away"),
    binding(FLOWS, &[Key::Char('O')], "O", Action::Order, "list in the next order"),
    binding(FLOWS, &[Key::Char('v')], "v", Action::Reverse, "turn the order round"),
    binding(FLOWS, &[Key::Char('F')], "F", Action::Follow, "follow the newest, or stay"),
    binding(FLOWS, &[Key::Char('z')], "z", Action::Clear, "forget the flows that have ended"),
    binding(FLOWS, &[Key::Char('w')], "w", Action::Save, "save what is listed: to a HAR, or a flow file"),
    binding(DETAIL, &[Key::Tab, Key::Right, Key::Char('l')], "tab l →", Action::NextTab, "next tab"),
    binding(DETAIL, &[Key::BackTab, Key::Left, Key::Char('h')], "shift-tab h ←", Action::PreviousTab, "tab before"),
    binding(DETAIL, &[Key::Char(' ')], "space", Action::NextFlow, "next flow of the list"),
    binding(DETAIL, &[Key::Char('p')], "p", Action::PreviousFlow, "flow before"),
    binding(DETAIL, &[Key::Char('f')], "f", Action::Whole, "show long bodies whole"),
    binding(DETAIL, &[Key::Char('m')], "m", Action::Form, "show bodies by their type, as text, or as bytes"),
    binding(DETAIL, &[Key::Char('/')], "/", Action::Search, "look for a text"),
    binding(DETAIL, &[Key::Char('n')], "n", Action::FindNext, "find it again below"),
    binding(DETAIL, &[Key::Char('N')], "N", Action::FindPrevious, "find it again above"),
    binding(OPTIONS, &[Key::Enter], "enter", Action::Open, "change: turn a flag, take the next choice, or edit"),
    binding(OPTIONS, &[Key::Char('/'), Key::Char('f')], "/", Action::Search, "list only options with a text"),
    binding(OPTIONS, &[Key::Char('d')], "d", Action::Default, "back to the default"),
    binding(OPTIONS, &[Key::Char('D')], "D", Action::AllDefaults, "all back to their defaults"),
    binding(LIST, &[Key::Enter, Key::Char('e')], "enter e", Action::Open, "edit the line"),
    binding(LIST, &[Key::Char('a')], "a", Action::Add, "add a line"),
    binding(LIST, &[Key::Char('d')], "d", Action::Remove, "leave the line out"),
    binding(LIST, &[Key::Control('c')], "ctrl-c", Action::Discard, "back without the change"),
    binding(LOG, &[Key::Char('z')], "z", Action::Clear, "forget these lines"),
    binding(Place::ALL, &[Key::Char('j'), Key::Down], "j ↓", Action::Down, "down"),
    binding(Place::ALL, &[Key::Char('k'), Key::Up], "k ↑", Action::Up, "up"),
    binding(
        Place::ALL,
        &[Key::PageDown, Key::Char(' '), Key::Control('f')],
        "space page-down",
        Action::PageDown,
        "a page down",
    ),
    binding(Place::ALL, &[Key::PageUp, Key::Control('b')], "page-up", Action::PageUp, "a page up"),
    binding(Place::ALL, &[Key::Control('d')], "ctrl-d", Action::HalfDown, "half a page down"),
    binding(Place::ALL, &[Key::Control('u')], "ctrl-u", Action::HalfUp, "half a page up"),
    binding(Place::ALL, &[Key::Char('g'), Key::Home], "g home", Action::Start, "to the start"),
    binding(Place::ALL, &[Key::Char('G'), Key::End], "G end", Action::End, "to the end"),
    binding(Place::ALL, &[Key::Char('o')], "o", Action::Options, "options of all addons"),
    binding(Place::ALL, &[Key::Char(':')], ":", Action::Command, "run a command of an addon, `set`, or `reload`"),
    binding(Place::ALL, &[Key::Char('e'), Key::Char('E')], "e", Action::Log, "log"),
    binding(Place::ALL, &[Key::Char('?')], "?", Action::Help, "all keys"),
    binding(Place::ALL, &[Key::Char('q'), Key::Control('c')], "q", Action::Back, "back; from the list, quit"),
    binding(Place::ALL, &[Key::Escape], "esc", Action::Close, "back"),
    binding(Place::ALL, &[Key::Char('Q')], "Q", Action::Quit, "quit at once"),
];
