//! What is printed, compared whole.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proxyhost::config::Action;

use crate::parse;

#[test]
fn a_wrong_command_line_is_told_what_is_wrong() {
    let cases = fs::read_to_string(fixtures().join("command_line.err")).expect("the expected errors");
    let mut found = String::new();
    for line in cases.lines().filter_map(|line| line.strip_prefix("$ proxyhost ")) {
        let error = parse(line, &fixtures()).expect_err(line);
        found += &format!("$ proxyhost {line}\n{}\n\n", error.report());
    }
    assert_eq!(found, cases);
}

#[test]
fn a_wrong_file_is_told_where_and_what_is_wrong() {
    let mut count = 0;
    for entry in fs::read_dir(fixtures()).expect("the fixtures") {
        let path = entry.expect("a fixture").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let expected = fs::read_to_string(path.with_extension("err")).expect(&name);
        let error = parse(&format!("--config {name}"), &fixtures()).expect_err(&name);
        assert_eq!(error.report() + "\n", expected, "{name}");
        count += 1;
    }
    assert!(count > 20, "only {count} files were found");
}

#[test]
fn help_lists_the_flags_of_addons_under_their_names() {
    // Where lines are broken depends on the terminal.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = fs::read_to_string(fixtures().join("help.txt")).expect("the expected help");
    for line in ["--help", "--bogus --help", "--config missing.toml --addon missing --help"] {
        let Ok(Action::Help(help)) = parse(line, Path::new("")) else { panic!("{line}") };
        assert_eq!(words(&help.to_string()), words(&expected), "{line}");
    }
    let Ok(Action::Help(version)) = parse("--addon missing --version", Path::new("")) else { panic!("no version") };
    assert_eq!(version.to_string(), concat!("proxyhost ", env!("CARGO_PKG_VERSION"), "\n"));
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config")
}
