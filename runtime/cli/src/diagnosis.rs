//! What a host and a user offer. Each answer is one of three: there, missing, could not tell.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host, for `ansai doctor`")]

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use ansai_core::quantity;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use serde::Serialize;

/// What was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Ok,
    Missing,
    CouldNotTell,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    pub(crate) what: &'static str,
    pub(crate) answer: Answer,
    pub(crate) detail: String,
    pub(crate) hint: Option<String>,
    /// Without it nothing works.
    pub(crate) needed: bool,
}

impl Finding {
    fn new(what: &'static str, answer: Answer, detail: impl Into<String>) -> Finding {
        Finding { what, answer, detail: detail.into(), hint: None, needed: false }
    }

    fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }

    fn needed(mut self) -> Finding {
        self.needed = true;
        self
    }
}

/// Capabilities of the kernel that ansai can use, by their numbers (capabilities(7)).
const CAPABILITIES: &[(u32, &str, &str)] = &[
    (1, "CAP_DAC_OVERRIDE", "change files of others"),
    (2, "CAP_DAC_READ_SEARCH", "see files of others"),
    (3, "CAP_FOWNER", "keep owner and mode of what is compressed"),
    (19, "CAP_SYS_PTRACE", "see open files of other processes"),
    (28, "CAP_LEASE", "be sure that nobody has a file of others open"),
];

/// Everything.
pub(crate) fn all(state_dir: &Path) -> Vec<Finding> {
    vec![user(), processes(), engine(), state_directory(state_dir), openat2(), leases(state_dir), journal(), packages()]
}

fn user() -> Finding {
    const WHAT: &str = "privileges";
    let user = rustix::process::geteuid();
    let Some(held) = effective_capabilities() else {
        return Finding::new(WHAT, Answer::CouldNotTell, "the capabilities in /proc/self/status cannot be read")
            .hint("mount /proc");
    };
    let lacking: Vec<&(u32, &str, &str)> = CAPABILITIES.iter().filter(|one| held & (1 << one.0) == 0).collect();
    if lacking.is_empty() {
        return Finding::new(WHAT, Answer::Ok, format!("user {} with all that is of use", user.as_raw()));
    }
    let list: Vec<String> = lacking.iter().map(|(_, name, use_of)| format!("{name} (to {use_of})")).collect();
    Finding::new(WHAT, Answer::Missing, format!("user {} lacks {}", user.as_raw(), list.join(", ")))
        .hint("run as root, or give the service AmbientCapabilities=; what is not visible is reported as unknown")
}

