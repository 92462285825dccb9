//! A process that holds a file open: its unit and its name for a person, its identity for a later call.

use std::path::Path;

use ansai_core::Subject;
use ansai_core::text::path_text;
use serde::{Deserialize, Serialize};

use super::cgroup;
use super::processes::{Unseen, read};
use ansai_kit::host::Host;

/// The longest boot id that counts, in bytes. The kernel's have 36.
const LONGEST_BOOT: usize = 64;

/// The record `holder` of the WIT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) about: Option<Subject>,
    pub(crate) process: String,
    pub(crate) pid: u32,
    pub(crate) identity: String,
}

/// The id of this boot; empty if the kernel does not show one. The numbers of processes begin again with every boot.
pub(crate) fn boot(host: &Host) -> String {
    let text = read(&host.path("/proc/sys/kernel/random/boot_id")).ok().flatten().unwrap_or_default();
    let id = text.trim_ascii();
    let is_id = id.len() <= LONGEST_BOOT && id.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    if is_id { path_text(id) } else { String::new() }
}

/// Looks at a process: `/proc/<pid>`; `None` if it has ended.
pub(crate) fn look(process: &Path, pid: u32, boot: &str) -> Result<Option<Holder>, Unseen> {
    let Some(stat) = read(&process.join("stat"))? else { return Ok(None) };
    let (name, started) = name_and_start(&stat).ok_or(Unseen)?;
    // A kernel without cgroups has no such file, and a process without a unit is still a holder.
    let cgroup = read(&process.join("cgroup")).ok().flatten().unwrap_or_default();
    Ok(Some(Holder {
        about: cgroup::unit(&cgroup).map(|unit| Subject::new("unit", unit)),
        process: path_text(name),
        pid,
        identity: identity(started, boot),
    }))
}

impl Holder {
    /// Whether the process is still the same one: its number may have been given to another meanwhile.
    pub(crate) fn is_still(&self, process: &Path, boot: &str) -> bool {
        let stat = read(&process.join("stat")).ok().flatten().unwrap_or_default();
        name_and_start(&stat).is_some_and(|(_, started)| identity(started, boot) == self.identity)
    }
}

fn identity(started: u64, boot: &str) -> String {
    if boot.is_empty() { started.to_string() } else { format!("{started}@{boot}") }
}

/// `812 (nginx) S 1 812 …`: the name, and when the process started, in clock ticks since boot (field 22). A process
/// chooses its name, which may have spaces, parentheses and line breaks: it ends at the last parenthesis of the text.
fn name_and_start(stat: &[u8]) -> Option<(&[u8], u64)> {
    let begin = stat.iter().position(|byte| *byte == b'(')?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let name = stat.get(begin.checked_add(1)?..end)?;
    let mut fields = stat.get(end.checked_add(1)?..)?.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    // The state is field 3.
    let started = std::str::from_utf8(fields.nth(22 - 3)?).ok()?.parse().ok()?;
    Some((name, started))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    fn stat(name: &str, started: &str) -> String {
        format!(
            "7 ({name}) S 1 7 7 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 {started} 1000 200 18446744073709551615 1\n"
        )
    }

    #[test]
    fn a_name_cannot_pass_as_a_field() {
        for name in ["nginx", "a) R 1 (", "Web Content", ")", "(", "((sd-pam))", "", "a)\n8 (b) S 1", "é🦀"] {
            let text = stat(name, "4242");
            let (found, started) = name_and_start(text.as_bytes()).unwrap();
            assert_eq!((found, started), (name.as_bytes(), 4242), "{name}");
        }
    }

    #[test]
    fn a_text_without_a_start_is_none() {
        for text in [
            String::new(),
            "7 (a".into(),
            ")(".into(),
            "7 a) S 1".into(),
            "7 (a) S 1 2 3".into(),
            stat("a", "-1"),
            stat("a", "x"),
            stat("a", "18446744073709551616"),
        ] {
            assert_eq!(name_and_start(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn this_process_is_known_and_another_start_is_another_process() {
        let host = Host::at("/");
        let boot = boot(&host);
        let process = host.path(format!("/proc/{}", std::process::id()));
        let holder = look(&process, std::process::id(), &boot).unwrap().unwrap();
        assert!(!holder.process.is_empty() && holder.is_still(&process, &boot), "{holder:?}");
        let earlier = Holder { identity: identity(1, &boot), ..holder };
        assert!(!earlier.is_still(&process, &boot));
    }

    #[test]
    fn the_boot_is_a_part_of_the_identity() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path());
        assert_eq!(boot(&host), "");
        std::fs::create_dir_all(root.path().join("proc/sys/kernel/random")).unwrap();
        let file = root.path().join("proc/sys/kernel/random/boot_id");
        for (text, expected) in [("0a1b-2c3d\n", "0a1b-2c3d"), ("a b\n", ""), ("x".repeat(65).as_str(), ""), ("", "")] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(boot(&host), expected, "{text}");
        }
        assert_eq!((identity(5, ""), identity(5, "0a1b")), ("5".to_owned(), "5@0a1b".to_owned()));
    }
}
