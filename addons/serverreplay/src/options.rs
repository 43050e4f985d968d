//! The options of server replay, under mitmproxy's names.

pub use proxyhost_sdk::index::Order;
use proxyhost_sdk::{
    declare, options,
    recordings::{BrokenEnd, Difference},
};

use crate::words::Values;

/// What happens to a request without a recorded response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It goes to its server.
    Forward,
    /// It gets no answer.
    Kill,
    /// It gets an answer with this status.
    Status(u16),
}

impl Miss {
    /// The policy of an option's value.
    ///
    /// # Errors
    /// When the value is none of the policies.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "forward" => Ok(Self::Forward),
            "kill" => Ok(Self::Kill),
            _ => match text.parse() {
                Ok(status @ 200..=599) => Ok(Self::Status(status)),
                _ => Err(format!(
                    "option `server_replay_extra` is forward, kill or a status from 200 to 599, not `{text}`"
                )),
            },
        }
    }
}

impl Miss {
    /// What it means for a WebSocket's client that says something else than it did in the recording. Its server cannot
    /// be brought in halfway, so there is nothing to forward to.
    pub(crate) fn difference(self) -> Difference {
        match self {
            Self::Forward => Difference::Ignore,
            Self::Kill => Difference::Drop,
            Self::Status(_) => Difference::Close,
        }
    }
}

/// Which of the responses recorded for equal requests is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Each once, in recorded order.
    Off,
    /// Always the first.
    First,
    /// Always the last.
    Last,
    /// In recorded order, again and again.
    Cycle,
    /// In recorded order, then the last again and again.
    Stick,
}

impl Reuse {
    /// The mode of an option's value; mitmproxy's option is true or false.
    pub fn parse(text: &str) -> Self {
        match text {
            "first" | "true" => Self::First,
            "last" => Self::Last,
            "cycle" => Self::Cycle,
            "stick" => Self::Stick,
            _ => Self::Off,
        }
    }

    /// The order in which the host hands them out.
    pub fn order(self) -> Order {
        match self {
            Self::Off => Order::Once,
            Self::First => Order::First,
            Self::Last => Order::Last,
            Self::Cycle => Order::Cycle,
            Self::Stick => Order::Stick,
        }
    }
}

/// What comes of a response that broke off when it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// What came of it, then this end.
    Served(BrokenEnd),
    /// It is not served.
    LeftOut,
}

impl Broken {
    fn parse(text: &str) -> Self {
        match text {
            "hold" => Self::Served(BrokenEnd::Hold),
            "leave-out" => Self::LeftOut,
            _ => Self::Served(BrokenEnd::Close),
        }
    }
}

/// What is replayed, and what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What was recorded is replayed.
    Replay,
    /// What was recorded is replayed, the rest is forwarded and recorded.
    Auto,
    /// Nothing is replayed.
    Record,
}

impl Mode {
    fn parse(text: &str) -> Self {
        match text {
            "auto" => Self::Auto,
            "record" => Self::Record,
            _ => Self::Replay,
        }
    }
}

/// How long a response takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Timing {
    /// No time.
    None,
    /// The recorded time, multiplied.
    Times(f64),
    /// So many milliseconds before it begins.
    Delay(u32),
}

impl Timing {
    /// The timing of an option's value.
    ///
    /// # Errors
    /// When the value is none of them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "option `server_replay_timing` is none, original, a factor such as 0.5x, or a delay such as 250ms or \
                 1.5s, not `{text}`"
            )
        };
        let number = |suffix: &str, most: f64| {
            let number: f64 = text.strip_suffix(suffix)?.parse().ok()?;
            (0.0..=most).contains(&number).then_some(number)
        };
        match text {
            "none" => Ok(Self::None),
            "original" => Ok(Self::Times(1.0)),
            _ if text.ends_with('x') => number("x", MOST_TIMES).map(Self::Times).ok_or_else(wrong),
            _ if text.ends_with("ms") => number("ms", MOST_DELAY).map(|ms| Self::Delay(ms as u32)).ok_or_else(wrong),
            _ => number("s", MOST_DELAY / 1e3).map(|s| Self::Delay((s * 1e3) as u32)).ok_or_else(wrong),
        }
    }
}

const MOST_TIMES: f64 = 1000.0;
/// A day in milliseconds.
const MOST_DELAY: f64 = 86_400_000.0;

