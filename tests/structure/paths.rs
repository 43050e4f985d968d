//! The paths that code names, written out in full.

use std::iter::Peekable;

use proc_macro2::{Delimiter, TokenTree};

use super::source::SourceFile;

/// A path from the crate's top, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    pub place: String,
}

/// All paths in a file that begin with `crate`, `super` or `self`.
pub fn named(file: &SourceFile) -> Vec<Named> {
    let mut found = Vec::new();
    walk(file, &file.module, &file.tokens, &mut found);
    found
}

/// A name that a crate's top brings in with `use`.
pub struct Imported {
    pub name: String,
    pub named: Named,
    /// Whether it is only passed on.
    pub is_public: bool,
}

/// What the file of a crate's top brings in.
pub fn imported(file: &SourceFile) -> Vec<Imported> {
    let mut found = Vec::new();
    for (at, token) in file.tokens.iter().enumerate() {
        let TokenTree::Ident(word) = token else { continue };
        if word != "use" {
            continue;
        }
        let before = file.tokens.get(..at).unwrap_or_default();
        let is_public = match before {
            [.., TokenTree::Ident(word)] => word == "pub",
            [.., TokenTree::Ident(word), TokenTree::Group(group)] => {
                word == "pub" && group.delimiter() == Delimiter::Parenthesis
            }
            _ => false,
        };
        let mut tokens = file.tokens.iter().skip(at + 1).cloned().peekable();
        let mut paths = Vec::new();
        expand(Vec::new(), &mut tokens, &mut paths);
        for path in paths {
            let path: Vec<String> = path.into_iter().skip_while(|name| name == "self" || name == "crate").collect();
            let Some(name) = path.last().cloned() else { continue };
            found.push(Imported { name, named: Named { path, place: file.place(token) }, is_public });
        }
    }
    found
}

fn walk(file: &SourceFile, module: &[String], tokens: &[TokenTree], found: &mut Vec<Named>) {
    let mut tokens = tokens.iter().cloned().peekable();
    let mut before: [Option<TokenTree>; 2] = [None, None];
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(group) => {
                let inner = [module, declared(&before).as_slice()].concat();
                walk(file, &inner, &group.stream().into_iter().collect::<Vec<_>>(), found);
            }
            TokenTree::Ident(first)
                if ["crate", "super", "self"].iter().any(|word| first == word) && is_separator(tokens.peek()) =>
            {
                let mut paths = Vec::new();
                expand(vec![first.to_string()], &mut tokens, &mut paths);
                let place = file.place(&token);
                let named = paths.iter().map(|path| Named { path: resolve(module, path), place: place.clone() });
                found.extend(named);
            }
            _ => {}
        }
        let [_, last] = before;
        before = [last, Some(token)];
    }
}

/// The name of the module whose body comes next.
fn declared(before: &[Option<TokenTree>; 2]) -> Option<String> {
    match before {
        [Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))] if word == "mod" => Some(name.to_string()),
        _ => None,
    }
}

fn is_separator(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(mark)) if mark.as_char() == ':' && mark.spacing() == proc_macro2::Spacing::Joint)
}

/// Reads on from the beginning of a path: `::a::b`, `::{a, b::c}`, `::*`.
fn expand(path: Vec<String>, tokens: &mut Peekable<impl Iterator<Item = TokenTree>>, found: &mut Vec<Vec<String>>) {
    let mut path = path;
    // A path of a `use` begins with a name.
    if path.is_empty() {
        match tokens.next() {
            Some(TokenTree::Ident(name)) => path.push(name.to_string()),
            _ => return,
        }
    }
    while is_separator(tokens.peek()) {
        tokens.next();
        tokens.next();
        match tokens.peek() {
            Some(TokenTree::Ident(name)) => path.push(name.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for tree in inner.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',')) {
                    let mut below = Vec::new();
                    expand(Vec::new(), &mut tree.iter().cloned().peekable(), &mut below);
                    found.extend(below.into_iter().map(|below| [path.as_slice(), &below].concat()));
                }
                tokens.next();
                return;
            }
            _ => break,
        }
        tokens.next();
    }
    found.push(path);
}

/// A path from the crate's top, as it is meant in a module.
fn resolve(module: &[String], path: &[String]) -> Vec<String> {
    let mut base = module.to_vec();
    let mut rest = path;
    while let [first, after @ ..] = rest {
        match first.as_str() {
            "crate" => base.clear(),
            "super" => drop(base.pop()),
            "self" => {}
            _ => break,
        }
        rest = after;
    }
    base.extend_from_slice(rest);
    base
}

#[cfg(test)]
mod tests {
    use super::{super::source::code_of, *};

    fn file(module: &[&str], text: &str) -> SourceFile {
        let (tokens, _) = code_of(text.parse().expect("it is Rust"));
        SourceFile { path: "x.rs".into(), module: module.iter().map(|name| (*name).to_owned()).collect(), tokens }
    }

    fn paths(module: &[&str], text: &str) -> Vec<String> {
        named(&file(module, text)).into_iter().map(|named| named.path.join("::")).collect()
    }

    #[test]
    fn paths_are_written_out() {
        let text = "use crate::{a::{self, B, c::*}, d}; use super::super::e::F as G; pub(crate) fn f() { select!{ crate::h::<u8>() } }";
        assert_eq!(paths(&["x", "y"], text), ["a::self", "a::B", "a::c", "d", "e::F", "h"]);
        assert_eq!(paths(&["x"], "mod y { use super::Z; mod z { use super::super::super::A; } }"), ["x::Z", "A"]);
        assert_eq!(paths(&["x"], "fn f(self) { self.a::<u8>(); self::b::c() }"), ["x::b::c"]);
    }

    #[test]
    fn a_crates_top_brings_names_in() {
        let found = imported(&file(&[], "pub use a::{B, c::D}; use e::F; pub(crate) use crate::g::H; use std::fs;"));
        let show =
            |imported: Imported| format!("{} {} {}", imported.name, imported.named.path.join("::"), imported.is_public);
        let found: Vec<String> = found.into_iter().map(show).collect();
        assert_eq!(found, ["B a::B true", "D a::c::D true", "F e::F false", "H g::H true", "fs std::fs false"]);
    }
}
