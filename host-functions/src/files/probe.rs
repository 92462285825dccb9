//! `ansai:files/files-probe`: sizes, names and ages. Sums count what is in quarantine too.

use std::cmp::Reverse;
use std::collections::HashSet;

use ansai_core::{Instant, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::beneath::Root;
use super::identity::{Inode, Stat, Time};
use super::in_use::InUse;
use super::page::{ByAge, BySize, Page};
use super::patterns::Patterns;
use super::standing::is_young;
use super::walk::{Entry, Walk};
use crate::call::{Reply, typed};
use crate::host::Ask;

/// Inodes with several names that are remembered in one sum.
const MOST_LINKED: usize = 1 << 20;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Usage {
    path: String,
    files: u64,
    bytes: u64,
    oldest_hours: u32,
    newest_hours: u32,
}

#[derive(Serialize)]
struct Usages {
    entries: Vec<Usage>,
    complete: bool,
    skipped: u32,
    cursor: Option<String>,
}

/// A sum over files, each inode once.
#[derive(Default)]
struct Sum {
    files: u64,
    bytes: u64,
    times: Option<(Time, Time)>,
    linked: HashSet<Inode>,
    /// False when there were too many inodes with several names.
    exact: bool,
}

impl Sum {
    fn new() -> Self {
        Sum { exact: true, ..Sum::default() }
    }

    fn add(&mut self, stat: &Stat) {
        if stat.links > 1 {
            if self.linked.len() >= MOST_LINKED && !self.linked.contains(&stat.inode()) {
                self.exact = false;
            } else if !self.linked.insert(stat.inode()) {
                return;
            }
        }
        self.files += 1;
        self.bytes = self.bytes.saturating_add(stat.bytes);
        let (oldest, newest) = self.times.unwrap_or((stat.mtime, stat.mtime));
        self.times = Some((oldest.min(stat.mtime), newest.max(stat.mtime)));
    }

    fn usage(&self, path: String, now: Instant) -> Usage {
        let hours = |time: Time| u32::try_from(now.saturating_sub(time.millis()) / 3_600_000).unwrap_or(u32::MAX);
        let (oldest, newest) = self.times.map_or((0, 0), |(oldest, newest)| (hours(oldest), hours(newest)));
        Usage { path, files: self.files, bytes: self.bytes, oldest_hours: oldest, newest_hours: newest }
    }
}

#[derive(Deserialize)]
struct Largest {
    root: String,
    depth: u32,
    cursor: Option<String>,
}

/// `largest-directories`.
pub(super) fn largest_directories(ask: &Ask<'_>, arguments: &RawValue) -> Reply {
    typed(arguments, |Largest { root, depth, cursor }: Largest| {
        let depth = usize::try_from(depth).unwrap_or(usize::MAX);
        let mut page = Page::<BySize, Usage>::new(cursor.as_deref())?;
        let root = Root::open(ask.host, &root)?;
        let mut walk = Walk::new(&root, ask.deadline, None);
        let mut exact = true;
        // The walk ends with one directory before it begins the next: one sum at a time is enough.
        let mut current: Option<(Vec<u8>, Sum)> = (depth == 0).then(|| (Vec::new(), Sum::new()));
        let mut finish = |current: Option<(Vec<u8>, Sum)>| {
            if let Some((path, sum)) = current {
                exact &= sum.exact;
                page.add(BySize(Reverse(sum.bytes), path.clone()), sum.usage(root.shown(&path), ask.now));
            }
        };
        while let Some(Entry { path, stat, depth: level, barred }) = walk.next() {
            if level <= depth {
                finish(current.take());
            }
            if barred.is_some() {
                continue;
            }
            match &mut current {
                _ if level == depth && stat.is_directory() => current = Some((path, Sum::new())),
                Some((_, sum)) if !stat.is_directory() => sum.add(&stat),
                _ => {}
            }
        }
        finish(current);
        let (entries, cursor) = page.finish();
        Ok(Usages { entries, complete: walk.is_complete() && exact, skipped: walk.skipped, cursor })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FileQuery {
    root: String,
    globs: Vec<String>,
    min_age_hours: u32,
}

impl FileQuery {
    /// Walks over what matches; answers whether all was seen, and how many directories were not.
    fn each(&self, ask: &Ask<'_>, root: &Root, mut found: impl FnMut(Entry)) -> Result<(bool, u32), Refusal> {
        let globs = Patterns::new(&self.globs)?;
        let mut walk = Walk::new(root, ask.deadline, None);
        while let Some(entry) = walk.next() {
            let wanted = entry.stat.is_file()
                && entry.barred.is_none()
                && (globs.is_empty() || globs.match_path(&entry.path))
                && !(self.min_age_hours > 0 && is_young(&entry.stat, u64::from(self.min_age_hours), ask.now));
            if wanted {
                found(entry);
            }
        }
        Ok((walk.is_complete(), walk.skipped))
    }
}

#[derive(Serialize)]
struct File {
    path: String,
    bytes: u64,
    modified: Instant,
    links: u32,
    open: bool,
}

#[derive(Serialize)]
struct Files {
    entries: Vec<File>,
    complete: bool,
    skipped: u32,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct List {
    what: FileQuery,
    cursor: Option<String>,
}

/// `list-files`.
pub(super) fn list_files(ask: &Ask<'_>, arguments: &RawValue) -> Reply {
    typed(arguments, |List { what, cursor }: List| {
        let mut page = Page::<ByAge, (Vec<u8>, Stat)>::new(cursor.as_deref())?;
        let root = Root::open(ask.host, &what.root)?;
        let in_use = InUse::until(ask.host, root.stat.dev, ask.deadline)?;
        let (complete, skipped) = what.each(ask, &root, |entry| {
            page.add(ByAge(entry.stat.mtime, entry.path.clone()), (entry.path, entry.stat));
        })?;
        let (found, cursor) = page.finish();
        let file = |(path, stat): (Vec<u8>, Stat)| File {
            path: root.shown(&path),
            bytes: stat.bytes,
            modified: stat.mtime.millis(),
            links: stat.links,
            open: in_use.is_open(stat.inode()),
        };
        Ok(Files { entries: found.into_iter().map(file).collect(), complete, skipped, cursor })
    })
}

#[derive(Deserialize)]
struct Measure {
    what: FileQuery,
}

/// `measure-files`.
pub(super) fn measure_files(ask: &Ask<'_>, arguments: &RawValue) -> Reply {
    typed(arguments, |Measure { what }: Measure| {
        let root = Root::open(ask.host, &what.root)?;
        let mut sum = Sum::new();
        let (complete, skipped) = what.each(ask, &root, |entry| sum.add(&entry.stat))?;
        let entries = vec![sum.usage(root.shown(b""), ask.now)];
        Ok(Usages { entries, complete: complete && sum.exact, skipped, cursor: None })
    })
}
