//! Where package managers keep what they downloaded, and what their own command would remove there.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::io;
use std::ops::ControlFlow;

use ansai_core::Refusal;
use ansai_core::text::path_text;
use rustix::fs::{AtFlags, CWD, StatxFlags};
use serde::{Deserialize, Serialize};

use crate::journal::directory::{Directory, FileState};
use ansai_kit::host::Host;

/// Beyond this the rest is not counted.
const MOST_FILES: usize = 500_000;
const MOST_DIRECTORIES: usize = 1_000;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Manager {
    Apt,
    Dnf,
    Other,
}

impl Manager {
    /// As a person knows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Manager::Apt => "apt",
            Manager::Dnf => "dnf",
            Manager::Other => "other supported package manager",
        }
    }
}

const APT_CACHE: &str = "/var/cache/apt/archives";
const DNF4_CACHE: &str = "/var/cache/dnf";
const DNF5_CACHE: &str = "/var/cache/libdnf5";

/// Those that the host has.
pub(super) fn managers(host: &Host) -> Vec<Manager> {
    let has = |paths: &[&str]| paths.iter().any(|path| exists(host, path));
    let mut found = Vec::new();
    if has(&["/usr/bin/apt-get", "/var/lib/dpkg"]) {
        found.push(Manager::Apt);
    }
    if has(&["/usr/bin/dnf", "/usr/bin/dnf5", DNF4_CACHE, DNF5_CACHE]) {
        found.push(Manager::Dnf);
    }
    found
}

/// The manager's own program.
pub(super) fn program(host: &Host, manager: Manager) -> Option<&'static str> {
    let candidates: &[&'static str] = match manager {
        Manager::Apt => &["/usr/bin/apt-get"],
        Manager::Dnf => &["/usr/bin/dnf", "/usr/bin/dnf5"],
        Manager::Other => &[],
    };
    candidates.iter().find(|path| exists(host, path)).copied()
}

/// The directory of its cache, as its defaults have it. The command is told the same.
pub(super) fn path(host: &Host, manager: Manager) -> &'static str {
    match manager {
        Manager::Dnf if is_dnf5(host) => DNF5_CACHE,
        Manager::Dnf => DNF4_CACHE,
        Manager::Apt | Manager::Other => APT_CACHE,
    }
}

/// `dnf` is a link to version 5 where that is the default.
pub(super) fn is_dnf5(host: &Host) -> bool {
    match rustix::fs::readlinkat(CWD, host.path("/usr/bin/dnf"), Vec::new()) {
        Ok(target) => target.to_bytes().ends_with(b"dnf5"),
        Err(_) => !exists(host, "/usr/bin/dnf") && (exists(host, "/usr/bin/dnf5") || exists(host, DNF5_CACHE)),
    }
}

fn exists(host: &Host, path: &str) -> bool {
    rustix::fs::statx(CWD, host.path(path), AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).is_ok()
}

/// A file that the manager's command would remove.
pub(super) struct CachedFile {
    /// On the host, as text.
    pub(super) path: String,
    pub(super) state: FileState,
    /// Whether it is a package by its name. apt also removes what else lies there.
    pub(super) is_package: bool,
}

/// What was seen besides the files.
pub(super) struct Survey {
    /// Directories and files that could not be looked at.
    pub(super) skipped: u32,
    pub(super) complete: bool,
    /// The cache's file system, `8:1`; `None` where there is no cache.
    pub(super) device: Option<String>,
}

/// Shows `visit` each file of the cache once, until told that time is over.
pub(super) fn survey(
    host: &Host,
    manager: Manager,
    is_over: &dyn Fn() -> bool,
    visit: &mut dyn FnMut(CachedFile),
) -> Result<Survey, Refusal> {
    let path = path(host, manager);
    let mut walk = Walk { is_over, visit, seen: HashSet::new(), skipped: 0, complete: true };
    let root = match Directory::open(host, path) {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Survey { skipped: 0, complete: true, device: None });
        }
        Err(error) => return Err(Refusal::io(path, &error)),
    };
    let listed = match manager {
        Manager::Apt | Manager::Other => walk.apt(&root, path),
        Manager::Dnf => walk.dnf(&root, path),
    };
    listed.map_err(|error| Refusal::io(path, &error))?;
    let Walk { skipped, complete, .. } = walk;
    Ok(Survey { skipped, complete, device: Some(root.device().to_owned()) })
}

struct Walk<'a> {
    is_over: &'a dyn Fn() -> bool,
    visit: &'a mut dyn FnMut(CachedFile),
    seen: HashSet<u64>,
    skipped: u32,
    complete: bool,
}

impl Walk<'_> {
    /// `apt-get clean`: every file in the directory and in `partial`, except its lock.
    fn apt(&mut self, root: &Directory, path: &str) -> io::Result<()> {
        let takes = |name: &[u8]| !matches!(name, b"lock" | b"partial" | b"auxfiles" | b"lost+found");
        self.files(root, path, b".deb", &takes)?;
        self.below(root, c"partial", path, b".deb", &takes);
        Ok(())
    }

    /// `dnf clean packages`: packages in the directory `packages` of each repository.
    fn dnf(&mut self, root: &Directory, path: &str) -> io::Result<()> {
        let mut repositories: Vec<CString> = Vec::new();
        root.each(&mut |name| {
            if repositories.len() == MOST_DIRECTORIES {
                self.complete = false;
                return ControlFlow::Break(());
            }
            repositories.push(name.to_owned());
            ControlFlow::Continue(())
        })?;
        let takes = |name: &[u8]| name.ends_with(b"rpm");
        for repository in repositories {
            // Metadata files lie there too.
            if let Ok(directory) = root.child(&repository) {
                let path = format!("{path}/{}", path_text(repository.to_bytes()));
                self.below(&directory, c"packages", &path, b"rpm", &takes);
            }
        }
        Ok(())
    }

    fn below(&mut self, parent: &Directory, name: &CStr, path: &str, suffix: &[u8], takes: &dyn Fn(&[u8]) -> bool) {
        let path = format!("{path}/{}", path_text(name.to_bytes()));
        match parent.child(name).and_then(|directory| self.files(&directory, &path, suffix, takes)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => self.skipped = self.skipped.saturating_add(1),
        }
    }

    fn files(
        &mut self,
        directory: &Directory,
        path: &str,
        suffix: &[u8],
        takes: &dyn Fn(&[u8]) -> bool,
    ) -> io::Result<()> {
        directory.each(&mut |name| {
            let bytes = name.to_bytes();
            if !takes(bytes) {
                return ControlFlow::Continue(());
            }
            if self.seen.len() == MOST_FILES || (self.is_over)() {
                self.complete = false;
                return ControlFlow::Break(());
            }
            match directory.file(name) {
                Ok(Some(state)) => {
                    if self.seen.insert(state.identity.inode) {
                        let is_package = bytes.ends_with(suffix);
                        (self.visit)(CachedFile { path: format!("{path}/{}", path_text(bytes)), state, is_package });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(None) | Err(_) => self.skipped = self.skipped.saturating_add(1),
            }
            ControlFlow::Continue(())
        })
    }
}
