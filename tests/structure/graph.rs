//! Which top-level modules of a crate know which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    paths::{self, Named},
    source::SourceFile,
};

/// The modules, and for each what it names of the others, with the places.
pub struct Graph {
    edges: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// What the crate's own file holds besides modules.
const TOP: &str = "lib.rs";

impl Graph {
    pub fn of(files: &[SourceFile]) -> Self {
        let modules: BTreeSet<&String> = files.iter().filter_map(|file| file.module.first()).collect();
        let top = files.iter().find(|file| file.module.is_empty());
        let imported = top.map(paths::imported).unwrap_or_default();
        // What the top brings in from a module is the module's, under whatever path others name it.
        let owner = |name: &String| {
            let imported = imported.iter().find(|imported| imported.name == *name);
            let through = imported.and_then(|imported| imported.named.path.first());
            modules.get(name).copied().or_else(|| through.filter(|first| modules.contains(first)))
        };
        let mut graph = Self { edges: BTreeMap::new() };
        for file in files {
            let from = file.module.first().map_or(TOP, String::as_str);
            for named in paths::named(file) {
                let to = named.path.first().and_then(&owner).map_or(TOP, String::as_str);
                graph.add(from, to, &named);
            }
        }
        // What it passes on only maps the crate; what it uses itself it knows.
        for imported in imported.iter().filter(|imported| !imported.is_public) {
            if let Some(first) = imported.named.path.first().filter(|first| modules.contains(first)) {
                graph.add(TOP, first, &imported.named);
            }
        }
        graph
    }

    fn add(&mut self, from: &str, to: &str, named: &Named) {
        if from != to {
            let evidence = format!("{}: {}", named.place, named.path.join("::"));
            self.edges.entry(from.to_owned()).or_default().entry(to.to_owned()).or_default().push(evidence);
        }
    }

    /// Where one module names another.
    pub fn between(&self, from: &str, to: &str) -> Vec<String> {
        let found = self.edges.get(from).and_then(|edges| edges.get(to)).cloned().unwrap_or_default();
        found.into_iter().map(|evidence| format!("  {evidence}")).collect()
    }

    /// A shortest circle through each module that is in one, each told once.
    pub fn cycles(&self) -> Vec<String> {
        let mut told = BTreeSet::new();
        let mut cycles = Vec::new();
        for start in self.edges.keys() {
            let Some(cycle) = self.shortest(start) else { continue };
            if told.insert(cycle.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect::<Vec<_>>()) {
                cycles.push(self.tell(&cycle));
            }
        }
        cycles
    }

    /// The modules of a shortest circle from a module back to it.
    fn shortest(&self, start: &str) -> Option<Vec<String>> {
        let mut reached: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(from) = queue.pop_front() {
            for to in self.edges.get(from).into_iter().flat_map(BTreeMap::keys) {
                if to == start {
                    let mut cycle = vec![from.to_owned()];
                    let mut at = from;
                    while let Some(before) = reached.get(at) {
                        cycle.push((*before).to_owned());
                        at = before;
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                if !reached.contains_key(to.as_str()) {
                    reached.insert(to, from);
                    queue.push_back(to);
                }
            }
        }
        None
    }

    fn tell(&self, cycle: &[String]) -> String {
        let mut text = format!("{} → {}", cycle.join(" → "), cycle.first().map_or("", String::as_str));
        let next = cycle.iter().cycle().skip(1);
        for (from, to) in cycle.iter().zip(next) {
            for evidence in self.between(from, to) {
                text += &format!("\n{evidence}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::code_of, *};

    fn graph(files: &[(&[&str], &str)]) -> Graph {
        let file = |(module, text): &(&[&str], &str)| {
            let (tokens, _) = code_of(text.parse().expect("it is Rust"));
            let path = if module.is_empty() { "lib".to_owned() } else { module.join("/") } + ".rs";
            SourceFile { path: path.into(), module: module.iter().map(|name| (*name).to_owned()).collect(), tokens }
        };
        Graph::of(&files.iter().map(file).collect::<Vec<_>>())
    }

    #[test]
    fn a_circle_is_told_with_its_places() {
        let found = graph(&[
            (&[], "mod a; mod b; mod c; pub use c::C;"),
            (&["a"], "\nuse crate::b::B;"),
            (&["b"], "use super::C;"),
            (&["c"], "fn c() { crate::a::d::A }"),
            (&["c", "d"], "use super::e;"),
        ]);
        assert_eq!(found.cycles(), ["a → b → c → a\n  a.rs:2: b::B\n  b.rs:1: C\n  c.rs:1: a::d::A"]);
        assert_eq!(found.between("a", "b"), ["  a.rs:2: b::B"]);
    }

    #[test]
    fn the_crates_own_file_maps_but_holds_nothing_that_modules_know() {
        let mapped =
            graph(&[(&[], "mod a; mod b; pub use a::A; pub use b::B;"), (&["a"], "use super::B;"), (&["b"], "")]);
        assert_eq!(mapped.cycles(), [""; 0]);
        let holding = graph(&[(&[], "mod a; use a::A; pub struct Top(A);"), (&["a"], "use super::Top;")]);
        assert_eq!(holding.cycles(), ["a → lib.rs → a\n  a.rs:1: Top\n  lib.rs:1: a::A"]);
    }
}
