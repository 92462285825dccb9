//! The checks of `ansai doctor`. Each gives one of three answers: ok, missing, unknown.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host, for `ansai doctor`")]

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use ansai_core::quantity;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use serde::Serialize;

/// The answer of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Ok,
    Missing,
    Unknown,
}

/// The result of a check.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    pub(crate) what: &'static str,
    pub(crate) answer: Answer,
    pub(crate) detail: String,
    pub(crate) hint: Option<String>,
    /// ansai does not work without it.
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

/// Linux capabilities that ansai uses, by number (capabilities(7)).
const CAPABILITIES: &[(u32, &str, &str)] = &[
    (1, "CAP_DAC_OVERRIDE", "change files of other users"),
    (2, "CAP_DAC_READ_SEARCH", "read files of other users"),
    (3, "CAP_FOWNER", "keep owner and mode of compressed files"),
    (19, "CAP_SYS_PTRACE", "see open files of other processes"),
    (28, "CAP_LEASE", "detect open files of other users reliably"),
];

/// All checks.
pub(crate) fn all(state_dir: &Path) -> Vec<Finding> {
    vec![user(), processes(), engine(), state_directory(state_dir), openat2(), leases(state_dir), journal(), packages()]
}

fn user() -> Finding {
    const WHAT: &str = "privileges";
    let user = rustix::process::geteuid();
    let Some(held) = effective_capabilities() else {
        return Finding::new(WHAT, Answer::Unknown, "cannot read the capabilities in /proc/self/status")
            .hint("mount /proc");
    };
    let lacking: Vec<&(u32, &str, &str)> = CAPABILITIES.iter().filter(|one| held & (1 << one.0) == 0).collect();
    if lacking.is_empty() {
        return Finding::new(WHAT, Answer::Ok, format!("{}, all capabilities present", name(user)));
    }
    let list: Vec<String> = lacking.iter().map(|(_, name, use_of)| format!("{name} (to {use_of})")).collect();
    Finding::new(WHAT, Answer::Missing, format!("{} lacks {}", name(user), list.join(", ")))
        .hint("run as root, or set AmbientCapabilities= in the service; until then, what is not visible is reported as unknown")
}

fn name(user: rustix::process::Uid) -> String {
    if user.is_root() { "root".to_owned() } else { format!("user {}", user.as_raw()) }
}

fn effective_capabilities() -> Option<u64> {
    let status = small(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn processes() -> Finding {
    const WHAT: &str = "open files of other processes";
    match std::fs::read_dir("/proc/1/fd") {
        Ok(_) => Finding::new(WHAT, Answer::Ok, "visible"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Finding::new(WHAT, Answer::Missing, "not visible: cannot detect files in use")
                .hint("run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")
        }
        Err(error) => Finding::new(WHAT, Answer::Unknown, format!("/proc/1/fd: {error}")).hint("mount /proc"),
    }
}

fn engine() -> Finding {
    const WHAT: &str = "WebAssembly engine";
    let registry = ansai_host_functions::builtin();
    match ansai_daemon::host::engine(registry, None, &crate::compiler::compiler()) {
        Ok(_) => Finding::new(WHAT, Answer::Ok, ansai_engine::engine::ENGINE_VERSION).needed(),
        Err(error) => Finding::new(WHAT, Answer::Missing, error.to_string())
            .hint("ansai supports x86-64 and AArch64; a memory limit (ulimit -v) may be too low")
            .needed(),
    }
}

fn state_directory(dir: &Path) -> Finding {
    const WHAT: &str = "state directory";
    const ENOUGH: u64 = 64 << 20;
    let shown = dir.display();
    // A missing directory is made at the first run, if its parent allows it.
    let existing = dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let way_out = "pass --state-dir DIR with a directory that you can write";
    if let Err(error) = rustix::fs::access(existing, rustix::fs::Access::WRITE_OK) {
        let detail = format!("{shown}: cannot write to {}: {error}", existing.display());
        return Finding::new(WHAT, Answer::Missing, detail).hint(way_out).needed();
    }
    let room = match rustix::fs::statvfs(existing) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            return Finding::new(WHAT, Answer::Unknown, format!("{shown}: {error}")).hint(way_out).needed();
        }
    };
    let detail = format!("{shown} on {}, {} free", file_system(existing), quantity::show_bytes(room));
    match room >= ENOUGH {
        true => Finding::new(WHAT, Answer::Ok, detail).needed(),
        false => Finding::new(WHAT, Answer::Missing, detail)
            .hint(format!("free space: recordings and plans need at least {}", quantity::show_bytes(ENOUGH))),
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
        None => "unknown file system".to_owned(),
    }
}

fn openat2() -> Finding {
    const WHAT: &str = "openat2";
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(_) => Finding::new(WHAT, Answer::Ok, "available: paths are opened without following links"),
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            Finding::new(WHAT, Answer::Missing, "the kernel lacks openat2, or a seccomp filter blocks it")
                .hint("use Linux 5.6 or later, and a container runtime that allows openat2; until then, ansai uses a slower method")
        }
        Err(error) => Finding::new(WHAT, Answer::Unknown, error.to_string()).hint("see the kernel log"),
    }
}

/// File leases depend on the kernel and on each file system; only the kernel's setting is visible.
fn leases(state_dir: &Path) -> Finding {
    const WHAT: &str = "write leases";
    match small(Path::new("/proc/sys/fs/leases-enable")) {
        Ok(text) if text.trim() == "1" => {
            let existing = state_dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
            Finding::new(WHAT, Answer::Ok, format!("enabled (state directory: {})", file_system(existing)))
        }
        Ok(_) => Finding::new(WHAT, Answer::Missing, "fs.leases-enable is off: cannot detect files in use reliably")
            .hint("run `sysctl fs.leases-enable=1`"),
        Err(error) => {
            Finding::new(WHAT, Answer::Unknown, format!("/proc/sys/fs/leases-enable: {error}")).hint("mount /proc")
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
                return Finding::new(WHAT, Answer::Unknown, format!("{place}: {error}"))
                    .hint("run as root, or join the group systemd-journal");
            }
        }
    }
    Finding::new(WHAT, Answer::Missing, format!("neither {} exists", places.join(" nor ")))
        .hint("no action needed if systemd-journald does not run")
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
            .hint("ansai cannot clean the package caches of this host"),
    }
}

fn small(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(64 << 10).read_to_string(&mut text)?;
    Ok(text)
}
