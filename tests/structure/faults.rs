//! The table of faults, `tests/faults.md`, against the tests that it names.

use std::fs;

use super::root;

#[test]
fn every_test_and_script_that_the_table_of_faults_names_exists() {
    let table = fs::read_to_string(root().join("tests/faults.md")).expect("the table of faults");
    let (mut numbers, mut missing) = (Vec::new(), Vec::new());
    for line in table.lines() {
        let Some((number, shown_by)) = row(line) else { continue };
        numbers.push(number);
        missing.extend(shown_by.filter(|name| !exists(name)).map(|name| format!("{number}: {name}")));
    }
    assert_eq!(missing, [] as [&str; 0]);
    assert_eq!(numbers, (1..=60).collect::<Vec<u32>>());
}

/// The number of a fault, and what is between backquotes in the last cell.
fn row(line: &str) -> Option<(u32, impl Iterator<Item = &str>)> {
    let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let (number, shown_by) = (line.split(" | ").next()?, line.rsplit(" | ").next()?);
    Some((number.parse().ok()?, shown_by.split('`').skip(1).step_by(2)))
}

/// Whether there is a script of this name, or a test that is written as a file and `::` before its function.
fn exists(name: &str) -> bool {
    let (path, test) = name.split_once("::").unwrap_or((name, ""));
    let text = fs::read_to_string(root().join(path)).unwrap_or_default();
    !text.is_empty() && (test.is_empty() || text.contains(&format!("fn {test}(")))
}
