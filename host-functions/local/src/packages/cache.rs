//! Where package managers keep downloaded packages, and what their own command would remove there.

use std::collections::HashSet;
use std::ops::ControlFlow;

use ansai_core::text::{inert, path_text};
use ansai_core::{Refusal, Subject};
use rustix::fd::AsFd as _;
use rustix::fs::{AtFlags, CWD, StatxFlags};
use rustix::io::Errno;

use crate::disk::ways::answering_through_links;
use crate::safety::entry;
use crate::safety::identity::{Inode, Stat};
use crate::safety::root::Root;
use ansai_kit::host::Host;

/// Beyond these numbers the survey is incomplete.
const MOST_FILES: usize = 500_000;
const MOST_DIRECTORIES: usize = 1_000;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    Apt,
    Dnf,
}

impl Manager {
    /// Its name in the WIT and in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Manager::Apt => "apt",
            Manager::Dnf => "dnf",
        }
    }

    /// The manager of this name.
    ///
    /// # Errors
    /// `unsupported` for every other text.
    pub(super) fn named(name: &str) -> Result<Manager, Refusal> {
        let known = [Manager::Apt, Manager::Dnf].into_iter().find(|manager| manager.name() == name);
        known.ok_or_else(|| {
            let name = inert(name, 40);
            Refusal::Unsupported(format!("ansai does not know the package manager `{name}`, only `apt` and `dnf`"))
        })
    }
}

const APT_CACHE: &str = "/var/cache/apt/archives";
const DNF4_CACHE: &str = "/var/cache/dnf";
const DNF5_CACHE: &str = "/var/cache/libdnf5";

/// The package managers that the host has.
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
    };
    candidates.iter().find(|path| exists(host, path)).copied()
}

/// The directory of its cache by default. apt and dnf 4 are told the same.
pub(super) fn path(host: &Host, manager: Manager) -> &'static str {
    match manager {
        Manager::Dnf if is_dnf5(host) => DNF5_CACHE,
        Manager::Dnf => DNF4_CACHE,
        Manager::Apt => APT_CACHE,
    }
}

/// The cache, in the answer of the probe and in the preview of a step on it.
pub(super) fn subject(host: &Host, manager: Manager) -> Subject {
    Subject::new("package-cache", path(host, manager))
}

/// Whether the host's dnf is version 5: `dnf` is a link to it if it is the default.
pub(super) fn is_dnf5(host: &Host) -> bool {
    match rustix::fs::readlinkat(CWD, host.path("/usr/bin/dnf"), Vec::new()) {
        Ok(target) => target.to_bytes().ends_with(b"dnf5"),
        Err(_) => !exists(host, "/usr/bin/dnf") && (exists(host, "/usr/bin/dnf5") || exists(host, DNF5_CACHE)),
    }
}

fn exists(host: &Host, path: &str) -> bool {
    rustix::fs::statx(CWD, host.path(path), AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, StatxFlags::TYPE).is_ok()
}

/// A file that the manager's command would remove.
pub(super) struct CachedFile {
    /// Below the cache's directory.
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
    /// Whether it is a package by its name. apt also removes other files there.
    pub(super) is_package: bool,
}

/// What was seen besides the files.
pub(super) struct Survey {
    /// Directories and files that could not be read, and what is not a regular file.
    pub(super) skipped: u32,
    /// Whether no limit, of numbers or of time, ended it early.
    pub(super) complete: bool,
    /// The cache's directory, open; `None` if it does not exist.
    pub(super) root: Option<Root>,
}

/// Shows `visit` each file of the cache once, until `is_over` says so.
pub(super) fn survey(
    host: &Host,
    manager: Manager,
    is_over: &dyn Fn() -> bool,
    visit: &mut dyn FnMut(CachedFile),
) -> Result<Survey, Refusal> {
    let path = path(host, manager);
    let wrong = |error: Errno| Refusal::io(path, &error.into());
    answering_through_links(host, path.as_ref())?;
    let root = match Root::following(host, path) {
        Ok(root) => root,
        Err(Errno::NOENT) => return Ok(Survey { skipped: 0, complete: true, root: None }),
        Err(error) => return Err(wrong(error)),
    };
    let mut walk = Walk { root: &root, is_over, visit, seen: HashSet::new(), skipped: 0, complete: true };
    match manager {
        Manager::Apt => walk.apt(),
        Manager::Dnf => walk.dnf(),
    }
    .map_err(wrong)?;
    let Walk { skipped, complete, .. } = walk;
    Ok(Survey { skipped, complete, root: Some(root) })
}

struct Walk<'a> {
    root: &'a Root,
    is_over: &'a dyn Fn() -> bool,
    visit: &'a mut dyn FnMut(CachedFile),
    seen: HashSet<Inode>,
    skipped: u32,
    complete: bool,
}

impl Walk<'_> {
    /// `apt-get clean`: every file in the directory and in `partial`, except the lock.
    fn apt(&mut self) -> rustix::io::Result<()> {
        let takes = |name: &[u8]| !matches!(name, b"lock" | b"partial" | b"auxfiles" | b"lost+found");
        self.files(b"", b".deb", &takes)?;
        self.below(b"partial", b".deb", &takes);
        Ok(())
    }

    /// `dnf clean packages`: packages in the directory `packages` of each repository.
    fn dnf(&mut self) -> rustix::io::Result<()> {
        let mut repositories: Vec<Vec<u8>> = Vec::new();
        entry::each(self.root.fd(), &mut |name| {
            if repositories.len() == MOST_DIRECTORIES {
                self.complete = false;
                return ControlFlow::Break(());
            }
            repositories.push(name.to_bytes().to_vec());
            ControlFlow::Continue(())
        })?;
        let takes = |name: &[u8]| name.ends_with(b"rpm");
        for repository in repositories {
            self.below(&[&*repository, b"packages"].join(&b'/'), b"rpm", &takes);
        }
        Ok(())
    }

    fn below(&mut self, path: &[u8], suffix: &[u8], takes: &dyn Fn(&[u8]) -> bool) {
        match self.files(path, suffix, takes) {
            // Metadata files are beside the directories of repositories.
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(_) => self.skipped = self.skipped.saturating_add(1),
        }
    }

    fn files(&mut self, path: &[u8], suffix: &[u8], takes: &dyn Fn(&[u8]) -> bool) -> rustix::io::Result<()> {
        let directory = self.root.directory(path)?;
        entry::each(directory.as_fd(), &mut |name| {
            let bytes = name.to_bytes();
            if !takes(bytes) {
                return ControlFlow::Continue(());
            }
            if self.seen.len() == MOST_FILES || (self.is_over)() {
                self.complete = false;
                return ControlFlow::Break(());
            }
            match self.root.look(directory.as_fd(), name) {
                Ok(stat) if stat.is_file() => {
                    if self.seen.insert(stat.inode()) {
                        let path = if path.is_empty() { bytes.to_vec() } else { [path, bytes].join(&b'/') };
                        (self.visit)(CachedFile { path, stat, is_package: bytes.ends_with(suffix) });
                    }
                }
                // The command removes no directories.
                Ok(stat) if stat.is_directory() => {}
                Err(Errno::NOENT) => {}
                Ok(_) | Err(_) => self.skipped = self.skipped.saturating_add(1),
            }
            ControlFlow::Continue(())
        })
    }
}

/// A file of the cache as text.
pub(super) fn shown(host: &Host, manager: Manager, below: &[u8]) -> String {
    format!("{}/{}", path(host, manager), path_text(below))
}
