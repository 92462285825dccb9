//! What tmpfiles.d(5) excludes from aging: lines `x` (a path with all that is below it) and `X` (the path alone).
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's tmpfiles.d")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ansai_core::Refusal;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::names::is_within;
use super::processes::{Unseen, read, unless_gone};
use crate::disk::ways::answering_through_links;
use ansai_kit::host::Host;

/// The directories with these files: a file of an earlier one replaces one of the same name in a later one.
const DIRECTORIES: &[&str] =
    &["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d", "/lib/tmpfiles.d"];

/// What is excluded at and below one root.
#[derive(Debug, Default)]
pub(crate) struct Exclusions {
    with_all_below: GlobSet,
    alone: GlobSet,
}

/// One line: its pattern, and whether it is about all that is below too.
struct Line {
    pattern: String,
    is_with_all_below: bool,
}

impl Exclusions {
    /// Reads what may concern files below a directory, which is given by its absolute path (empty for `/`).
    ///
    /// # Errors
    /// `unavailable` if one of the files cannot be read: then every file could be excluded.
    pub(crate) fn read(host: &Host, root: &[u8]) -> Result<Exclusions, Refusal> {
        let unread = |path: &Path| Refusal::Unavailable(format!("{} cannot be read", path.display()));
        let mut files = BTreeMap::<OsString, PathBuf>::new();
        for directory in DIRECTORIES {
            let path = Path::new(directory);
            let list = unless_gone(std::fs::read_dir(host.path(path))).map_err(|Unseen| unread(path))?;
            for entry in list.into_iter().flatten() {
                let name = entry.map_err(|_| unread(path))?.file_name();
                if name.as_bytes().ends_with(b".conf") {
                    files.entry(name.clone()).or_insert_with(|| path.join(name));
                }
            }
        }
        let (mut with_all_below, mut alone) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for path in files.values() {
            let text = read(&host.path(path)).map_err(|Unseen| unread(path))?.unwrap_or_default();
            for line in text.split(|byte| *byte == b'\n').filter_map(parse) {
                for pattern in both_ways(host, &line.pattern).iter().filter(|pattern| concerns(pattern, root)) {
                    // What the host's own tool cannot read excludes nothing there either.
                    let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build()
                    else {
                        continue;
                    };
                    let set = if line.is_with_all_below { &mut with_all_below } else { &mut alone };
                    set.add(glob);
                }
            }
        }
        let built = |set: GlobSetBuilder| {
            set.build().map_err(|error| Refusal::Unavailable(format!("the patterns of tmpfiles.d: {error}")))
        };
        Ok(Exclusions { with_all_below: built(with_all_below)?, alone: built(alone)? })
    }

    /// Whether an absolute path is excluded.
    pub(crate) fn cover(&self, path: &[u8]) -> bool {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        self.alone.is_match(path)
            || (!self.with_all_below.is_empty() && path.ancestors().any(|path| self.with_all_below.is_match(path)))
    }
}

/// `x! /var/tmp/a-*`: only lines that exclude something.
fn parse(line: &[u8]) -> Option<Line> {
    let mut words = std::str::from_utf8(line).ok()?.trim_start().splitn(2, [' ', '\t']);
    let kind = words.next()?;
    let is_with_all_below = match kind.chars().next()? {
        'x' => true,
        'X' => false,
        _ => return None,
    };
    let path = word(words.next()?.trim_start());
    path.starts_with('/').then(|| Line { pattern: pattern(&path), is_with_all_below })
}

/// The first word, which may be in quotes and have escapes.
fn word(text: &str) -> String {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let text = if quote.is_some() { text.get(1..).unwrap_or_default() } else { text };
    let end = match quote {
        Some(quote) => text.find(quote),
        None => text.find(char::is_whitespace),
    };
    text.get(..end.unwrap_or(text.len())).unwrap_or_default().trim_end_matches('/').to_owned()
}

/// The shell pattern of a path with specifiers: those that depend on the host match everything. Braces are no
/// alternatives here.
fn pattern(path: &str) -> String {
    let mut pattern = String::new();
    let mut rest = path.chars();
    while let Some(one) = rest.next() {
        match one {
            '{' => pattern.push_str("[{]"),
            '}' => pattern.push_str("[}]"),
            '%' => pattern.push_str(match rest.next() {
                Some('%') => "%",
                Some('t') => "/run",
                Some('S') => "/var/lib",
                Some('C') => "/var/cache",
                Some('L') => "/var/log",
                Some('T') => "/tmp",
                Some('V') => "/var/tmp",
                Some('h') => "/root",
                _ => "*",
            }),
            one => pattern.push(one),
        }
    }
    pattern
}

