//! `runtime/docs/codes.md` is generated from the pages. `ANSAI_WRITE_REFERENCE=1` regenerates it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use ansai_codes::{Block, heading, page, pages};
use ansai_core::codes::{self, Area};

const INTRODUCTION: &str = "<!-- Generated from runtime/codes/pages: not to be edited. -->
# Error codes

ansai shows a code in brackets after `error` or `warning`, and in `code` and `error_kind` of JSON. A code keeps its name
from version to version. `ansai explain CODE` prints the same text.
";

#[test]
fn the_reference_is_the_one_that_is_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/codes.md");
    let made = markdown();
    if std::env::var_os("ANSAI_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == made,
        "{} is not what the pages say: run ANSAI_WRITE_REFERENCE=1 cargo test --release -p ansai-codes",
        path.display()
    );
}

#[test]
fn every_link_leads_to_a_heading() {
    let page = markdown();
    let mut in_code = false;
    let headings: Vec<String> = page
        .lines()
        .filter(|line| {
            in_code ^= line.starts_with("```");
            !in_code && line.starts_with('#')
        })
        .map(|line| anchor(line.trim_start_matches('#').trim_start()))
        .collect();
    let unique: BTreeSet<&String> = headings.iter().collect();
    assert_eq!(unique.len(), headings.len(), "two headings have one anchor");
    let mut links = 0;
    for (_, rest) in page.match_indices("](#").map(|(at, mark)| page.split_at(at + mark.len())) {
        let target = rest.split(')').next().unwrap();
        assert!(headings.iter().any(|heading| heading == target), "{target}");
        links += 1;
    }
    assert_eq!(links, Area::ALL.len() + pages().count());
}

/// All pages: the list of areas, and for each area a table of its codes and their entries.
fn markdown() -> String {
    let mut out = INTRODUCTION.to_owned() + "\n";
    for area in Area::ALL {
        let _ = writeln!(out, "- [{}](#{})", heading(area), anchor(heading(area)));
    }
    for area in Area::ALL {
        let pages: Vec<_> = codes::all().filter(|code| code.area() == area).filter_map(page).collect();
        let _ = write!(out, "\n## {}\n\n| code | meaning |\n|---|---|\n", heading(area));
        for page in &pages {
            let _ = writeln!(out, "| [`{0}`](#{0}) | {1} |", page.word, page.title.replace('|', "\\|"));
        }
        for page in pages {
            let _ = write!(out, "\n### {}\n\n", page.word);
            out += &section(&format!("**{}.**", capital(page.title)), page.meaning);
            out += &section("Example:", &[Block::Code(page.example)]);
            out += section("**Fix.**", page.fix).trim_end();
            out += "\n";
        }
    }
    out
}

/// Formats blocks after a leading word; a first paragraph continues that line.
fn section(lead: &str, blocks: &[Block]) -> String {
    let mut parts = vec![lead.to_owned()];
    for block in blocks {
        let first = parts.len() == 1;
        match (block, parts.last_mut()) {
            (Block::Text(text), Some(lead)) if first => drop(write!(lead, " {text}")),
            (Block::Item(text), Some(list)) if list.starts_with("- ") => drop(write!(list, "\n- {text}")),
            (Block::Text(text), _) => parts.push((*text).to_owned()),
            (Block::Item(text), _) => parts.push(format!("- {text}")),
            (Block::Code(fence), _) => parts.push(format!("```{}\n{}\n```", fence.language, fence.text)),
        }
    }
    parts.join("\n\n") + "\n\n"
}

/// The anchor that Markdown renderers give a heading.
fn anchor(heading: &str) -> String {
    let letters = heading.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-'));
    letters.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Capitalizes a fragment, unless it begins with the name of a file or a program.
fn capital(text: &str) -> String {
    let is_name = |word: &str| word.contains(['.', '/']) || ["ansai", "systemd"].contains(&word);
    let name = text.split(' ').next().is_some_and(is_name);
    let mut rest = text.chars();
    match rest.next() {
        Some(first) if !name => first.to_ascii_uppercase().to_string() + rest.as_str(),
        _ => text.to_owned(),
    }
}
