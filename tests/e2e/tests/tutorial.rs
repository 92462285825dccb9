//! Runs all commands of `runtime/docs/tutorial.md` in order, as an author would, and compares the output with the
//! tutorial.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use ansai_harness::{Invocation, binary};

use crate::authors::{target_dir, wasm_environment};

/// The directory that the tutorial names. The test's own directory has a path of the same length, so that lines wrap
/// alike.
const PLACE: &str = "/tmp/ansai-tutorial";

/// A fenced block.
struct Block {
    line: usize,
    language: String,
    /// The text after the language: the file name, or how the commands end.
    more: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (index, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                let (language, more) = info.split_once(' ').unwrap_or((info, ""));
                let (language, more) = (language.to_owned(), more.to_owned());
                blocks.push(Block { line: index + 1, language, more, text: String::new() });
                open = true;
            }
            None if open => blocks.last_mut().unwrap().text += &format!("{line}\n"),
            None => {}
        }
    }
    blocks
}

/// One shell script runs all blocks, and prints where each block's output begins and its exit code.
fn script(blocks: &[Block]) -> String {
    let mut script = String::from("exec 2>&1\n");
    for (index, block) in blocks.iter().enumerate() {
        if block.language == "sh" {
            let _ = write!(script, "printf '\\036%s\\n' {index}\n{}printf '\\037%s\\n' $?\n", block.text);
        } else if !block.more.is_empty() {
            let _ = write!(script, "cat > {} <<'END-OF-FILE'\n{}END-OF-FILE\n", block.more, block.text);
        }
    }
    script
}

/// Whether the shown lines match the output. `…` matches any text; alone on a line, any lines.
fn is_shown(shown: &[&str], came: &[&str]) -> bool {
    match (shown, came) {
        ([], rest) => rest.is_empty(),
        (["…", more @ ..], came) => (0..=came.len()).any(|at| is_shown(more, &came[at..])),
        ([one, more @ ..], [first, rest @ ..]) => matches(one.trim_end(), first.trim_end()) && is_shown(more, rest),
        _ => false,
    }
}

fn matches(shown: &str, came: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(rest) = came.strip_prefix(parts.next().unwrap()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

fn page() -> String {
    std::fs::read_to_string(binary::repository().join("runtime/docs/tutorial.md")).unwrap()
}

/// A PATH with `ansai`. If the tests run as root, it adds the option that permits building foreign code.
fn path_with_ansai(dir: &Path) -> String {
    let program = binary::ansai();
    let program = program.display();
    let text = format!(
        "#!/bin/sh\n[ \"$1\" != build ] || [ \"$(id -u)\" != 0 ] || set -- \"$@\" --allow-root\nexec {program} \"$@\"\n"
    );
    let file = dir.join("ansai");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", dir.display(), std::env::var("PATH").unwrap())
}

#[test]
fn the_tutorial_is_true() {
    let Some(environment) = wasm_environment("the_tutorial_is_true") else { return };
    let place = tempfile::Builder::new().prefix("ansai-tu").rand_bytes(6).tempdir_in("/tmp").unwrap();
    let at = place.path().to_str().unwrap();
    assert_eq!(at.len(), PLACE.len());
    let page = page().replace(PLACE, at);
    let blocks = blocks(&page);
    let bin = tempfile::tempdir().unwrap();
    let shell = Invocation::of("bash")
        .args(["-c", &script(&blocks)])
        .current_dir(place.path())
        .limit(Duration::from_secs(280))
        .env("PATH", path_with_ansai(bin.path()))
        .env("COLUMNS", "120")
        .env("CARGO_TARGET_DIR", target_dir());
    let ran = environment.into_iter().fold(shell, |shell, (name, value)| shell.env(name, value)).run();
    let mut shown = 0;
    for part in ran.stdout.split('\u{1e}').skip(1) {
        let (index, output) = part.split_once('\n').unwrap();
        let index: usize = index.parse().unwrap();
        let (output, code) = output.split_once('\u{1f}').unwrap_or((output, "none"));
        let block = &blocks[index];
        let expected = block.more.strip_prefix("exits ").unwrap_or("0");
        assert_eq!(code.trim(), expected, "the commands of line {}:\n{}\n{output}", block.line, block.text);
        if let Some(next) = blocks.get(index + 1).filter(|next| next.language == "text") {
            let lines: Vec<&str> = next.text.lines().collect();
            let came: Vec<&str> = output.lines().collect();
            assert!(is_shown(&lines, &came), "line {} shows\n{}\nbut there came\n{output}", next.line, next.text);
            shown += 1;
        }
    }
    let commands = blocks.iter().filter(|block| block.language == "sh").count();
    assert_eq!(ran.stdout.matches('\u{1f}').count(), commands, "all of it ran:\n{}", ran.stdout);
    assert!(shown >= 8, "{shown} outputs are shown");
}

/// The lines that the tutorial shows for other languages are in the templates of `ansai new`.
#[test]
fn lines_for_other_languages_are_in_their_templates() {
    let mut found = 0;
    for (language, file) in [
        ("ts", "typescript/template/policy.ts"),
        ("python", "python/template/policy.py"),
        ("go", "go/template/policy.go"),
        ("c", "c/template/policy.c"),
    ] {
        let template = std::fs::read_to_string(binary::repository().join("policies/sdk").join(file)).unwrap();
        for block in blocks(&page()).iter().filter(|block| block.language == language) {
            for line in block.text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                assert!(template.lines().any(|known| known.trim() == line), "{file} has no line {line}");
                found += 1;
            }
        }
    }
    assert!(found >= 8, "{found}");
}

#[test]
fn an_output_that_differs_is_seen() {
    for (shown, came, is) in [
        ("a\nb", "a\nb", true),
        ("a\n…\nc", "a\nb\nb\nc", true),
        ("a\n…", "a", true),
        ("id … of …", "id 12 of 3", true),
        ("a …", "a b\nc", false),
        ("a\nb", "a", false),
        ("a", "a\nb", false),
        ("id … of 4", "id 12 of 3", false),
        ("a…a", "a", false),
    ] {
        let (shown, came): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), came.lines().collect());
        assert_eq!(is_shown(&shown, &came), is, "{shown:?} {came:?}");
    }
}
