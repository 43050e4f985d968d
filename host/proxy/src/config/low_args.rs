//! The first pass over the command line: the arguments that decide which addons are loaded.

use std::iter::Peekable;

/// What a command line says about addons, as it was typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LowArgs {
    pub(super) addons: Vec<String>,
    pub(super) plugs: Vec<String>,
    pub(super) config: Option<String>,
    pub(super) no_default_addons: bool,
    pub(super) show: Option<Show>,
}

/// Text that is asked for instead of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    ShortHelp,
    Help,
    Version,
}

impl Show {
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::ShortHelp => "-h",
            Self::Help => "--help",
            Self::Version => "--version",
        }
    }
}

impl LowArgs {
    /// Picks out what is known before the addons have declared their flags. Faults are left to the second pass.
    ///
    /// No flag takes a value that starts with a dash, so that each argument with one is known to be a flag.
    pub(super) fn scan(args: &[String]) -> Self {
        let mut low = Self::default();
        let mut args = args.iter().map(String::as_str).take_while(|argument| *argument != "--").peekable();
        while let Some(argument) = args.next() {
            let (flag, attached) = match argument.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (argument, None),
            };
            match flag {
                "--addon" => low.addons.extend(value(attached, &mut args)),
                "--plug" => low.plugs.extend(value(attached, &mut args)),
                "--config" => low.config = value(attached, &mut args).or(low.config),
                "--no-default-addons" => low.no_default_addons = true,
                "--help" => low.show = low.show.or(Some(Show::Help)),
                "-h" => low.show = low.show.or(Some(Show::ShortHelp)),
                "--version" | "-V" => low.show = low.show.or(Some(Show::Version)),
                _ => {}
            }
        }
        low
    }
}

fn value<'a>(attached: Option<&str>, rest: &mut Peekable<impl Iterator<Item = &'a str>>) -> Option<String> {
    let next = || rest.next_if(|next| !next.starts_with('-') || *next == "-");
    attached.or_else(next).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addons_are_found_among_flags_that_are_not_known_yet() {
        let args = "-S a --addon x.wasm -kq --addon=y --plug --no-default-addons --config= ca -- --addon z";
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        let expected = LowArgs {
            addons: vec!["x.wasm".to_owned(), "y".to_owned()],
            plugs: Vec::new(),
            config: Some(String::new()),
            no_default_addons: true,
            show: None,
        };
        assert_eq!(LowArgs::scan(&args), expected);
    }
}
