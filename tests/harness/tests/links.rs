//! Every relative link in a document leads to an existing file and heading.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ansai_harness::binary;

/// Directories that tools create.
const NOT_OURS: &[&str] = &["target", ".git", "node_modules", ".venv"];

fn documents(directory: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_symlink() || NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.insert(path.clone(), std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The lines outside code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The line without inline code.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("code")
}

/// Returns `target` of each `[text](target)`.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // A link may span two lines.
    let text = prose(text).map(without_code).collect::<Vec<_>>().join("\n");
    let mut rest = text.as_str();
    while let Some(at) = rest.find("](") {
        rest = &rest[at + 2..];
        if let Some(end) = rest.find(')') {
            found.push(rest[..end].trim().to_owned());
        }
    }
    found
}

/// Anchors of the headings, as Markdown renderers generate them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let anchors = headings.map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = seen.entry(anchor.clone()).or_default();
        *count += 1;
        if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
    });
    anchors.collect()
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

fn wrong(documents: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in documents {
        for target in targets(text).into_iter().filter(|target| !is_elsewhere(target)) {
            let (file, anchor) = target.split_once('#').map_or((target.as_str(), None), |(file, at)| (file, Some(at)));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let known = match (file.canonicalize(), anchor) {
                (Err(_), _) => false,
                (Ok(_), None) => true,
                (Ok(file), Some(anchor)) => {
                    let text = documents.get(&file).cloned().or_else(|| std::fs::read_to_string(&file).ok());
                    text.is_some_and(|text| anchors(&text).contains(anchor))
                }
            };
            if !known {
                wrong.push(format!("{}: {target}", path.display()));
            }
        }
    }
    wrong
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut found = BTreeMap::new();
    documents(&binary::repository(), &mut found);
    let links = found.values().flat_map(|text| targets(text)).filter(|target| !is_elsewhere(target)).count();
    assert!(found.len() > 30 && links > 300, "{} documents, {links} links", found.len());
    let wrong = wrong(&found);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::write(root.join("b.md"), "# A `b` and: c\n## A\n## A\n```\n# not a heading\n```\n").unwrap();
    let good = "[1](b.md) [2](b.md#a-b-and-c) [3](b.md#a-1) [4](#own) `[5](nowhere)` [6](https://h/x#y)\n# Own\n";
    let bad = "[1](c.md) [2](b.md#not-a-heading) [3](b.md#a-2) [4](#other) [5\n](nowhere/)\n";
    for (text, count) in [(good, 0), (bad, 5)] {
        std::fs::write(root.join("a.md"), text).unwrap();
        let mut found = BTreeMap::new();
        documents(&root, &mut found);
        let wrong = wrong(&found);
        assert_eq!(wrong.len(), count, "{wrong:#?}");
    }
}
