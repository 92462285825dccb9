//! Which file systems are watched, and which directories are on which of them.

use crate::port::Filesystem;
use crate::settings::Settings;

/// Why a file system is not watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// The operator says that it may be full.
    Ignored,
    ReadOnly,
    Remote,
}

impl Skipped {
    pub(crate) fn of(filesystem: &Filesystem, settings: &Settings) -> Option<Skipped> {
        if settings.ignore_mounts.iter().any(|pattern| matches(pattern, &filesystem.mount)) {
            Some(Skipped::Ignored)
        } else if filesystem.read_only {
            Some(Skipped::ReadOnly)
        } else {
            filesystem.remote.then_some(Skipped::Remote)
        }
    }
}

/// Whether a path is at or below another.
pub(crate) fn is_within(path: &str, root: &str) -> bool {
    path.strip_prefix(root.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The mount point that a directory is on: the longest that it is within.
fn mount_of<'f>(path: &str, filesystems: &'f [Filesystem]) -> Option<&'f str> {
    filesystems.iter().map(|one| one.mount.as_str()).filter(|mount| is_within(path, mount)).max_by_key(|m| m.len())
}

/// The parts of these directories that are on a file system and granted, each once.
pub(crate) fn roots_on(mount: &str, dirs: &[String], granted: &[String], filesystems: &[Filesystem]) -> Vec<String> {
    let mut roots: Vec<String> = Vec::new();
    for dir in dirs {
        // What is asked for and what is granted: the narrower of the two.
        for granted in granted {
            let both = if is_within(dir, granted) {
                dir
            } else if is_within(granted, dir) {
                granted
            } else {
                continue;
            };
            // Nothing crosses to another device: what is mounted below a directory is a root of its own.
            let root = if is_within(mount, both) { mount } else { both };
            if mount_of(root, filesystems) == Some(mount) && !roots.iter().any(|known| is_within(root, known)) {
                roots.retain(|known| !is_within(known, root));
                roots.push(root.to_owned());
            }
        }
    }
    roots
}

/// `*` stands for anything, also for slashes; `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => {
                // Back to the last star, which takes one more character.
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|c| *c == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::filesystem;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn patterns_of_mounts() {
        for (pattern, text, expected) in [
            ("/data", "/data", true),
            ("/data", "/data2", false),
            ("/snap/*", "/snap/core/1", true),
            ("*/cache", "/srv/a/cache", true),
            ("*/cache", "/srv/a/caches", false),
            ("/d?", "/d1", true),
            ("", "/d1", false),
            ("*a*a*a*a*b", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn directories_by_longest_mount() {
        let mounts = [filesystem("/", 1, 1), filesystem("/var", 1, 1), filesystem("/var/log/audit", 1, 1)];
        let on = |mount: &str, dirs: &[&str], granted: &[&str]| roots_on(mount, &texts(dirs), &texts(granted), &mounts);
        assert_eq!(on("/var", &["/var/log"], &["/var/log"]), ["/var/log"]);
        assert!(on("/", &["/var/log"], &["/var/log"]).is_empty());
        assert_eq!(on("/", &["/tmp", "/var/tmp"], &["/"]), ["/tmp"]);
        // Mounted below a directory of logs.
        assert_eq!(on("/var/log/audit", &["/var/log"], &["/var/log"]), ["/var/log/audit"]);
        // Granted less than is asked for, and nothing.
        assert_eq!(on("/var", &["/var/log"], &["/var/log/app", "/var/log/web"]), ["/var/log/app", "/var/log/web"]);
        assert!(on("/var", &["/var/log"], &["/srv"]).is_empty());
        // Each once.
        assert_eq!(on("/var", &["/var/log/a", "/var/log"], &["/var"]), ["/var/log"]);
        assert!(on("/var", &["/variable"], &["/variable"]).is_empty());
    }
}
