//! The file system that a root is on, and its available bytes.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ansai_core::Subject;

use crate::disk::filesystems::Filesystems;
use crate::safety::root::Root;
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

/// Bytes available to an unprivileged process; `None` if unknown.
pub(super) fn available(root: &Root) -> Option<u64> {
    crate::disk::mounts::level_of(root.fd()).ok().map(|level| level.available_bytes)
}
