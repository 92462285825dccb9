//! Files that were removed while processes have them open: their space is not freed yet.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use ansai_core::scope::is_within;
use ansai_core::text::path_text;
use ansai_core::{Refusal, Scope};
use serde::{Deserialize, Serialize};

use super::fields::ROOTS;
use super::place;
use super::view::View;
use crate::detached::sweep;
use crate::disk::filesystems::Filesystems;
use crate::safety::holder::{self, Holder};
use crate::safety::identity::{Inode, Stat};
use crate::safety::processes::{Handle, Unseen, deleted_maps, handles, processes};
use ansai_kit::call::NoArguments;
use ansai_kit::host::{Host, ProbeContext};

const MOST: usize = 500;
/// The most holders that are listed for one file.
const MOST_HOLDERS: usize = 32;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct DeletedFile {
    path: String,
    bytes: u64,
    mount: String,
    holders: Vec<Holder>,
    more_holders: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DeletedFiles {
    entries: Vec<DeletedFile>,
    complete: bool,
    skipped: u32,
}

/// One removed file, whose holders are numbers in a list that all files share.
struct Found {
    /// On the host.
    path: Vec<u8>,
    mount: String,
    bytes: u64,
    holders: Vec<usize>,
    more_holders: u32,
}

/// What one process has open or mapped: each inode once, with its path on the host and its file system.
type Files = Vec<(Stat, (Vec<u8>, String))>;

/// `list-deleted-open`; `skipped` counts the processes that could not be read.
pub(super) fn list_deleted_open(ask: &ProbeContext<'_>, _: NoArguments) -> Result<DeletedFiles, Refusal> {
    let (host, scope) = (ask.host.clone(), ask.scope.clone());
    let table = place::table(&host);
    let boot = holder::boot(&host);
    let (mut found, mut holders) = (HashMap::<Inode, Found>::new(), Vec::new());
    let mut skipped = 0;
    let step = move |(pid, process): &(u32, PathBuf)| held_by(&host, &scope, &table, *pid, process, &boot);
    let name = |(_, process): &(u32, PathBuf)| process.display().to_string();
    let is_over = || ask.deadline.is_over();
    let in_time = sweep(by_number(processes(ask.host)?), name, step, &is_over, |_, held| match held {
        Some(Ok(Some((holder, files)))) => {
            let number = holders.len();
            holders.push(holder);
            files.into_iter().for_each(|(stat, place)| add(&mut found, &stat, place, number));
        }
        Some(Ok(None)) => {}
        Some(Err(Unseen)) | None => skipped += 1,
    });
    let mut found: Vec<Found> = found.into_values().collect();
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    let complete = in_time && skipped == 0 && found.len() <= MOST;
    let file = |file: Found| DeletedFile {
        mount: file.mount,
        path: path_text(&file.path),
        bytes: file.bytes,
        holders: file.holders.iter().filter_map(|number| holders.get(*number).cloned()).collect(),
        more_holders: file.more_holders,
    };
    Ok(DeletedFiles { entries: found.into_iter().take(MOST).map(file).collect(), complete, skipped })
}

/// The processes in the order of their numbers, so that the holders of a file are too.
fn by_number(processes: Vec<PathBuf>) -> Vec<(u32, PathBuf)> {
    let number = |process: &Path| process.file_name()?.to_str()?.parse().ok();
    let mut all: Vec<(u32, PathBuf)> =
        processes.into_iter().filter_map(|process| Some((number(&process)?, process))).collect();
    all.sort_unstable();
    all
}

/// The removed files below the granted roots that a process has open or mapped; `None` if there are none or it has
/// ended.
fn held_by(
    host: &Host,
    scope: &Scope,
    table: &Filesystems,
    pid: u32,
    process: &Path,
    boot: &str,
) -> Result<Option<(Holder, Files)>, Unseen> {
    let mut deleted = handles(process)?;
    deleted.extend(deleted_maps(process)?);
    deleted.retain(|handle| handle.stat.is_file() && handle.stat.links == 0);
    if deleted.is_empty() {
        return Ok(None);
    }
    let view = View::of(host, table, process)?;
    let granted = |path: &[u8]| {
        let shown = path_text(path);
        scope.roots(&ROOTS).iter().any(|root| is_within(&shown, root))
    };
    let place = |handle: Handle| view.place(&handle, granted).map(|place| (handle, place));
    let mut files: Vec<(Handle, (Vec<u8>, String))> = deleted.into_iter().filter_map(place).collect();
    if files.is_empty() {
        return Ok(None);
    }
    let Some(holder) = holder::look(process, pid, boot)? else { return Ok(None) };
    // The process may have ended after its handles were read, and another one may have its number now: what is still
    // open, between two looks at the same process, is open in that process.
    files.retain(|(handle, _)| Stat::cached(&handle.link).is_ok_and(|now| now.inode() == handle.stat.inode()));
    let mut seen = HashSet::new();
    files.retain(|(handle, _)| seen.insert(handle.stat.inode()));
    if files.is_empty() || !holder.is_still(process, boot) {
        return Ok(None);
    }
    Ok(Some((holder, files.into_iter().map(|(handle, place)| (handle.stat, place)).collect())))
}

/// Adds a holder to a file, and the file if it is new: the bytes of an inode count once.
fn add(found: &mut HashMap<Inode, Found>, stat: &Stat, (path, mount): (Vec<u8>, String), holder: usize) {
    let new = Found { path, mount, bytes: 0, holders: Vec::new(), more_holders: 0 };
    let file = found.entry(stat.inode()).or_insert(new);
    file.bytes = file.bytes.max(stat.bytes);
    if file.holders.len() < MOST_HOLDERS {
        file.holders.push(holder);
    } else {
        file.more_holders = file.more_holders.saturating_add(1);
    }
}
