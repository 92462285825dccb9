//! One process in the host's `/proc` (proc(5)).

use ansai_core::{Millis, Timestamp};
use ansai_kit::host::Host;

use super::directory::Directory;
use super::wire::ProcessState;
use crate::safety::cgroup;
use crate::safety::processes::Unseen;

/// The unit of times in `/proc`, on every architecture of Linux: 100 a second, in milliseconds.
const TICK: u64 = 10;
/// A thread of the kernel (`PF_KTHREAD`).
const OF_KERNEL: u64 = 0x0020_0000;

/// What `stat` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: Vec<u8>,
    pub(super) state: ProcessState,
    pub(super) is_of_kernel: bool,
    pub(super) cpu: Millis,
    pub(super) threads: u32,
    /// In ticks since the boot.
    pub(super) started: u64,
}

/// What `status` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// With whose rights it runs.
    pub(super) user: u32,
    /// A zombie has no memory, and none of these lines.
    pub(super) resident: u64,
    pub(super) anonymous: u64,
    pub(super) swapped: u64,
}

/// The directory of a process; `None` if there is none.
pub(super) fn open(host: &Host, pid: u32) -> Result<Option<Directory>, Unseen> {
    Directory::open(&host.path(format!("/proc/{pid}")))
}

impl Stat {
    pub(super) fn of(process: &Directory) -> Result<Option<Stat>, Unseen> {
        process.read_bytes("stat")?.map(|text| Stat::read(&text).ok_or(Unseen)).transpose()
    }

    /// `812 (nginx) S 1 812 …`. A process chooses its name, which may have spaces, parentheses and line breaks: it ends at
    /// the last parenthesis of the text.
    fn read(text: &[u8]) -> Option<Stat> {
        let begin = text.iter().position(|byte| *byte == b'(')?;
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let name = text.get(begin.checked_add(1)?..end)?.to_vec();
        let rest = std::str::from_utf8(text.get(end.checked_add(1)?..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The state is field 3.
        let number = |field: usize| fields.get(field.checked_sub(3)?)?.parse::<u64>().ok();
        Some(Stat {
            name,
            state: state(fields.first()?),
            is_of_kernel: number(9)? & OF_KERNEL != 0,
            cpu: Millis::new(number(14)?.checked_add(number(15)?)?.checked_mul(TICK)?),
            threads: u32::try_from(number(20)?).ok()?,
            started: number(22)?,
        })
    }
}

fn state(letter: &str) -> ProcessState {
    match letter {
        "R" => ProcessState::Running,
        "S" | "I" => ProcessState::Sleeping,
        "D" => ProcessState::Blocked,
        "T" | "t" => ProcessState::Stopped,
        "Z" | "X" | "x" => ProcessState::Zombie,
        _ => ProcessState::Other,
    }
}

/// The value of a line of `status`: `Uid: 0 0 0 0`. The kernel escapes line breaks in the name.
pub(super) fn line<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

impl Status {
    pub(super) fn of(process: &Directory) -> Result<Option<Status>, Unseen> {
        process.status()?.map(|text| Status::read(&text).ok_or(Unseen)).transpose()
    }

    fn read(text: &str) -> Option<Status> {
        // A line that is there has to be as documented.
        let bytes = |name: &str| match line(text, name) {
            None => Some(0),
            Some(value) => value.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024),
        };
        Some(Status {
            user: line(text, "Uid")?.split_ascii_whitespace().nth(1)?.parse().ok()?,
            resident: bytes("VmRSS")?,
            // Before Linux 4.5 all of it, files too: nothing tells them apart there.
            anonymous: if line(text, "RssAnon").is_some() { bytes("RssAnon")? } else { bytes("VmRSS")? },
            swapped: bytes("VmSwap")?,
        })
    }
}

/// The service or scope in which it runs.
pub(super) fn unit(process: &Directory) -> Option<String> {
    // A kernel without control groups has no such file.
    let text = process.read_bytes("cgroup").ok().flatten().unwrap_or_default();
    cgroup::unit(&text)
}

/// When the machine was booted, by its clock of now.
pub(super) fn booted(host: &Host) -> Option<Timestamp> {
    let text = Directory::open(&host.path("/proc")).ok()??.read("stat").ok()??;
    let seconds: u64 = text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    seconds.checked_mul(1_000).map(Timestamp::from_millis)
}

/// The instant of so many ticks after the boot.
pub(super) fn instant(booted: Timestamp, ticks: u64) -> Option<Timestamp> {
    let after = ticks.checked_mul(TICK)?;
    booted.as_millis().checked_add(after).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn stat(name: &str, flags: &str, started: &str) -> String {
        format!("7 ({name}) S 1 7 7 0 -1 {flags} 1 0 0 0 150 50 0 0 20 0 3 0 {started} 1000 200 18446744073709551615\n")
    }

    #[test]
    fn a_name_cannot_pass_as_a_field() {
        for name in ["nginx", "a) R 1 (", "Web Content", ")", "(", "", "a)\n8 (b) Z 1 2 3", "é🦀"] {
            let read = Stat::read(stat(name, "4194560", "4242").as_bytes()).unwrap();
            assert_eq!((read.name.as_slice(), read.started, read.threads), (name.as_bytes(), 4242, 3), "{name}");
            assert_eq!((read.state, read.cpu), (ProcessState::Sleeping, Millis::new(2_000)), "{name}");
        }
        assert!(Stat::read(stat("kthreadd", "2129984", "0").as_bytes()).unwrap().is_of_kernel);
    }

    #[test]
    fn odd_texts_are_refused() {
        for text in [
            String::new(),
            "7 (a".into(),
            ")(".into(),
            "7 (a) S 1 2 3".into(),
            stat("a", "x", "1"),
            stat("a", "0", "-1"),
            stat("a", "0", "18446744073709551616"),
            stat("a", "0", "1").replace("150", "18446744073709551615"),
        ] {
            assert_eq!(Stat::read(text.as_bytes()), None, "{text}");
        }
        let good = "Name:\ta\\nUid:\t9\nUid:\t0\t33\t0\t0\nVmRSS:\t  100 kB\nRssAnon:\t 60 kB\nVmSwap:\t 1 kB\n";
        let read = Status::read(good).unwrap();
        assert_eq!(read, Status { user: 33, resident: 102_400, anonymous: 61_440, swapped: 1_024 });
        assert_eq!(Status::read("Uid:\t0\t0\t0\t0\n").unwrap(), Status::default(), "a zombie");
        for text in [
            "",
            "Uid:\t0\n",
            "Uid:\t0\t-1\n",
            "Uid:\t0\t0\nVmRSS:\t5 MB\n",
            "Uid:\t0\t0\nVmSwap:\t99999999999999999999 kB\n",
        ] {
            assert_eq!(Status::read(text), None, "{text}");
        }
        assert_eq!(instant(Timestamp::from_millis(1_000), 5), Some(Timestamp::from_millis(1_050)));
        assert_eq!(instant(Timestamp::from_millis(1_000), u64::MAX), None);
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer_or_none(text in "([0-9]{1,20}|[() \n\t:]|Uid:|VmRSS:|kB|\\PC){0,60}") {
            let _ = (Stat::read(text.as_bytes()), Status::read(&text));
        }
    }
}
