//! Files that are mounted somewhere, in whatever mount namespace: containers get their configuration as a single file.
//! Nobody has such a file open, and yet it is in use.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::identity::{Inode, Stat};
use super::location::Location;
use super::names::is_within;
use super::root::Root;
use crate::detached::sweep;
use crate::disk::mounts::{self, Mount};
use ansai_kit::host::Host;

/// The most mount namespaces of one unprivileged user that are read. Their mounts keep nobody else's file.
const MOST_OF_A_USER: usize = 256;

/// What is mounted, or mounted upon, below one root.
#[derive(Debug, Default)]
pub(crate) struct Mounted {
    /// Paths below the root.
    paths: HashSet<Vec<u8>>,
}

impl Mounted {
    /// Looks at the mount namespaces of these processes. What cannot be read is left to the scan of open files, which
    /// cannot read it either.
    pub(crate) fn look(root: &Root, processes: &[PathBuf]) -> Mounted {
        let mut found = Mounted::default();
        let table = mounts::read(&Host::at("/")).unwrap_or_default();
        let Ok(here) = Location::of(root.fd(), &table) else { return found };
        let mut seen = HashSet::<Inode>::new();
        let mut users = HashMap::<u32, usize>::new();
        // Looking at the namespace of a process waits for that process.
        let namespace = |process: &PathBuf| Stat::following(&process.join("ns/mnt")).ok().map(|stat| stat.inode());
        let name = |process: &PathBuf| process.display().to_string();
        let mut namespaces = Vec::new();
        sweep(processes.to_vec(), name, namespace, &|| false, |process, namespace| {
            namespaces.extend(namespace.flatten().map(|namespace| (process.clone(), namespace)));
        });
        for (process, namespace) in &namespaces {
            if !seen.insert(*namespace) {
                continue;
            }
            if let Ok(owner) = Stat::following(process).map(|stat| stat.uid)
                && owner != 0
            {
                let count = users.entry(owner).or_default();
                *count += 1;
                if *count > MOST_OF_A_USER {
                    continue;
                }
            }
            found.take(&here, &mounts::of_process(process).unwrap_or_default());
        }
        found
    }

    /// Whether a file at this path below the root is mounted somewhere.
    pub(crate) fn has(&self, path: &[u8]) -> bool {
        self.paths.contains(path)
    }

    fn take(&mut self, here: &Location, table: &[Mount]) {
        let by_id: HashMap<u64, &Mount> = table.iter().map(|mount| (mount.id, mount)).collect();
        for mount in table {
            self.add(here, &mount.device_id, &mount.subtree);
            let on = by_id.get(&mount.parent).filter(|on| on.id != mount.id && on.device_id == here.device_id());
            let Some(on) = on else { continue };
            // Removing what something is mounted upon in another namespace ends that mount.
            let point = on.point.as_os_str().as_bytes();
            let rest = mount.point.as_os_str().as_bytes().strip_prefix(point.strip_suffix(b"/").unwrap_or(point));
            if let Some(rest) = rest {
                let subtree = on.subtree.strip_suffix(b"/").unwrap_or(&on.subtree);
                self.add(here, &on.device_id, &[subtree, rest].concat());
            }
        }
    }

    fn add(&mut self, here: &Location, device_id: &str, path: &[u8]) {
        if device_id == here.device_id() && is_within(path, here.path()) {
            let below = path.get(here.path().len() + 1..).unwrap_or_default();
            if !below.is_empty() {
                self.paths.insert(below.to_vec());
            }
        }
    }
}
