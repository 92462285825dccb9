//! The file system that a path is on, and its available bytes.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ansai_core::Subject;
use ansai_core::text::path_text;

use crate::disk::mounts::{self, Mount};
use crate::safety::root::Root;
use ansai_kit::host::Host;

/// A path from its bytes; empty is `/`.
pub(super) fn path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(if bytes.is_empty() { b"/" } else { bytes }))
}

/// The mount table; empty if it cannot be read.
pub(super) fn table(host: &Host) -> BTreeMap<PathBuf, Mount> {
    mounts::read(host).map(mounts::visible).unwrap_or_default()
}

/// The mount point that an absolute path is on, as text; `/` if it is unknown.
pub(super) fn mount(table: &BTreeMap<PathBuf, Mount>, absolute: &[u8]) -> String {
    let found = mounts::of_path(table, path(absolute));
    found.map_or_else(|| "/".into(), |mount| path_text(mount.point.as_os_str().as_bytes()))
}

/// The subject of a step on files below this root: their file system.
pub(super) fn subject(host: &Host, root: &Root) -> Subject {
    Subject::new("filesystem", mount(&table(host), &root.path))
}

/// Bytes available to an unprivileged process; `None` if unknown.
pub(super) fn available(root: &Root) -> Option<u64> {
    let stat = rustix::fs::fstatvfs(root.fd()).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
