//! Who has a database open, and with which of SQLite's locks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ansai_kit::host::Host;

use super::kept::OpenByProcess;
use super::place::Place;
use super::wire::{Hold, Holder, Journal};
use crate::detached::sweep;
use crate::safety::holder;
use crate::safety::identity::{Inode, Stat};
use crate::safety::processes::{Unseen, handles_up_to, processes, read};

/// The most holders that are listed.
const MOST: usize = 32;
/// The most descriptors of one process that are looked at.
const MOST_DESCRIPTORS: usize = 1 << 16;

/// The byte of the database file from which SQLite locks: pending, reserved, and 510 bytes for readers.
const PENDING: u64 = 0x4000_0000;
/// The bytes of the `-shm` file that are locked in WAL mode: writer, checkpoint, recovery, and readers.
const WAL_WRITER: u64 = 120;
const WAL_READERS: u64 = 123;
const WAL_END: u64 = 127;

/// The holders of a database.
#[derive(Debug, Default)]
pub(super) struct Holders {
    pub(super) listed: Vec<Holder>,
    pub(super) more: u32,
    /// Whether every process was looked at.
    pub(super) complete: bool,
}

impl Holders {
    /// Looks at all processes until `is_over`.
    pub(super) fn of(host: &Host, place: &Place, is_over: &dyn Fn() -> bool) -> Holders {
        let Ok(processes) = processes(host) else { return Holders::default() };
        let sees_first = processes.iter().any(|process| process.ends_with("1"));
        Holders::among(processes, sees_first, host, place, is_over)
    }

    /// The same as of a few seconds ago at most: of many databases that are looked at, only the first one reads all processes,
    /// unless they have too many files open to keep. Not for a step, before which another process may have opened the database.
    pub(super) fn recent(host: &Host, place: &Place, is_over: &dyn Fn() -> bool) -> Holders {
        let open = OpenByProcess::recent(host, MOST_DESCRIPTORS, is_over);
        let known = open.holders(&files(place));
        // Whoever has a lock has the file open: one who is not known opened it later.
        let locks = read(&host.path("/proc/locks")).ok().flatten().unwrap_or_default();
        let is_known = |pid: &u32| known.iter().any(|process| process.ends_with(pid.to_string()));
        if open.is_full || !held(&locks, place).keys().all(is_known) {
            return Holders::of(host, place, is_over);
        }
        Holders::among(known, open.complete, host, place, is_over)
    }

    /// Looks at these processes, which are all that may have it open if `sees_all`.
    fn among(
        processes: Vec<PathBuf>,
        sees_all: bool,
        host: &Host,
        place: &Place,
        is_over: &dyn Fn() -> bool,
    ) -> Holders {
        let files = files(place);
        let locks = read(&host.path("/proc/locks")).ok().flatten();
        let mut found = Holders { complete: sees_all && locks.is_some(), ..Holders::default() };
        let locks = held(&locks.unwrap_or_default(), place);
        let boot = holder::boot(host);
        let step = move |process: &PathBuf| look(process, &files, &boot);
        let name = |process: &PathBuf| process.display().to_string();
        let in_time = sweep(processes, name, step, is_over, |_, looked| match looked {
            Some(Ok(Some(mut holder))) => {
                holder.holds = locks.get(&holder.pid).copied().unwrap_or(Hold::Open);
                found.listed.push(holder);
            }
            Some(Ok(None)) => {}
            Some(Err(Unseen)) | None => found.complete = false,
        });
        found.complete &= in_time;
        found.listed.sort_by(|a, b| b.holds.cmp(&a.holds).then(a.pid.cmp(&b.pid)));
        found.more = u32::try_from(found.listed.len().saturating_sub(MOST)).unwrap_or(u32::MAX);
        found.listed.truncate(MOST);
        found
    }

