//! Where on the host a deleted file is that a process holds: the process may have mounts of its own.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::place;
use crate::disk::filesystems::Filesystems;
use crate::disk::mounts::{self, Mount};
use crate::safety::identity::Stat;
use crate::safety::names::is_within;
use crate::safety::processes::{DELETED, Handle, Unseen, link_text, unless_gone};
use ansai_kit::host::Host;

/// The mounts that a process sees, and those of the host.
pub(super) struct View<'a> {
    host: &'a Host,
    table: &'a Filesystems,
    /// The table of its mount namespace, if that is not the one of the host.
    own: Option<Vec<Mount>>,
}

impl<'a> View<'a> {
    /// Looks at the mount namespace of a process: `/proc/<pid>`.
    pub(super) fn of(host: &'a Host, table: &'a Filesystems, process: &Path) -> Result<View<'a>, Unseen> {
        let namespace = |process: &Path| unless_gone(Stat::following(&process.join("ns/mnt")).map_err(Into::into));
        let is_other = host.is_this_machine()
            && match (namespace(process)?, namespace(Path::new("/proc/self"))?) {
                (Some(its), Some(ours)) => its.inode() != ours.inode(),
                _ => false,
            };
        let own = match is_other {
            true => unless_gone(mounts::of_process(process))?,
            false => None,
        };
        Ok(View { host, table, own })
    }

    /// The path on the host, and the name of the file system, of a deleted file: by a path that is `granted`.
    pub(super) fn place(&self, handle: &Handle, granted: impl Fn(&[u8]) -> bool) -> Option<(Vec<u8>, String)> {
        let text = link_text(&handle.link)?;
        let path = text.strip_suffix(DELETED)?;
        let Some(own) = &self.own else {
            let path = self.on_host(path)?;
            let name = self.table.name(place::path(&path), &handle.stat);
            // Without a mount table, everything is on one file system.
            let name = name.or_else(|| self.table.visible().is_empty().then(|| "/".to_owned()))?;
            return granted(&path).then_some((path, name));
        };
        // Where in its file system it was, and where the host has mounted that.
        let mount = own.iter().find(|mount| mount.id == handle.stat.mount)?;
        let inside = [without_end(&mount.subtree), below(path, mount.point.as_os_str().as_bytes())?].concat();
        self.table.visible().values().filter(|ours| ours.device_id == mount.device_id).find_map(|ours| {
            let rest = below(&inside, &ours.subtree)?;
            let path = [without_end(ours.point.as_os_str().as_bytes()), rest].concat();
            granted(&path).then(|| (path, self.table.name_of(ours)))
        })
    }

    /// The path on the host, without the path of its root.
    fn on_host(&self, path: &[u8]) -> Option<Vec<u8>> {
        let root = without_end(self.host.root().as_os_str().as_encoded_bytes());
        let path = path.strip_prefix(root).unwrap_or(path);
        path.starts_with(b"/").then(|| path.to_vec())
    }
}

fn without_end(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}

/// What follows a directory in a path, with its slash.
fn below<'p>(path: &'p [u8], directory: &[u8]) -> Option<&'p [u8]> {
    let directory = without_end(directory);
    is_within(path, directory).then(|| path.get(directory.len()..)).flatten()
}
