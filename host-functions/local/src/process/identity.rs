//! What recognizes a process: its number, when it started, and the boot. Numbers of processes are used again.

use std::fmt;

use ansai_core::Refusal;
use ansai_core::text::inert;

/// The longest boot id that counts, in bytes. The kernel's have 36.
const LONGEST_BOOT: usize = 64;

/// A process: `812.4242@0a1b-…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) pid: u32,
    /// In ticks since the boot.
    pub(super) started: u64,
    /// Empty if the kernel does not tell.
    pub(super) boot: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}.{}@{}", self.pid, self.started, self.boot)
    }
}

impl Identity {
    /// Reads what a policy passes. Only the spelling of the probe is valid.
    ///
    /// # Errors
    /// `invalid`.
    pub(super) fn read(text: &str) -> Result<Identity, Refusal> {
        let found = Identity::parse(text).filter(|found| found.to_string() == text);
        found.ok_or_else(|| {
            Refusal::Invalid(format!("`process` is not an identity of process-probe: `{}`", inert(text, 80)))
        })
    }

    fn parse(text: &str) -> Option<Identity> {
        let (pid, rest) = text.split_once('.')?;
        let (started, boot) = rest.split_once('@')?;
        let is_boot =
            boot.len() <= LONGEST_BOOT && boot.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let pid: u32 = pid.parse().ok()?;
        (is_boot && pid > 0).then_some(Identity { pid, started: started.parse().ok()?, boot: boot.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_the_spelling_of_the_probe_is_valid() {
        for good in ["812.4242@0a1b-2c3d", "1.0@", "4294967295.18446744073709551615@x"] {
            assert_eq!(Identity::read(good).unwrap().to_string(), good);
        }
        let long = format!("1.1@{}", "a".repeat(LONGEST_BOOT + 1));
        for bad in [
            "",
            "812",
            "812.1",
            "0.1@a",
            "-1.1@a",
            "+1.1@a",
            "01.1@a",
            "1.01@a",
            "1.1@a b",
            "1.1@a@b",
            " 1.1@a",
            "1.1@a\n",
            "4294967296.1@a",
            "1.18446744073709551616@a",
            "1.1@\u{1b}[2J",
            "1.1@é",
            &long,
        ] {
            let refused = Identity::read(bad).unwrap_err();
            assert!(matches!(refused, Refusal::Invalid(_)), "{bad:?}");
            assert!(!refused.to_string().contains(['\u{1b}', '\n']), "{refused}");
        }
    }
}
