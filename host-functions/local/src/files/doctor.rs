//! What actions on files need of a host.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's file system")]

use std::io::ErrorKind;

use ansai_kit::doctor::{Answer, Circumstances, Finding};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::disk::mounts;

/// Whether open files of other processes are visible.
pub(super) fn open_files(around: &Circumstances<'_>) -> Finding {
    const WHAT: &str = "open files of other processes";
    match std::fs::read_dir(around.host.path("/proc/1/fd")) {
        Ok(_) => Finding::new(WHAT, Answer::Ok, "visible"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Finding::new(WHAT, Answer::Missing, "not visible: cannot detect files in use")
                .hint("run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")
        }
        Err(error) => Finding::new(WHAT, Answer::Unknown, format!("/proc/1/fd: {error}")).hint("mount /proc"),
    }
}

/// Whether the kernel opens paths without following links.
pub(super) fn openat2(around: &Circumstances<'_>) -> Finding {
    const WHAT: &str = "openat2";
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat2(CWD, around.host.root(), flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(_) => Finding::new(WHAT, Answer::Ok, "available: paths are opened without following links"),
        Err(Errno::NOSYS) => {
            Finding::new(WHAT, Answer::Missing, "the kernel lacks openat2, or a seccomp filter hides it")
                .hint("use Linux 5.6 or later, and a container runtime that allows openat2; until then, ansai uses a slower method")
        }
        Err(Errno::PERM) => Finding::new(WHAT, Answer::Missing, "a seccomp filter blocks openat2: cannot open directories")
            .hint("use a container runtime that allows openat2"),
        Err(error) => Finding::new(WHAT, Answer::Unknown, error.to_string()).hint("see the kernel log"),
    }
}

/// Whether file leases are on. They depend on the kernel and on each file system; only the kernel's setting is visible.
pub(super) fn leases(around: &Circumstances<'_>) -> Finding {
    const WHAT: &str = "write leases";
    const SETTING: &str = "/proc/sys/fs/leases-enable";
    match std::fs::read_to_string(around.host.path(SETTING)) {
        Ok(text) if text.trim() == "1" => {
            let place = mounts::describe(around.host, around.state_dir);
            Finding::new(WHAT, Answer::Ok, format!("enabled (state directory: {place})"))
        }
        Ok(_) => Finding::new(WHAT, Answer::Missing, "fs.leases-enable is off: cannot detect files in use reliably")
            .hint("run `sysctl fs.leases-enable=1`"),
        Err(error) => Finding::new(WHAT, Answer::Unknown, format!("{SETTING}: {error}")).hint("mount /proc"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_kit::host::Host;

    use super::*;

    #[test]
    fn leases_are_as_the_kernel_says() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path());
        let around = Circumstances { host: &host, state_dir: "/var/lib/ansai".as_ref() };
        assert_eq!(leases(&around).answer, Answer::Unknown, "no /proc");
        let setting = host.path("/proc/sys/fs");
        std::fs::create_dir_all(&setting).unwrap();
        for (text, answer) in [("1\n", Answer::Ok), ("0\n", Answer::Missing)] {
            std::fs::write(setting.join("leases-enable"), text).unwrap();
            let found = leases(&around);
            assert_eq!((found.answer, found.hint.is_some()), (answer, answer == Answer::Missing), "{text:?}");
        }
    }
}
