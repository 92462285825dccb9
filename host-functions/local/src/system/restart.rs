//! Whether the machine should be restarted: something older runs than what is installed.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's files")]

use std::fs::File;
use std::io::Read as _;

use ansai_core::text::inert;
use ansai_core::{Millis, Refusal, Timestamp};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use super::procfs::read;
use ansai_kit::host::Host;

/// Packages of Debian and its relatives make it when a restart is needed, and `.pkgs` lists them, a name a line.
const REQUIRED: &str = "/run/reboot-required";
const PACKAGES: &str = "/run/reboot-required.pkgs";
/// The release of the running kernel.
const RELEASE: &str = "/proc/sys/kernel/osrelease";
/// The modules that the running kernel has loaded.
const LOADED: &str = "/proc/modules";
/// A directory of modules for each installed kernel.
const MODULES: &str = "/lib/modules";
/// The most bytes of the list of packages.
const MOST_BYTES: u64 = 64 << 10;
const MOST_PACKAGES: usize = 64;
/// The most bytes of one name.
const MOST_NAME: usize = 200;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Restart {
    needed: bool,
    since: Option<Timestamp>,
    packages: Vec<String>,
}

pub(super) fn needed(host: &Host) -> Result<Restart, Refusal> {
    if let Some(since) = required(host)? {
        return Ok(Restart { needed: true, since, packages: packages(host) });
    }
    match is_kernel_gone(host)? {
        Some(needed) => Ok(Restart { needed, since: None, packages: Vec::new() }),
        // Packages can ask for it on this host, and none did.
        None if is_there(host, "/etc/debian_version") => {
            Ok(Restart { needed: false, since: None, packages: Vec::new() })
        }
        None => Err(Refusal::Unsupported("nothing on this host says whether a restart is needed".into())),
    }
}

/// `None` if no package asked for it, else when one did first, as far as the file tells.
fn required(host: &Host) -> Result<Option<Option<Timestamp>>, Refusal> {
    let metadata = match std::fs::symlink_metadata(host.path(REQUIRED)) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Refusal::io(REQUIRED, &error)),
    };
    let written = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(Some(written.map(|since| Timestamp::EPOCH + Millis::from(since))))
}

/// The names of the list, each once; none if there is no list. The restart is needed all the same.
fn packages(host: &Host) -> Vec<String> {
    let text = list(host).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for name in text.lines().map(str::trim).filter(|name| !name.is_empty()) {
        let name = inert(name, MOST_NAME);
        if names.len() < MOST_PACKAGES && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn list(host: &Host) -> Option<String> {
    // A pipe in its place would keep the probe waiting.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(host.path(PACKAGES), flags, Mode::empty()).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether the running kernel was removed, as an upgrade does, and another one is installed. `None` where no kernel is
/// installed, as in a container, and where the running one never had modules there: a virtual machine may get its kernel
/// from outside.
fn is_kernel_gone(host: &Host) -> Result<Option<bool>, Refusal> {
    let release = read(host, RELEASE)?;
    if !read(host, LOADED).is_ok_and(|loaded| !loaded.trim().is_empty()) {
        return Ok(None);
    }
    let modules = format!("{MODULES}/{}", release.trim());
    let Ok(installed) = std::fs::read_dir(host.path(MODULES)) else { return Ok(None) };
    // Other programs make directories here, too; only a kernel's has its list of modules.
    let is_kernel = |name: &std::ffi::OsStr| host.path(MODULES).join(name).join("modules.dep").exists();
    let has_any = installed.flatten().take(1_000).any(|one| is_kernel(&one.file_name()));
    let is_plain = !release.trim().is_empty() && !release.contains('/') && !release.contains("..");
    Ok((has_any && is_plain).then(|| !is_there(host, &modules)))
}

fn is_there(host: &Host, path: &str) -> bool {
    std::fs::symlink_metadata(host.path(path)).is_ok()
}
