//! `ansai explain`, and that every code can be looked up.

use std::path::Path;

use ansai_core::codes;

use crate::support::*;

#[test]
fn every_code_is_explained_and_listed() {
    let list = ansai(&["explain"]).code(0).stdout;
    for code in codes::all() {
        let title = ansai_codes::page(code).unwrap().title;
        let line = list.lines().find(|line| line.split_whitespace().next() == Some(code.word()));
        assert!(line.is_some_and(|line| line.ends_with(title)), "{code}:\n{list}");
        let page = ansai(&["explain", code.word()]).code(0).says(title).says("\nExample\n").says("\nFix\n");
        assert!(page.stdout.lines().count() > 8 && page.stderr.is_empty(), "{}", page.stdout);
        assert!(page.stdout.lines().all(|line| !line.ends_with(' ')), "{}", page.stdout);
    }
}

/// As on a terminal of 80 columns.
fn narrow(arguments: &[&str]) -> String {
    let output = command(Path::new("."), arguments).env("COLUMNS", "80").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_terminal_of_80_columns_is_wide_enough() {
    let pages: Vec<String> = codes::all().map(|code| narrow(&["explain", code.word()])).collect();
    for line in pages.iter().flat_map(|page| page.lines()).chain(narrow(&["explain"]).lines()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_page_is_laid_out_for_people() {
    assert_eq!(
        narrow(&["explain", "text-length"]),
        "text-length: text is empty or too long

"
    );
}

#[test]
fn programs_read_the_same() {
    let one = ansai(&["explain", "imports-wasi", "--format", "json"]).code(0).json();
    assert_eq!((one["code"].as_str(), one["area"].as_str()), (Some("imports-wasi"), Some("components")));
    assert!(one["meaning"][0].as_str().unwrap().contains("files, clocks"));
    let all = ansai(&["explain", "--format", "json"]).code(0).json();
    assert_eq!(all.as_array().unwrap().len(), codes::all().count());
    assert!(all.as_array().unwrap().contains(&one));
}

#[test]
fn a_word_that_is_no_code_is_told_with_the_nearest() {
    let ran =
        ansai(&["explain", "import-wasi"]).code(2).complains("error[unknown-code]: there is no code `import-wasi`");
    ran.complains("hint: did you mean `imports-wasi`?");
    ansai(&["explain", "\u{1b}[2J"])
        .code(2)
        .complains("`\\u{1b}[2J`")
        .complains("hint: `ansai explain` lists all codes");
    ansai(&["explain", "fuel", "memory"]).code(2);
}

#[test]
fn shells_complete_codes() {
    // The script for fish completes values of flags only.
    for shell in ["bash", "zsh"] {
        ansai(&["completions", shell]).code(0).says("imports-wasi").says("unknown-key");
    }
    let help = ansai(&["explain", "--help"]).code(0);
    assert!(!help.stdout.contains("unknown-key"), "help lists a hundred words:\n{}", help.stdout);
}

#[test]
fn every_code_is_used() {
    let mut sources = Vec::new();
    for part in [
        "runtime",
        "host-functions/kit/src",
        "host-functions/local/src",
        "host-functions/reach/src",
        "host-functions/src",
    ] {
        collect(&repository().join(part), &mut sources);
    }
    assert!(sources.len() > 200, "the sources are found");
    for code in codes::all() {
        let name = format!("codes::{}", code.word().to_uppercase().replace('-', "_"));
        let used = |text: &String| text.match_indices(&name).any(|(at, _)| !continues(&text[at + name.len()..]));
        assert!(sources.iter().any(used), "nothing says {code}");
    }
}

/// Whether a longer name stands there.
fn continues(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// Texts of sources that may use codes: not the list itself, and no tests.
fn collect(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("core/src/codes") && !path.ends_with("facts") && !path.ends_with("tests") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn repository() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
