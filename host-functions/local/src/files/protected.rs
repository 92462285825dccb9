//! Directories that no action touches: ansai's own state, and what it holds in quarantine.

use std::os::unix::ffi::OsStrExt as _;

use ansai_core::Refusal;

use super::beneath::Root;
use super::identity::{Inode, Stat};
use ansai_kit::host::Host;

/// The name of every quarantine.
pub(super) const QUARANTINE: &[u8] = b".ansai-quarantine";

/// By path and, because a path may lead there by another way, by inode.
#[derive(Debug)]
pub(super) struct Protected {
    paths: Vec<Vec<u8>>,
    inodes: Vec<Inode>,
}

impl Protected {
    pub(super) fn of(host: &Host) -> Protected {
        let paths = host.protected().iter();
        Protected {
            inodes: paths
                .clone()
                .filter_map(|path| Stat::following(&host.path(path)).ok())
                .map(|s| s.inode())
                .collect(),
            paths: paths.map(|path| path.as_os_str().as_bytes().to_vec()).collect(),
        }
    }

    /// Whether this directory, at its absolute path, is one of them.
    pub(super) fn is(&self, path: &[u8], inode: Inode) -> bool {
        path.rsplit(|byte| *byte == b'/').next() == Some(QUARANTINE)
            || self.inodes.contains(&inode)
            || self.paths.iter().any(|protected| protected == path)
    }

    /// Whether an absolute path is at or below one of them.
    pub(super) fn covers(&self, path: &[u8]) -> bool {
        path.split(|byte| *byte == b'/').any(|part| part == QUARANTINE)
            || self.paths.iter().any(|protected| {
                path.strip_prefix(protected.as_slice()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            })
    }

    /// Refuses a root that is at or below one of them.
    pub(super) fn refuse(&self, root: &Root) -> Result<(), Refusal> {
        if self.covers(&root.path) || root.chain.iter().any(|inode| self.inodes.contains(inode)) {
            return Err(Refusal::Denied(format!("{} belongs to ansai itself", root.text)));
        }
        Ok(())
    }
}
