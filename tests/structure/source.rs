//! Source code without what no part knows another by: comments, documentation and tests.

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A file of a crate.
pub struct SourceFile {
    /// From the repository's top.
    pub path: PathBuf,
    /// The names of the modules that lead to it; none for the crate's own file.
    pub module: Vec<String>,
    pub tokens: Vec<TokenTree>,
}

/// Reads a crate's files but the binary's and those of tests.
pub fn read(root: &Path, folder: &Path) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    find(&root.join(folder), &mut paths);
    let mut tests = BTreeSet::new();
    let mut files = Vec::new();
    for path in paths {
        let within = path.strip_prefix(root.join(folder)).expect("it was found there");
        if within == Path::new("main.rs") {
            continue;
        }
        let module = module_of(within);
        let text = fs::read_to_string(&path).expect("source is UTF-8");
        let tokens: TokenStream =
            text.parse().unwrap_or_else(|error| panic!("`{}` is no Rust: {error}", path.display()));
        let (tokens, skipped) = code_of(tokens);
        tests.extend(skipped.into_iter().map(|name| [module.as_slice(), &[name]].concat()));
        let path = path.strip_prefix(root).expect("it was found there").to_owned();
        files.push(SourceFile { path, module, tokens });
    }
    assert!(!files.is_empty(), "there is no source in `{}`", folder.display());
    files.retain(|file| tests.iter().all(|test| !file.module.starts_with(test)));
    files
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("`{}`: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module that a file of a crate is.
fn module_of(within: &Path) -> Vec<String> {
    let without = within.with_extension("");
    let names = without.iter().map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name != "mod" && name != "lib").collect()
}

/// The tokens of a module without documentation and tests, and the names of the modules in other files that are tests.
pub fn code_of(tokens: TokenStream) -> (Vec<TokenTree>, Vec<String>) {
    let mut kept = Vec::new();
    let mut tests = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_mark =
            |wanted: char| move |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == wanted);
        if let TokenTree::Group(group) = &token {
            let (inner, within) = code_of(group.stream());
            tests.extend(within);
            let mut cleaned = Group::new(group.delimiter(), inner.into_iter().collect());
            cleaned.set_span(group.span());
            kept.push(cleaned.into());
            continue;
        }
        if !is_mark('#')(&token) {
            kept.push(token);
            continue;
        }
        // That of what stands around it, as at the beginning of a file.
        let is_inner = tokens.next_if(is_mark('!')).is_some();
        let attribute = tokens.peek().map(ToString::to_string).unwrap_or_default();
        let is_of = |what: &str| attribute.trim_start_matches(['[', ' ']).starts_with(what);
        if is_of("doc") {
            tokens.next();
        } else if !is_inner && (is_of("cfg (test)") || is_of("cfg (all (test")) {
            let item = skip_item(&mut tokens);
            tests.extend(module_name(&item));
        }
    }
    (kept, tests)
}

/// Takes an item to its end, which is its body or a semicolon.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) -> Vec<TokenTree> {
    let mut item = Vec::new();
    for token in tokens {
        let is_end = match &token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(mark) => mark.as_char() == ';',
            _ => false,
        };
        item.push(token);
        if is_end {
            break;
        }
    }
    item
}

/// The module that an item declares to be in another file.
fn module_name(item: &[TokenTree]) -> Option<String> {
    match item {
        [.., TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(_)] if word == "mod" => {
            Some(name.to_string())
        }
        _ => None,
    }
}

/// An identifier or a literal, and where it stands.
pub struct Word {
    pub name: String,
    pub place: String,
}

impl SourceFile {
    /// All identifiers and literals.
    pub fn words(&self) -> Vec<Word> {
        let mut words = Vec::new();
        self.collect(&self.tokens, &mut words);
        words
    }

    fn collect(&self, tokens: &[TokenTree], words: &mut Vec<Word>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.collect(&group.stream().into_iter().collect::<Vec<_>>(), words),
                TokenTree::Ident(_) | TokenTree::Literal(_) => {
                    words.push(Word { name: token.to_string(), place: self.place(token) });
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// The file and the line of a token.
    pub fn place(&self, token: &TokenTree) -> String {
        format!("{}:{}", self.path.display(), token.span().start().line)
    }
}

impl Word {
    /// The words of ordinary language in it, in lower case: `NotRecorded` and `not_recorded` have two.
    pub fn parts(&self) -> impl Iterator<Item = String> {
        let mut spaced = String::new();
        for character in self.name.chars() {
            if character.is_uppercase() {
                spaced.push(' ');
            }
            spaced.push(if character.is_alphanumeric() { character } else { ' ' });
        }
        let parts: Vec<String> = spaced.split_whitespace().map(str::to_lowercase).collect();
        parts.into_iter()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "  {}: {}", self.place, self.name)
    }
}

#[test]
fn comments_documentation_and_tests_are_not_code() {
    let text = "//! recordings\n/// recordings\n#[cfg(test)]\nmod tests;\n#[cfg(test)] #[allow(x)] fn a() { b }\n\
                fn c() {\n  // d\n  #[cfg(test)] { e }\n  \"f\"\n}\n#[cfg(test)] use g::{h};";
    let (tokens, tests) = code_of(text.parse().expect("it is Rust"));
    let file = SourceFile { path: "x.rs".into(), module: Vec::new(), tokens };
    let words: Vec<String> = file.words().iter().map(|word| word.to_string()).collect();
    assert_eq!(words, ["  x.rs:6: fn", "  x.rs:6: c", "  x.rs:9: \"f\""]);
    assert_eq!(tests, ["tests"]);
}

#[test]
fn a_word_has_parts() {
    let parts = |name: &str| Word { name: name.to_owned(), place: String::new() }.parts().collect::<Vec<_>>();
    assert_eq!(parts("NotRecorded"), ["not", "recorded"]);
    assert_eq!(parts("save_recording"), ["save", "recording"]);
    assert_eq!(parts("\"proxyhost:replay/matcher\""), ["proxyhost", "replay", "matcher"]);
}
