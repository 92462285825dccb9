//! Where the control groups of services are.
//!
//! systemd makes a directory for each service below directories of slices, in every tree that it manages. Only services
//! right below slices are listed: users can make directories of any name below what is delegated to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_core::Refusal;
use ansai_kit::host::Host;

use crate::process::directory::Directory;
use crate::process::procfs;
use crate::safety::cgroup;
use crate::safety::processes::{Unseen, processes};

/// Where systemd mounts them.
const MOUNTED: &str = "/sys/fs/cgroup";
/// The tree of version 2, if version 1 has the controllers.
const BESIDE: &str = "/sys/fs/cgroup/unified";
/// systemd's own tree of version 1, without a controller.
const SYSTEMD: &str = "/sys/fs/cgroup/systemd";
/// A file of every directory of version 2.
const OF_UNIFIED: &str = "cgroup.controllers";
/// A file of every directory of both versions.
pub(super) const PROCESSES: &str = "cgroup.procs";
/// How deep slices can be.
const MOST_SLICES: usize = 32;
/// The most services, and the most slices, that are listed.
const MOST_SERVICES: usize = 100_000;

/// The control groups of a host.
pub(super) struct Trees {
    /// Of version 2.
    pub(super) unified: Option<PathBuf>,
    /// The tree that is listed, of either version. Without one, `/proc` says in which unit each process is.
    listed: Option<PathBuf>,
    root: PathBuf,
    host: Host,
}

/// The place of a service.
pub(super) enum Place {
    /// The path below each tree: `system.slice/nginx.service`.
    Group(PathBuf),
    /// No tree can be read; these processes are in it.
    Processes(Vec<u32>),
}

impl Trees {
    /// # Errors
    /// `unavailable` if it is unknown whether there are control groups.
    pub(super) fn of(host: &Host) -> Result<Trees, Refusal> {
        let (root, beside, systemd) = (host.path(MOUNTED), host.path(BESIDE), host.path(SYSTEMD));
        let wrong = |Unseen| Refusal::Unavailable(format!("{MOUNTED} cannot be read"));
        let has = |path: &Path, file: &str| -> Result<bool, Refusal> {
            let Some(directory) = Directory::open(path).map_err(wrong)? else { return Ok(false) };
            Ok(directory.read(file).map_err(wrong)?.is_some())
        };
        let unified = match has(&root, OF_UNIFIED)? {
            true => Some(root.clone()),
            false => has(&beside, OF_UNIFIED)?.then_some(beside),
        };
        let is_whole = unified.as_ref() == Some(&root);
        let listed = match is_whole {
            true => unified.clone(),
            // What is not systemd's has no services.
            false if has(&systemd, PROCESSES)? => Some(systemd),
            false => unified.clone(),
        };
        Ok(Trees { unified, listed, root, host: host.clone() })
    }

    /// A directory of version 1: `memory`.
    pub(super) fn legacy(&self, controller: &str, place: &Path) -> Result<Option<Directory>, Unseen> {
        match self.unified.as_ref() == Some(&self.root) {
            true => Ok(None),
            false => Directory::open(&self.root.join(controller).join(place)),
        }
    }

    /// The directory with the processes of a service.
    pub(super) fn group(&self, place: &Path) -> Result<Option<Directory>, Unseen> {
        self.listed.as_ref().map_or(Ok(None), |tree| Directory::open(&tree.join(place)))
    }

    /// Its directory of version 2.
    pub(super) fn unified(&self, place: &Path) -> Result<Option<Directory>, Unseen> {
        self.unified.as_ref().map_or(Ok(None), |tree| Directory::open(&tree.join(place)))
    }

    /// One service.
    pub(super) fn find(&self, name: &str) -> Result<Option<Place>, Refusal> {
        // Most are here.
        let usual = Path::new("system.slice").join(name);
        if matches!(self.group(&usual), Ok(Some(_))) {
            return Ok(Some(Place::Group(usual)));
        }
        Ok(self.all()?.remove(name))
    }

    /// All services, by name.
    ///
    /// # Errors
    /// `unsupported` if neither control groups nor processes tell.
    pub(super) fn all(&self) -> Result<BTreeMap<String, Place>, Refusal> {
        let found = match &self.listed {
            Some(tree) => groups(tree)?,
            None => BTreeMap::new(),
        };
        if !found.is_empty() {
            return Ok(found);
        }
        let found = self.of_processes()?;
        match found.is_empty() {
            true => Err(Refusal::Unsupported("this host has no control groups of services".into())),
            false => Ok(found),
        }
    }

    /// What `/proc` says, for a container without control groups.
    fn of_processes(&self) -> Result<BTreeMap<String, Place>, Refusal> {
        let mut found = BTreeMap::<String, Vec<u32>>::new();
        for path in processes(&self.host)? {
            let pid = path.file_name().and_then(|name| name.to_str()?.parse().ok());
            let unit = Directory::open(&path).ok().flatten().and_then(|process| procfs::unit(&process));
            if let Some((pid, unit)) = pid.zip(unit.filter(|unit| super::is_listed(unit))) {
                found.entry(unit).or_default().push(pid);
            }
        }
        Ok(found.into_iter().map(|(name, pids)| (name, Place::Processes(pids))).collect())
    }
}

/// The services of a tree. A slice that disappears meanwhile has none.
fn groups(tree: &Path) -> Result<BTreeMap<String, Place>, Refusal> {
    let wrong = |Unseen| Refusal::Unavailable(format!("{MOUNTED} cannot be listed"));
    let (mut found, mut slices, mut made) = (BTreeMap::new(), vec![(PathBuf::new(), 0)], 0_usize);
    while let Some((slice, depth)) = slices.pop() {
        let Some(directory) = Directory::open(&tree.join(&slice)).map_err(wrong)? else { continue };
        for component in directory.directories().map_err(wrong)? {
            let Some(name) = cgroup::name(component.as_bytes()) else { continue };
            let place = slice.join(&component);
            if super::is_listed(name) {
                found.entry(name.to_owned()).or_insert(Place::Group(place));
            } else if name.ends_with(".slice") && depth < MOST_SLICES {
                slices.push((place, depth + 1));
                made = made.saturating_add(1);
            }
            if found.len().max(made) > MOST_SERVICES {
                return Err(Refusal::Unavailable(format!("more than {MOST_SERVICES} services run")));
            }
        }
    }
    Ok(found)
}
