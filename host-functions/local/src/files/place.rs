//! The file system that a root is on, and its available bytes.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use ansai_core::Subject;

use crate::disk::filesystems::Filesystems;
use crate::disk::mounts;
use crate::safety::extents;
use crate::safety::root::{self, Root};
use ansai_kit::action::Item;
use ansai_kit::host::Host;

/// A path from its bytes; empty is `/`.
pub(super) fn path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(if bytes.is_empty() { b"/" } else { bytes }))
}

/// The file systems; none if the mount table cannot be read.
pub(super) fn table(host: &Host) -> Filesystems {
    Filesystems::read(host).unwrap_or_default()
}

/// The name of the file system that a root is on, as `list-filesystems` has it; `/` if it is unknown.
pub(super) fn mount(table: &Filesystems, root: &Root) -> String {
    table.name(path(&root.path), &root.stat).unwrap_or_else(|| "/".into())
}

/// The subject of a step on files below this root: their file system.
pub(super) fn subject(host: &Host, root: &Root) -> Subject {
    Subject::new("filesystem", mount(&table(host), root))
}

/// Says where a granted directory leads if it is behind a symbolic link: then the grant permits nothing.
pub fn behind_link(host: &Host, directory: &str) -> Option<String> {
    let (link, target) = root::link(host, &root::absolute(directory)?)?;
    let through = if link == directory { String::new() } else { format!("{directory} leads through a link: ") };
    Some(format!("{through}{link} is a symbolic link to {target}"))
}

/// Bytes available to an unprivileged process; `None` if unknown.
pub(super) fn available(root: &Root) -> Option<u64> {
    mounts::level_of(root.fd()).ok().map(|level| level.available_bytes)
}

/// How long a file system may take to free what was removed: so many looks, with this pause between them.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// The same after a step. Where extents can be shared, the file system frees them later: with its next transaction, or
/// in the background.
pub(super) fn available_after(root: &Root, before: Option<u64>, items: &[Item]) -> Option<u64> {
    let (Some(before), true) = (before, extents::can_be_shared(root.fd())) else { return available(root) };
    let expected = items.iter().fold(before, |sum, item| sum.saturating_add(item.freed_bytes));
    for _ in 0..LOOKS {
        let _ = rustix::fs::syncfs(root.fd());
        if available(root).is_none_or(|now| now >= expected) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    available(root)
}
