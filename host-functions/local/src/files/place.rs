//! Which file system something is on, and how full it is.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ansai_core::Subject;
use ansai_core::text::path_text;

use super::beneath::Root;
use crate::disk::mounts::{self, Mount};
use ansai_kit::host::Host;

/// A path from its true bytes.
pub(super) fn path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(if bytes.is_empty() { b"/" } else { bytes }))
}

/// The mount table as far as it can be read.
pub(super) fn table(host: &Host) -> BTreeMap<PathBuf, Mount> {
    mounts::read(host).map(mounts::visible).unwrap_or_default()
}

/// The mount point that an absolute path is on, as text; `/` where it cannot be told.
pub(super) fn mount(table: &BTreeMap<PathBuf, Mount>, absolute: &[u8]) -> String {
    let found = mounts::of_path(table, path(absolute));
    found.map_or_else(|| "/".into(), |mount| path_text(mount.point.as_os_str().as_bytes()))
}

/// What a step on files below this root is about: their file system.
pub(super) fn subject(host: &Host, root: &Root) -> Subject {
    Subject::new("filesystem", mount(&table(host), &root.path))
}

/// Bytes that an unprivileged writer can have.
pub(super) fn available(root: &Root) -> Option<u64> {
    let stat = rustix::fs::fstatvfs(root.fd()).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