fn effective_capabilities() -> Option<u64> {
    let status = small(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn processes() -> Finding {
    const WHAT: &str = "processes of others";
    match std::fs::read_dir("/proc/1/fd") {
        Ok(_) => Finding::new(WHAT, Answer::Ok, "their open files are visible"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Finding::new(
            WHAT,
            Answer::Missing,
            "their open files are not visible, so files in use cannot be told apart",
        )
        .hint("run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"),
        Err(error) => Finding::new(WHAT, Answer::CouldNotTell, format!("/proc/1/fd: {error}")).hint("mount /proc"),
    }
}

fn engine() -> Finding {
    const WHAT: &str = "WebAssembly engine";
    let registry = ansai_host_functions::builtin();
    match ansai_daemon::host::engine(registry, None, &crate::compiler::compiler()) {
        Ok(_) => Finding::new(WHAT, Answer::Ok, ansai_engine::engine::ENGINE_VERSION).needed(),
        Err(error) => Finding::new(WHAT, Answer::Missing, error.to_string())
            .hint("x86-64 and AArch64 are supported; memory limits (ulimit -v) may be in the way")
            .needed(),
    }
}

fn state_directory(dir: &Path) -> Finding {
    const WHAT: &str = "state directory";
    const ENOUGH: u64 = 64 << 20;
    let shown = dir.display();
    // What does not exist yet is made at the first run, if the directory above allows it.
    let existing = dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let way_out = "say --state-dir DIR with a directory that you can write";
    if let Err(error) = rustix::fs::access(existing, rustix::fs::Access::WRITE_OK) {
        let detail = format!("{shown}: {} cannot be written: {error}", existing.display());
        return Finding::new(WHAT, Answer::Missing, detail).hint(way_out).needed();
    }
    let room = match rustix::fs::statvfs(existing) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            return Finding::new(WHAT, Answer::CouldNotTell, format!("{shown}: {error}")).hint(way_out).needed();
        }
    };
    let detail = format!("{shown} on {}, {} free", file_system(existing), quantity::show_bytes(room));
    match room >= ENOUGH {
        true => Finding::new(WHAT, Answer::Ok, detail).needed(),
        false => Finding::new(WHAT, Answer::Missing, detail)
            .hint(format!("recordings and plans want {} or more", quantity::show_bytes(ENOUGH))),
    }
}

/// `ext4 at /var`, from the mount table.
fn file_system(path: &Path) -> String {
    let real = std::fs::canonicalize(path).unwrap_or(path.to_owned());
    let mounts = ansai_local::disk::mounts::read(&ansai_kit::host::Host::at("/"));
    let mounts = mounts.unwrap_or_default();
    // A later mount hides an earlier one at the same point.
    let found = mounts
        .iter()
        .filter(|mount| real.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count());
    match found {
        Some(mount) => format!("{} at {}", mount.kind, mount.point.display()),
        None => "an unknown file system".to_owned(),
    }
}

fn openat2() -> Finding {
    const WHAT: &str = "openat2";
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(_) => Finding::new(WHAT, Answer::Ok, "paths are resolved without following links"),
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            Finding::new(WHAT, Answer::Missing, "the kernel has no openat2, or a filter forbids it")
                .hint("Linux 5.6 or later, and a container runtime that allows openat2; a slower way is used")
        }
        Err(error) => Finding::new(WHAT, Answer::CouldNotTell, error.to_string()).hint("look at the kernel log"),
    }
}

/// Whether files can be leased is a matter of the kernel and of each file system; the first is visible.
fn leases(state_dir: &Path) -> Finding {
    const WHAT: &str = "write leases";
    match small(Path::new("/proc/sys/fs/leases-enable")) {
        Ok(text) if text.trim() == "1" => {
            let existing = state_dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
            Finding::new(WHAT, Answer::Ok, format!("enabled (here: {})", file_system(existing)))
        }
        Ok(_) => {
            Finding::new(WHAT, Answer::Missing, "fs.leases-enable is off, so files in use cannot be told for sure")
                .hint("sysctl fs.leases-enable=1")
        }
        Err(error) => {
            Finding::new(WHAT, Answer::CouldNotTell, format!("/proc/sys/fs/leases-enable: {error}")).hint("mount /proc")
        }
    }
}

fn journal() -> Finding {
    const WHAT: &str = "systemd journal";
    let places = ["/var/log/journal", "/run/log/journal"];
    for place in places {
        match std::fs::read_dir(place) {
            Ok(_) => return Finding::new(WHAT, Answer::Ok, place),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Finding::new(WHAT, Answer::CouldNotTell, format!("{place}: {error}"))
                    .hint("run as root, or join the group systemd-journal");
            }
        }
    }
    Finding::new(WHAT, Answer::Missing, format!("neither {} exists", places.join(" nor ")))
        .hint("nothing to do where systemd-journald does not run")
}

fn packages() -> Finding {
    const WHAT: &str = "package manager";
    let found: Vec<&str> = [("apt", "/usr/bin/apt-get"), ("dnf", "/usr/bin/dnf")]
        .into_iter()
        .filter(|(_, program)| PathBuf::from(program).exists())
        .map(|(name, _)| name)
        .collect();
    match found.is_empty() {
        false => Finding::new(WHAT, Answer::Ok, found.join(", ")),
        true => Finding::new(WHAT, Answer::Missing, "neither apt nor dnf")
            .hint("package caches of this host are not looked after"),
    }
}

fn small(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(64 << 10).read_to_string(&mut text)?;
    Ok(text)
}