/// The forms that a recorded response may get for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forms {
    /// 304 or 412, where the client's preconditions say so.
    pub conditional: bool,
    /// The part that the client asks for.
    pub ranges: bool,
    /// Without a coding that the client does not take.
    pub decoded: bool,
    /// In reverse mode, with the address by which the client knows the server.
    pub addresses: bool,
}

/// The options' values.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What is replayed.
    pub mode: Mode,
    /// How long a response takes.
    pub timing: Timing,
    /// Whether the messages of a WebSocket wait for the client's.
    pub websocket_on_request: bool,
    /// For responses that broke off.
    pub broken: Broken,
    /// For requests without a recorded response.
    pub miss: Miss,
    /// For requests with several.
    pub reuse: Reuse,
    /// Whether dates and cookies are brought up to date.
    pub refresh: bool,
    /// In which forms clients may get responses.
    pub forms: Forms,
    /// Whether preflights are answered that were not recorded.
    pub preflights: bool,
    /// Which values of requests reports show.
    pub values: Values,
}

impl Options {
    /// What stands in for options that cannot be read, though they could be when the addon was configured: nothing may
    /// leave.
    pub(crate) const CAUTIOUS: Self = Self {
        mode: Mode::Replay,
        timing: Timing::None,
        websocket_on_request: false,
        broken: Broken::LeftOut,
        miss: Miss::Kill,
        reuse: Reuse::Off,
        refresh: true,
        forms: Forms { conditional: true, ranges: true, decoded: true, addresses: true },
        preflights: false,
        values: Values::Public,
    };

    /// Asks the host.
    ///
    /// # Errors
    /// When a value is not one of those allowed.
    pub fn read() -> Result<Self, String> {
        let miss = if options::flag("server_replay_kill_extra") {
            Miss::Kill
        } else {
            Miss::parse(&options::text("server_replay_extra"))?
        };
        let reuse = if options::flag("server_replay_nopop") {
            Reuse::First
        } else {
            Reuse::parse(&options::text("server_replay_reuse"))
        };
        let mode = Mode::parse(&options::text("server_replay_mode"));
        let is_recorded = !options::text("save_stream_file").is_empty();
        if mode != Mode::Replay && !is_recorded {
            let mode = options::text("server_replay_mode");
            return Err(format!("server_replay_mode={mode} records, so it needs a file to record to: add `-w FILE`"));
        }
        if mode != Mode::Replay && miss != Miss::Forward {
            let (mode, forwarded) = match mode {
                Mode::Record => ("record", "everything"),
                _ => ("auto", "what was not recorded"),
            };
            return Err(format!(
                "server_replay_mode={mode} forwards {forwarded}, so server_replay_extra must be forward; leave one of \
                 them out"
            ));
        }
        Ok(Self {
            mode,
            timing: Timing::parse(&options::text("server_replay_timing"))?,
            websocket_on_request: options::text("server_replay_websocket") == "request",
            broken: Broken::parse(&options::text("server_replay_broken")),
            miss,
            reuse,
            refresh: options::flag("server_replay_refresh"),
            forms: Forms {
                conditional: options::flag("server_replay_conditional"),
                ranges: options::flag("server_replay_ranges"),
                decoded: options::flag("server_replay_decode"),
                addresses: options::flag("server_replay_map_addresses"),
            },
            preflights: options::flag("server_replay_preflights"),
            values: if options::flag("server_replay_show_values") { Values::All } else { Values::Public },
        })
    }
}