/// A pattern as written, and with the symbolic links on the way to its first special character followed.
fn both_ways(host: &Host, pattern: &str) -> Vec<String> {
    let mut patterns = vec![pattern.to_owned()];
    let (directory, rest) = pattern.split_at(literal(pattern).len());
    // What does not answer is on a file system of its own, and so is what is below it.
    let answers = answering_through_links(host, Path::new(directory)).is_ok();
    let real = answers.then(|| std::fs::canonicalize(host.path(directory)).ok()).flatten();
    let real = real.as_deref().and_then(|real| real.strip_prefix(host.root()).ok()).and_then(Path::to_str);
    if let Some(real) = real.map(|real| format!("/{real}")).filter(|real| real != directory) {
        // Special characters in what a link leads to are not worth a second kind of pattern.
        if literal(&format!("{real}/x")).len() == real.len() {
            patterns.push(format!("{}{rest}", real.trim_end_matches('/')));
        }
    }
    patterns
}

/// The directories at the beginning of a pattern, without special characters.
fn literal(pattern: &str) -> &str {
    let special = pattern.find(['*', '?', '[', '\\']).unwrap_or(pattern.len());
    let directories = pattern.get(..special).unwrap_or_default();
    directories.get(..directories.rfind('/').unwrap_or(0)).unwrap_or_default()
}

/// Whether a pattern may match something below a directory.
fn concerns(pattern: &str, root: &[u8]) -> bool {
    let literal = literal(pattern).as_bytes();
    is_within(literal, root) || is_within(root, literal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let host = Host::at(root.path().canonicalize().unwrap());
        (root, host)
    }

    fn covered(files: &[(&str, &str)], root: &str, path: &str) -> bool {
        let (_root, host) = host(files);
        Exclusions::read(&host, root.as_bytes()).unwrap().cover(path.as_bytes())
    }

    #[test]
    fn a_path_with_all_below_or_alone() {
        let files = [(
            "usr/lib/tmpfiles.d/a.conf",
            "# x /var/tmp/comment\nd /var/tmp/made 0755 - - 10d\nx /var/tmp/run-*\nX! /var/tmp/one\n\tx\t\"/var/tmp/a b\" -\n\
             x /tmp/systemd-private-%b-*\nx /var/tmp/{x}\nx /var/tmp/slash/\n",
        )];
        for (path, expected) in [
            ("/var/tmp/run-1000", true),
            ("/var/tmp/run-1000/state/data", true),
            ("/var/tmp/x/run-1000", false),
            ("/var/tmp/run", false),
            ("/var/tmp/one", true),
            ("/var/tmp/one/below", false),
            ("/var/tmp/a b/c", true),
            ("/var/tmp/comment", false),
            ("/var/tmp/made/x", false),
            ("/var/tmp/{x}/y", true),
            ("/var/tmp/x/y", false),
            ("/var/tmp/slash/y", true),
        ] {
            assert_eq!(covered(&files, "/var/tmp", path), expected, "{path}");
        }
        assert!(covered(&files, "/tmp", "/tmp/systemd-private-0123-x.service-abc/tmp/f"));
        assert!(covered(&files, "", "/var/tmp/run-1/x"));
    }

    #[test]
    fn a_file_replaces_one_of_its_name_in_a_later_directory() {
        let later = ("usr/lib/tmpfiles.d/a.conf", "x /tmp/a\n");
        assert!(covered(&[later], "/tmp", "/tmp/a/b"));
        assert!(!covered(&[later, ("etc/tmpfiles.d/a.conf", "")], "/tmp", "/tmp/a/b"));
        assert!(covered(&[later, ("etc/tmpfiles.d/b.conf", "x /tmp/b")], "/tmp", "/tmp/a/b"));
        assert!(!covered(&[("etc/tmpfiles.d/a.txt", "x /tmp/a\n")], "/tmp", "/tmp/a/b"));
    }

    #[test]
    fn a_pattern_that_leads_through_a_link_is_about_what_is_behind_it() {
        let (root, host) = host(&[("etc/tmpfiles.d/a.conf", "x /var/run/app-*\n"), ("run/app-1/f", "")]);
        std::fs::create_dir(root.path().join("var")).unwrap();
        std::os::unix::fs::symlink("../run", root.path().join("var/run")).unwrap();
        assert!(Exclusions::read(&host, b"/run").unwrap().cover(b"/run/app-1/f"));
    }

    #[test]
    fn what_cannot_be_read_may_exclude_every_file() {
        let (root, host) = host(&[]);
        assert!(Exclusions::read(&host, b"/tmp").is_ok());
        std::fs::create_dir_all(root.path().join("etc/tmpfiles.d/a.conf")).unwrap();
        assert!(matches!(Exclusions::read(&host, b"/tmp"), Err(Refusal::Unavailable(_))));
    }
}
