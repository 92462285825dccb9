//! Follows a page of the documentation: writes its files, runs its commands in order, and compares what they print with
//! what the page shows.
//!
//! A fenced block is of commands (`sh`, or `sh exits 3`), of what the commands before it print (`text`), of a file
//! (`toml policy.toml`), or of lines that are added to a file (`diff lib.rs`: each run of `+` lines follows the line
//! before it, which is in the file once).

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ansai_harness::Invocation;

/// A fenced block.
pub(crate) struct Block {
    line: usize,
    pub(crate) language: String,
    /// The text after the language: the file name, or how the commands end.
    more: String,
    pub(crate) text: String,
}

pub(crate) fn blocks(page: &str) -> Vec<Block> {
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
        } else if block.language == "diff" {
            script += &additions(&block.more, &block.text);
        } else if !block.more.is_empty() {
            let _ = write!(
                script,
                "mkdir -p \"$(dirname {0})\"; cat > {0} <<'END-OF-FILE'\n{1}END-OF-FILE\n",
                block.more, block.text
            );
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

/// Adds the lines of a diff to a file.
fn additions(file: &str, diff: &str) -> String {
    let (mut script, mut after) = (String::new(), "");
    let mut added: Vec<&str> = Vec::new();
    for line in diff.lines().chain([" "]) {
        match line.strip_prefix('+') {
            Some(new) => added.push(new),
            None => {
                if !added.is_empty() {
                    let _ = writeln!(script, "[ \"$(grep -cFx -e '{after}' {file})\" = 1 ] || exit 99");
                    let _ = writeln!(script, "sed -i '\\|^{after}$|a\\{}' {file}", added.join("\\n"));
                    added.clear();
                }
                after = line.strip_prefix(' ').unwrap_or(line);
            }
        }
    }
    script
}

/// Follows the blocks in a shell with this environment. Returns how many outputs were compared.
#[track_caller]
pub(crate) fn follow(blocks: &[Block], shell: impl FnOnce(Invocation) -> Invocation) -> usize {
    let ran = shell(Invocation::of("bash").args(["-c", &script(blocks)]).env("COLUMNS", "120")).run();
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
    shown
}

/// A PATH with this program as `ansai`. If the tests run as root, it adds the option that permits building foreign code.
/// Only `ansai` gets `environment`: a Rust compiler for policies is none for the repository.
pub(crate) fn path_with(program: &Path, dir: &Path, environment: &[(&str, String)]) -> String {
    let program = program.display();
    let exports: String = environment.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
    let text = format!(
        "#!/bin/sh\n{exports}[ \"$1\" != build ] || [ \"$(id -u)\" != 0 ] || set -- \"$@\" --allow-root\n\
         exec {program} \"$@\"\n"
    );
    let file = dir.join("ansai");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", dir.display(), std::env::var("PATH").unwrap())
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
