//! `ansai:files/files-probe`: sizes, names and ages of files. Sums include quarantined files.

use std::collections::HashSet;
use std::ops::ControlFlow;

use ansai_core::{Refusal, Subject, Timestamp};
use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::patterns::{self, Wanted};
use super::position::Position;
use super::walk::{Entry, Walk};
use crate::safety::identity::{Inode, Stat, Time};
use crate::safety::names::LONGEST_PATH;
use crate::safety::open_files_of_pages::open_files_of_page;
use crate::safety::root::Root;
use crate::safety::rules::is_young;
use ansai_kit::host::ProbeContext;

/// The most entries of one page.
const MOST: usize = 500;
/// The most inodes with several names that one sum remembers.
const MOST_LINKED: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Usage {
    about: Subject,
    path: String,
    files: u64,
    bytes: u64,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Usages {
    entries: Vec<Usage>,
    complete: bool,
    skipped: u32,
    cursor: Option<String>,
}

/// A sum over files that counts each inode once.
#[derive(Default)]
struct Sum {
    files: u64,
    bytes: u64,
    /// The oldest and the newest mtime.
    times: Option<(Time, Time)>,
    linked: HashSet<Inode>,
    /// False if there were too many inodes with several names.
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

    fn usage(&self, path: String) -> Usage {
        let (oldest, newest) = self.times.map(|(oldest, newest)| (oldest.timestamp(), newest.timestamp())).unzip();
        let about = Subject::new("directory", path.clone());
        Usage { about, path, files: self.files, bytes: self.bytes, oldest, newest }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Largest {
    root: String,
    depth: u32,
    cursor: Option<String>,
}

/// `largest-directories`.
pub(super) fn largest_directories(
    ask: &ProbeContext<'_>,
    Largest { root, depth, cursor }: Largest,
) -> Result<Usages, Refusal> {
    let depth = usize::try_from(depth).unwrap_or(usize::MAX);
    let from = Position::read(cursor.as_deref())?;
    let root = Root::open(ask.host, &root)?;
    let mut walk = Walk::new(&root, ask.deadline, None, &from);
    let (mut entries, mut exact, mut unnamed) = (Vec::new(), true, 0);
    // The walk leaves one directory before it enters the next, so one sum at a time is enough.
    let mut current = walk.ancestor(depth).map(|path| (path.to_vec(), Sum::new()));
    let mut finish = |entries: &mut Vec<Usage>, current: Option<(Vec<u8>, Sum)>| {
        if let Some((path, sum)) = current {
            exact &= sum.exact;
            entries.push(sum.usage(root.shown(&path)));
        }
    };
    while let Some(Entry { path, stat, depth: level, barred }) = walk.next(|_, _| true) {
        if level <= depth {
            finish(&mut entries, current.take());
        }
        match &mut current {
            _ if barred.is_some() => {}
            _ if level == depth && stat.is_directory() && path.len() > LONGEST_PATH => unnamed += 1,
            // The next page begins with it.
            _ if level == depth && stat.is_directory() && entries.len() >= MOST => break,
            _ if level == depth && stat.is_directory() => current = Some((path.to_vec(), Sum::new())),
            Some((_, sum)) if !stat.is_directory() => sum.add(&stat),
            _ => {}
        }
    }
    finish(&mut entries, current);
    entries.sort_unstable_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    let cursor = walk.cursor();
    let skipped = walk.skipped + unnamed;
    Ok(Usages { entries, complete: walk.is_complete() && unnamed == 0 && exact, skipped, cursor })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FileQuery {
    root: String,
    globs: Vec<String>,
    exclude: Vec<String>,
    min_age_hours: u32,
    min_bytes: u64,
}

impl FileQuery {
    fn cost(&self) -> u64 {
        patterns::cost(&self.globs, &self.exclude)
    }

    /// Calls `found` for each file that matches, until it breaks.
    fn each(
        &self,
        ask: &ProbeContext<'_>,
        walk: &mut Walk<'_>,
        mut found: impl FnMut(&Entry<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let wanted = Wanted::new(&self.globs, &self.exclude, self.min_bytes)?;
        let min_age_hours = u64::from(self.min_age_hours);
        let wants = |kind, path: &[u8]| kind == FileType::RegularFile && wanted.match_path(path);
        while let Some(entry) = walk.next(wants) {
            let is_wanted = entry.stat.is_file()
                && entry.barred.is_none()
                && wanted.is_large_enough(&entry.stat)
                && !(min_age_hours > 0 && is_young(&entry.stat, min_age_hours, ask.now));
            if is_wanted && found(&entry).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    path: String,
    bytes: u64,
    modified: Timestamp,
    links: u32,
    open: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Files {
    entries: Vec<File>,
    complete: bool,
    skipped: u32,
    cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Query {
    what: FileQuery,
    cursor: Option<String>,
}

impl Query {
    /// Fuel for its patterns.
    pub(super) fn cost(&self) -> u64 {
        self.what.cost()
    }
}

/// `list-files`.
pub(super) fn list_files(ask: &ProbeContext<'_>, Query { what, cursor }: Query) -> Result<Files, Refusal> {
    let from = Position::read(cursor.as_deref())?;
    let root = Root::open(ask.host, &what.root)?;
    // Before the walk, which takes all the time that there is.
    let open_files = open_files_of_page(ask.host, root.devices, cursor.is_none(), &|| ask.deadline.is_over())?;
    let mut walk = Walk::new(&root, ask.deadline, None, &from);
    let (mut found, mut unnamed) = (Vec::<(Vec<u8>, Stat)>::new(), 0);
    what.each(ask, &mut walk, |entry| {
        if entry.path.len() > LONGEST_PATH {
            unnamed += 1;
        } else {
            found.push((entry.path.to_vec(), entry.stat));
        }
        if found.len() < MOST { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    found.sort_unstable_by(|(a, one), (b, other)| (one.mtime, a).cmp(&(other.mtime, b)));
    let file = |(path, stat): (Vec<u8>, Stat)| File {
        path: root.shown(&path),
        bytes: stat.bytes,
        modified: stat.mtime.timestamp(),
        links: stat.links,
        open: open_files.is_open(stat.inode()),
    };
    let cursor = walk.cursor();
    let (complete, skipped) = (walk.is_complete() && unnamed == 0, walk.skipped + unnamed);
    Ok(Files { entries: found.into_iter().map(file).collect(), complete, skipped, cursor })
}

/// `measure-files`.
pub(super) fn measure_files(ask: &ProbeContext<'_>, Query { what, cursor }: Query) -> Result<Usages, Refusal> {
    let from = Position::read(cursor.as_deref())?;
    let root = Root::open(ask.host, &what.root)?;
    let mut walk = Walk::new(&root, ask.deadline, None, &from);
    let mut sum = Sum::new();
    what.each(ask, &mut walk, |entry| {
        sum.add(&entry.stat);
        ControlFlow::Continue(())
    })?;
    let entries = vec![sum.usage(root.shown(b""))];
    let cursor = walk.cursor();
    Ok(Usages { entries, complete: walk.is_complete() && sum.exact, skipped: walk.skipped, cursor })
}
