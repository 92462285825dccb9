//! What a signal would do to a process: without a handler, the kernel ends it.

use rustix::process::Signal;

use crate::process::directory::Directory;
use crate::process::procfs::line;
use crate::safety::processes::Unseen;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    /// It has a handler, or all its threads hold the signal back, as a program does that waits for it with signalfd(2).
    Handled,
    /// It would not notice.
    Ignored,
    /// It would end.
    Ends,
}

impl Disposition {
    /// `None` if the process has ended.
    pub(super) fn of(process: &Directory, signal: Signal) -> Result<Option<Disposition>, Unseen> {
        let Some(text) = process.status()? else { return Ok(None) };
        if is_in(&text, "SigCgt", signal)? {
            return Ok(Some(Disposition::Handled));
        }
        if is_in(&text, "SigIgn", signal)? {
            return Ok(Some(Disposition::Ignored));
        }
        let Some(threads) = process.below("task")? else { return Ok(None) };
        for name in threads.directories()? {
            // A thread that has ended holds nothing back, and gets nothing.
            let Some(thread) = threads.below(&name)? else { continue };
            let Some(text) = thread.status()? else { continue };
            if !is_in(&text, "SigBlk", signal)? {
                return Ok(Some(Disposition::Ends));
            }
        }
        Ok(Some(Disposition::Handled))
    }
}

/// Whether a set of signals, in hexadecimal digits, has this one.
fn is_in(status: &str, set: &str, signal: Signal) -> Result<bool, Unseen> {
    let bits = line(status, set).and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or(Unseen)?;
    let place = u32::try_from(signal.as_raw()).ok().and_then(|number| number.checked_sub(1)).ok_or(Unseen)?;
    Ok(bits.checked_shr(place).is_some_and(|rest| rest & 1 == 1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    /// A process with these sets, and one thread for each set of held signals.
    fn disposition(caught: &str, ignored: &str, held: &[&str]) -> Result<Option<Disposition>, Unseen> {
        let root = tempfile::tempdir().unwrap();
        let status = |held: &str| format!("Name:\ta\nSigBlk:\t{held}\nSigIgn:\t{ignored}\nSigCgt:\t{caught}\n");
        std::fs::write(root.path().join("status"), status("0")).unwrap();
        for (number, held) in held.iter().enumerate() {
            let thread = root.path().join(format!("task/{number}"));
            std::fs::create_dir_all(&thread).unwrap();
            std::fs::write(thread.join("status"), status(held)).unwrap();
        }
        Disposition::of(&Directory::open(root.path()).unwrap().unwrap(), Signal::HUP)
    }

    #[test]
    fn a_signal_without_a_handler_ends_the_process() {
        let none = "0000000000000000";
        let hup = "0000000000000001";
        for (caught, ignored, held, expected) in [
            (hup, none, &[none][..], Disposition::Handled),
            (none, hup, &[none], Disposition::Ignored),
            (none, none, &[hup, hup], Disposition::Handled),
            (none, none, &[hup, none], Disposition::Ends),
            ("fffffffffffffffe", none, &[none], Disposition::Ends),
            ("ffffffffffffffff", none, &[none], Disposition::Handled),
        ] {
            assert_eq!(disposition(caught, ignored, held).unwrap(), Some(expected), "{caught} {ignored} {held:?}");
        }
        for odd in ["", "x", "-1", "10000000000000000"] {
            assert!(disposition(odd, none, &[hup]).is_err(), "{odd}");
            assert!(disposition(none, none, &[odd]).is_err(), "{odd}");
        }
    }
}