/// The declaration.
pub(crate) fn declared() -> declare::Declared {
    declare::component(
        "answers requests from a recorded conversation",
        vec![
            declare::files("server_replay", "Answer from this recording").taking_short('S', "server-replay"),
            declare::text(
                "server_replay_extra",
                "forward",
                "What happens to a request without a recorded response: forward, kill, or a status from 200 to 599",
            )
            .taking("server-replay-extra")
            .setting_short('k', "kill", "kill")
            .setting("replay-kill-extra", "kill"),
            declare::choice(
                "server_replay_reuse",
                &["off", "first", "last", "cycle", "stick", "true", "false"],
                "off",
                "Which of several responses to equal requests is served: each once (off), the first, the last, all in \
                 turn (cycle), or each once and then the last (stick)",
            )
            .taking("server-replay-reuse")
            .setting("server-replay-reuse", "first")
            .setting("no-pop", "first")
            .setting("no-server-replay-reuse", "off"),
            declare::flag("server_replay_refresh", true, "Bring dates and cookies up to date")
                .setting("server-replay-refresh", "true")
                .setting("no-server-replay-refresh", "false")
                .setting("norefresh", "false"),
            declare::flag(
                "server_replay_conditional",
                true,
                "Answer 304 or 412 where a request's preconditions, compared with the recorded response, say so",
            ),
            declare::flag("server_replay_ranges", true, "Answer a request for a range with that part of a recorded content"),
            declare::flag(
                "server_replay_decode",
                true,
                "Decode recorded contents for clients that do not accept their content coding",
            ),
            declare::flag(
                "server_replay_map_addresses",
                true,
                "In reverse mode, replace the recorded server's address in redirects and cookies by the one that the client used",
            ),
            declare::flag(
                "server_replay_preflights",
                false,
                "Answer CORS preflights that were not recorded, as the recorded responses allow",
            )
            .setting("server-replay-preflights", "true"),
            declare::choice(
                "server_replay_mode",
                &["replay", "auto", "record"],
                "replay",
                "Replay what was recorded (replay); replay it, and forward and record the rest (auto, which needs -w); \
                 or replay nothing (record)",
            )
            .taking("server-replay-mode"),
            declare::text(
                "server_replay_timing",
                "none",
                "How long responses take: no time (none), as long as in the recording (original), half or twice that \
                 (0.5x, 2x), or a delay before each (250ms, 1.5s)",
            )
            .taking("server-replay-timing"),
            declare::choice(
                "server_replay_websocket",
                &["timed", "request"],
                "timed",
                "When the messages of a recorded WebSocket are sent: at their time, or after the client's message that \
                 was before them",
            )
            .taking("server-replay-websocket"),
            declare::choice(
                "server_replay_broken",
                &["close", "hold", "leave-out"],
                "close",
                "How a response ends that broke off in the recording, when what came of it was sent: the connection is cut \
                 (close), or nothing more comes (hold); or it is not served (leave-out)",
            )
            .taking("server-replay-broken"),
            declare::flag(
                "server_replay_show_values",
                false,
                "Say the values that differ of requests without a recorded response, but for those that record_redact names",
            )
            .setting("show-values", "true"),
            declare::flag("server_replay_kill_extra", false, "Kill requests without a recorded response")
                .setting("server-replay-kill-extra", "true")
                .setting("no-server-replay-kill-extra", "false")
                .deprecated("server_replay_extra=kill"),
            declare::flag("server_replay_nopop", false, "Serve recorded responses again and again")
                .deprecated("server_replay_reuse=first"),
        ],
    )
    // Whether this run is recorded, and to which file.
    .reading(&["save_stream_file"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_policy_is_a_word_or_a_final_status() {
        assert_eq!(Miss::parse("forward"), Ok(Miss::Forward));
        assert_eq!(Miss::parse("kill"), Ok(Miss::Kill));
        assert_eq!(Miss::parse("200"), Ok(Miss::Status(200)));
        assert_eq!(Miss::parse("599"), Ok(Miss::Status(599)));
        for wrong in ["", "drop", "199", "600", "-1", "404.0", "99999999"] {
            assert!(Miss::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_timing_is_a_word_a_factor_or_a_delay() {
        assert_eq!(Timing::parse("none"), Ok(Timing::None));
        assert_eq!(Timing::parse("original"), Ok(Timing::Times(1.0)));
        assert_eq!(Timing::parse("0.5x"), Ok(Timing::Times(0.5)));
        assert_eq!(Timing::parse("2x"), Ok(Timing::Times(2.0)));
        assert_eq!(Timing::parse("250ms"), Ok(Timing::Delay(250)));
        assert_eq!(Timing::parse("1.5s"), Ok(Timing::Delay(1500)));
        for wrong in ["", "x", "s", "ms", "-1x", "NaNx", "infs", "1", "2000x", "1e9s", "fast"] {
            assert!(Timing::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mitmproxys_boolean_means_the_first() {
        assert_eq!(Reuse::parse("true"), Reuse::First);
        assert_eq!(Reuse::parse("false"), Reuse::Off);
    }
}
