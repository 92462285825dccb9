//! What the kernel permits to all processes together, and how much of it is in use.

use ansai_core::Refusal;
use serde::{Deserialize, Serialize};

use super::procfs::{odd, read};
use ansai_kit::host::Host;

const FILE_NR: &str = "/proc/sys/fs/file-nr";
const LOADAVG: &str = "/proc/loadavg";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InUse {
    used: u64,
    limit: u64,
}

/// Open files, and `fs.file-max`.
pub(super) fn open_files(host: &Host) -> Result<InUse, Refusal> {
    let text = read(host, FILE_NR)?;
    file_nr(&text).ok_or_else(|| odd(FILE_NR, &text))
}

/// Three numbers: allocated, free (always 0 since Linux 2.6), and the limit.
fn file_nr(text: &str) -> Option<InUse> {
    let mut numbers = text.split_ascii_whitespace().map(|one| one.parse::<u64>().ok());
    let (allocated, free, limit) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (limit > 0).then(|| InUse { used: allocated.saturating_sub(free), limit })
}

/// Threads. The next one needs a number below `kernel.pid_max`, and must not exceed `kernel.threads-max`.
pub(super) fn threads(host: &Host) -> Result<InUse, Refusal> {
    let text = read(host, LOADAVG)?;
    let used = existing(&text).ok_or_else(|| odd(LOADAVG, &text))?;
    let limit = |file: &str| {
        let text = read(host, file)?;
        text.trim().parse::<u64>().ok().filter(|limit| *limit > 0).ok_or_else(|| odd(file, &text))
    };
    let limit = limit("/proc/sys/kernel/threads-max")?.min(limit("/proc/sys/kernel/pid_max")?);
    Ok(InUse { used, limit })
}

/// The second number of `2/116`: all that can be scheduled.
fn existing(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_those_that_are_not_free() {
        assert_eq!(file_nr("1504\t4\t9223372036854775807\n"), Some(InUse { used: 1_500, limit: i64::MAX as u64 }));
        for text in ["", "1 2", "1 2 0", "1 2 -3", "1 x 3", "99999999999999999999999 0 5"] {
            assert_eq!(file_nr(text), None, "{text}");
        }
    }

    #[test]
    fn threads_are_the_second_number() {
        assert_eq!(existing("2.09 2.07 2.54 4/116 6678\n"), Some(116));
        for text in ["", "1 2 3", "1 2 3 4", "1 2 3 4/x", "1 2 3 4/-1"] {
            assert_eq!(existing(text), None, "{text}");
        }
    }
}