    /// For a sentence: `backup (pid 812, reading) and 2 more`.
    pub(super) fn shown(&self) -> String {
        let strongest = self.listed.first().map(|holder| holder.holds);
        let mut those = self.listed.iter().filter(|holder| Some(holder.holds) == strongest);
        let Some(first) = those.next() else { return "a process that could not be seen".to_owned() };
        let word = match first.holds {
            Hold::Open => "open",
            Hold::Reading => "reading",
            Hold::Writing => "writing",
            Hold::Exclusive => "exclusive",
        };
        let more = those.count();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{} (pid {}, {word}){more}", ansai_core::text::inert(&first.process, 64), first.pid)
    }
}

fn files(place: &Place) -> Vec<Inode> {
    [Some(place.stat), place.wal, place.shm].into_iter().flatten().map(|stat| stat.inode()).collect()
}

/// A process that has one of the files open.
fn look(process: &Path, files: &[Inode], boot: &str) -> Result<Option<Holder>, Unseen> {
    let has = |handles: Vec<crate::safety::processes::Handle>| {
        handles.into_iter().find(|handle| files.contains(&handle.stat.inode()))
    };
    let Some(handle) = has(handles_up_to(process, MOST_DESCRIPTORS)?) else { return Ok(None) };
    let pid = process.file_name().and_then(|name| name.to_str()?.parse().ok()).ok_or(Unseen)?;
    let Some(found) = holder::look(process, pid, boot)? else { return Ok(None) };
    // Between two looks at the same process, so that the number is not that of another one.
    let is_open = Stat::cached(&handle.link).is_ok_and(|now| now.inode() == handle.stat.inode());
    if !is_open || !found.is_still(process, boot) {
        return Ok(None);
    }
    let holder::Holder { about, process, pid, identity } = found;
    Ok(Some(Holder { about, process, pid, identity, holds: Hold::Open }))
}

/// The strongest lock of each process, from `/proc/locks`: `1: POSIX ADVISORY WRITE 708 fe:00:1234 1073741825 1073741825`.
fn held(locks: &[u8], place: &Place) -> HashMap<u32, Hold> {
    let mut held = HashMap::new();
    for line in String::from_utf8_lossy(locks).lines() {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, "POSIX" | "OFDLCK", _, kind, pid, file, from, to] = fields.as_slice() else { continue };
        let inode = file.rsplit(':').next().and_then(|number| number.parse::<u64>().ok());
        let (Ok(pid), Ok(from)) = (pid.parse::<u32>(), from.parse::<u64>()) else { continue };
        let to = to.parse().unwrap_or(u64::MAX);
        let hold = match inode {
            inode if inode == Some(place.stat.ino) => of_database(place.header.journal, kind, from, to),
            inode if inode.is_some() && inode == place.shm.map(|shm| shm.ino) => of_shm(kind, from, to),
            _ => None,
        };
        if let Some(hold) = hold {
            let known = held.entry(pid).or_insert(hold);
            *known = hold.max(*known);
        }
    }
    held
}

fn of_database(journal: Journal, kind: &str, from: u64, to: u64) -> Option<Hold> {
    if to < PENDING {
        return None;
    }
    match kind {
        "WRITE" if to > PENDING + 1 => Some(Hold::Exclusive),
        "WRITE" if from <= PENDING + 1 => Some(Hold::Writing),
        // In WAL mode, every connection has this one, and the `-shm` file tells who reads.
        "READ" if journal != Journal::Wal => Some(Hold::Reading),
        _ => None,
    }
}

fn of_shm(kind: &str, from: u64, to: u64) -> Option<Hold> {
    if to < WAL_WRITER || from > WAL_END {
        return None;
    }
    match kind {
        // Recovery and exclusive mode lock more than the writer's byte.
        "WRITE" if from <= WAL_WRITER && to >= WAL_END => Some(Hold::Exclusive),
        "WRITE" if from <= WAL_WRITER => Some(Hold::Writing),
        "READ" if to >= WAL_READERS => Some(Hold::Reading),
        _ => None,
    }
}
