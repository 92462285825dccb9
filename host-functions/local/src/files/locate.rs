//! `locate`: which file systems a directory is on.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ansai_core::scope::is_within;
use ansai_core::text::path_text;
use ansai_core::{Refusal, Subject};
use serde::{Deserialize, Serialize};

use super::place;
use crate::disk::filesystems::Filesystems;
use crate::safety::identity::Stat;
use crate::safety::root::Root;
use ansai_kit::host::ProbeContext;

/// The most entries of the answer.
const MOST: usize = 500;

#[derive(Serialize, Deserialize)]
pub(super) struct Locate {
    root: String,
}

#[derive(Serialize, Deserialize)]
struct Located {
    about: Subject,
    path: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Locations {
    entries: Vec<Located>,
    complete: bool,
}

/// `locate`: by the directory itself, not by its path.
pub(super) fn locate(ask: &ProbeContext<'_>, Locate { root }: Locate) -> Result<Locations, Refusal> {
    let root = Root::open(ask.host, &root)?;
    let table = Filesystems::read(ask.host)?;
    let name = table
        .name(place::path(&root.path), &root.stat)
        .ok_or_else(|| Refusal::Unavailable(format!("the file system of {} is not in the mount table", root.text)))?;
    let located = |path: String, name| Located { about: Subject::new("filesystem", name), path };
    let mut silent = 0_usize;
    let below = table.visible().values().filter_map(|mount| {
        let path = path_text(mount.point.as_os_str().as_bytes());
        let is_below = path != root.text && is_within(&path, &root.text);
        if !is_below || !table.is_listed(mount) {
            return None;
        }
        // The way to a mount point leads through mounts that may not answer. It itself is not asked.
        if mount.point.parent().is_some_and(|parent| table.answers(ask.host, parent).is_err()) {
            silent += 1;
            return None;
        }
        is_directory(ask, &mount.point).then(|| located(path, table.name_of(mount)))
    });
    let mut entries: Vec<Located> =
        std::iter::once(located(root.text.clone(), name)).chain(below).take(MOST + 1).collect();
    let complete = entries.len() <= MOST && silent == 0;
    entries.truncate(MOST);
    Ok(Locations { entries, complete })
}

/// A file can be a mount point too. Asks no file server.
fn is_directory(ask: &ProbeContext<'_>, point: &Path) -> bool {
    Stat::cached(&ask.host.path(point)).is_ok_and(|stat| stat.is_directory())
}
