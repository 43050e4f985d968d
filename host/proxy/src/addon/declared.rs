//! What components declare of themselves, asked for and checked.

use std::{sync::Arc, time::Duration};

use wasmtime::component::InstancePre;

use super::{
    bindings::exports::proxyhost::addon::declaration,
    commands::{self, Command},
    engine::AddonEngine,
    instance::{Exports, Instance},
    limits::Limits,
    load::LoadError,
    options::{Flag, Kind, OptionDeclaration},
    pool::Instances,
    state::{Shared, State},
};

/// How long a component may take to start, and how long to declare itself.
const WITHIN: Duration = Duration::from_secs(5);

/// Most options of an addon with its plugs, and most bytes of all that is said of them.
const MOST_OPTIONS: usize = 1000;
const MOST_BYTES: usize = 1 << 20;

/// What an addon and its plugs declare together.
pub struct Declared {
    /// What the addon does.
    pub summary: String,
    /// Its options and those of its plugs.
    pub options: Vec<OptionDeclaration>,
    /// Options of other addons whose values it is to know.
    pub reads: Vec<String>,
    /// Its instances.
    pub instances: Instances,
    /// The commands that it offers.
    pub commands: Vec<Command>,
}

/// Asks a component and its plugs what they are.
///
/// # Errors
/// When one fails, or declares what cannot be used.
pub async fn ask(
    engine: &AddonEngine,
    name: &str,
    component: &InstancePre<State>,
    exports: &Exports,
    limits: &Limits,
) -> Result<Declared, LoadError> {
    let limits = Limits { cpu: WITHIN, hook: WITHIN, configure: WITHIN, ..*limits };
    let mut shared = Shared::new(name.to_owned(), limits, engine.clock.clone(), &engine.capabilities, None);
    shared.is_trial = true;
    let failed = |source| LoadError::Declare { addon: name.to_owned(), source };
    let mut instance = Instance::new(component, exports, Arc::new(shared)).await.map_err(failed)?;
    let all = instance.declare(exports).await.map_err(failed)?;
    let offered = instance.offered(exports).await.map_err(failed)?;
    let useless = |what| LoadError::Declared { addon: name.to_owned(), what };
    let mut declared = together(all).map_err(useless)?;
    declared.commands = commands::checked(offered).map_err(useless)?;
    Ok(declared)
}

/// Puts together what an addon and its plugs declare, the addon first; or says what of it cannot be used.
fn together(mut all: Vec<declaration::Declared>) -> Result<Declared, String> {
    let count: usize = all.iter().map(|declared| declared.options.len() + declared.reads.len()).sum();
    if count > MOST_OPTIONS {
        return Err(format!("{count} options, and may declare {MOST_OPTIONS}"));
    }
    if all.iter().map(bytes).sum::<usize>() > MOST_BYTES {
        return Err(format!("texts of more than {} KiB", MOST_BYTES >> 10));
    }
    let summary = all.first_mut().map(|own| std::mem::take(&mut own.summary)).unwrap_or_default();
    let instances = if all.iter().all(|declared| !declared.singleton) {
        Instances::Many
    } else if all.iter().any(|declared| declared.reads_bodies) {
        Instances::OneAfterBodies
    } else {
        Instances::One
    };
    let reads = all.iter_mut().flat_map(|declared| std::mem::take(&mut declared.reads)).collect();
    let options = merge(all.into_iter().flat_map(|declared| declared.options))?;
    Ok(Declared { summary, options, reads, instances, commands: Vec::new() })
}

/// An addon and its plugs may share an option; the first declaration of a name counts.
fn merge(options: impl Iterator<Item = declaration::OptionDeclaration>) -> Result<Vec<OptionDeclaration>, String> {
    let mut merged: Vec<OptionDeclaration> = Vec::new();
    for option in options.map(OptionDeclaration::from) {
        match merged.iter().find(|known| known.name == option.name) {
            None => merged.push(option),
            Some(known) if known.kind == option.kind => {}
            Some(known) => {
                let name = oneline::escaped(&option.name);
                return Err(format!("option `{name}` twice with different types: {}, and {}", known.kind, option.kind));
            }
        }
    }
    Ok(merged)
}

/// How much a component says of itself.
fn bytes(declared: &declaration::Declared) -> usize {
    let option = |option: &declaration::OptionDeclaration| {
        let choices = match &option.kind {
            declaration::Kind::Choice(choices) => choices.iter().map(String::len).sum(),
            _ => 0,
        };
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let flag = |flag: &declaration::Flag| flag.long.len() + optional(&flag.sets);
        let flags: usize = option.flags.iter().map(flag).sum();
        let texts = optional(&option.default) + optional(&option.deprecated);
        option.name.len() + option.help.len() + choices + flags + texts
    };
    let options: usize = declared.options.iter().map(option).sum();
    let reads: usize = declared.reads.iter().map(String::len).sum();
    declared.summary.len() + options + reads
}

impl From<declaration::OptionDeclaration> for OptionDeclaration {
    fn from(declared: declaration::OptionDeclaration) -> Self {
        let kind = match declared.kind {
            declaration::Kind::Flag => Kind::Flag,
            declaration::Kind::Integer => Kind::Integer,
            declaration::Kind::Text => Kind::Text,
            declaration::Kind::Choice(choices) => Kind::Choice(choices),
            declaration::Kind::Texts => Kind::Texts,
            declaration::Kind::Files => Kind::Files,
            declaration::Kind::Output => Kind::Output,
        };
        let flags = declared.flags.into_iter();
        let flags = flags.map(|flag| Flag { long: flag.long, short: flag.short, sets: flag.sets }).collect();
        let declaration::OptionDeclaration { name, help, default, deprecated, fixed, .. } = declared;
        Self { name, help, kind, default, flags, deprecated, fixed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(name: &str, kind: declaration::Kind) -> declaration::OptionDeclaration {
        let (name, help) = (name.to_owned(), String::new());
        declaration::OptionDeclaration {
            name,
            help,
            kind,
            default: None,
            flags: Vec::new(),
            deprecated: None,
            fixed: false,
        }
    }

    fn component(options: Vec<declaration::OptionDeclaration>) -> declaration::Declared {
        declaration::Declared {
            summary: String::new(),
            options,
            reads: Vec::new(),
            singleton: false,
            reads_bodies: false,
        }
    }

    fn refused(all: Vec<declaration::Declared>) -> Option<String> {
        together(all).err()
    }

    #[test]
    fn an_option_that_is_declared_twice_has_one_type() {
        let text = || component(vec![option("a", declaration::Kind::Text)]);
        assert_eq!(refused(vec![text(), text()]), None);
        let flag = component(vec![option("a", declaration::Kind::Flag)]);
        let expected = "option `a` twice with different types: text, and true or false";
        assert_eq!(refused(vec![text(), flag]).as_deref(), Some(expected));
    }

    #[test]
    fn a_component_declares_so_much_and_no_more() {
        let many = |count| component((0..count).map(|n| option(&n.to_string(), declaration::Kind::Flag)).collect());
        assert_eq!(refused(vec![many(MOST_OPTIONS)]), None);
        let expected = "1001 options, and may declare 1000";
        assert_eq!(
            refused(vec![many(MOST_OPTIONS), component(vec![option("more", declaration::Kind::Flag)])]).as_deref(),
            Some(expected)
        );
        let long = declaration::Kind::Choice(vec!["a".repeat(MOST_BYTES + 1)]);
        assert_eq!(refused(vec![component(vec![option("a", long)])]).as_deref(), Some("texts of more than 1024 KiB"));
    }
}
