//! A host for tests: answers what it was told, and remembers what it was asked.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::port::*;
use crate::settings::tests::with;

pub(crate) struct StandIn {
    pub(crate) filesystems: Result<Filesystems, Refusal>,
    pub(crate) settings: String,
    pub(crate) scopes: String,
    pub(crate) open: Vec<Observation>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) trend: Option<Trend>,
    /// Root, path, bytes.
    pub(crate) directories: RefCell<Vec<(String, String, u64)>>,
    /// Root, files, bytes: what matches any query there.
    pub(crate) files: Vec<(&'static str, u64, u64)>,
    /// Root, and the files of each of the looks that it takes.
    pub(crate) parts: Vec<(&'static str, Vec<u64>)>,
    /// Paths that a list of rotated logs (or of live ones, by their end) answers.
    pub(crate) names: Vec<&'static str>,
    pub(crate) held: Vec<Held>,
    pub(crate) deleted: Vec<crate::bindings::ansai::files::files_probe::DeletedFile>,
    pub(crate) journal: Option<JournalUsage>,
    pub(crate) caches: Vec<crate::bindings::ansai::packages::packages_probe::Cache>,
    /// By the name of the call: bytes that come back now and later, and things touched.
    pub(crate) previews: BTreeMap<&'static str, (u64, u64, u64)>,
    pub(crate) calls: RefCell<Vec<String>>,
    pub(crate) store: RefCell<BTreeMap<String, String>>,
}

impl Default for StandIn {
    fn default() -> Self {
        StandIn {
            filesystems: Ok(Filesystems { entries: Vec::new(), skipped: 0 }),
            settings: with(|_| {}),
            scopes: "{}".into(),
            open: Vec::new(),
            attempts: Vec::new(),
            trend: None,
            directories: RefCell::default(),
            files: Vec::new(),
            parts: Vec::new(),
            names: Vec::new(),
            held: Vec::new(),
            deleted: Vec::new(),
            journal: None,
            caches: Vec::new(),
            previews: BTreeMap::new(),
            calls: RefCell::default(),
            store: RefCell::default(),
        }
    }
}

impl StandIn {
    pub(crate) fn with(entries: Vec<Filesystem>) -> StandIn {
        StandIn { filesystems: Ok(Filesystems { entries, skipped: 0 }), ..StandIn::default() }
    }

    fn called(&self, call: impl Into<String>) {
        self.calls.borrow_mut().push(call.into());
    }

    fn preview(&self, name: &str, call: String) -> Result<Preview, Refusal> {
        self.called(call);
        let (now, later, items) =
            *self.previews.get(name).ok_or_else(|| Refusal::Denied(format!("no grant for {name}")))?;
        Ok(Preview {
            step: 0,
            about: Subject { kind: "x".into(), name: "x".into() },
            items,
            frees_now_bytes: now,
            frees_later_bytes: later,
            interrupts: 0,
            reversible: true,
            undone_after: None,
            complete: true,
            sample: Vec::new(),
            left_out: Vec::new(),
        })
    }
}

/// A local file system with plenty of inodes.
pub(crate) fn filesystem(mount: &str, total_bytes: u64, available_bytes: u64) -> Filesystem {
    Filesystem {
        about: Subject { kind: "filesystem".into(), name: mount.into() },
        mount: mount.into(),
        kind: "ext4".into(),
        device: "/dev/sda1".into(),
        read_only: false,
        remote: false,
        total_bytes,
        available_bytes,
        reserved_bytes: 0,
        total_inodes: 1000,
        free_inodes: 900,
    }
}

fn none(what: &str) -> Refusal {
    Refusal::Unavailable(format!("{what} does not answer"))
}

impl Host for StandIn {
    fn now(&self) -> u64 {
        1_790_000_000_000
    }
    fn is_keeping(&self) -> bool {
        true
    }
    fn settings(&self) -> String {
        self.settings.clone()
    }
    fn scopes(&self) -> String {
        self.scopes.clone()
    }
    fn open_incidents(&self) -> Vec<Observation> {
        self.open.clone()
    }
    fn attempts(&self) -> Vec<Attempt> {
        self.attempts.clone()
    }
    fn log(&self, _line: &str) {}
    fn remembered(&self, key: &str) -> Option<String> {
        self.store.borrow().get(key).cloned()
    }
    fn remember(&self, key: &str, value: &str) {
        self.store.borrow_mut().insert(key.into(), value.into());
    }
    fn trend(&self, _series: &str, _value: f64, _since: u64, _limit: f64) -> Result<Trend, Refusal> {
        self.trend.ok_or_else(|| none("the series"))
    }
    fn append(&self, _series: &str, _value: f64) {}

    fn filesystems(&self) -> Result<Filesystems, Refusal> {
        self.filesystems.clone()
    }
    fn largest(&self, root: &str, depth: u32, cursor: Option<&str>) -> Result<Usages, Refusal> {
        self.called(format!("largest {root} {depth}"));
        let page: usize = cursor.map_or(0, |page| page.parse().unwrap());
        let entries: Vec<_> = self
            .directories
            .borrow()
            .iter()
            .filter(|(of, ..)| of == root && depth == 1)
            .map(|(_, path, bytes)| usage(path, 1, *bytes))
            .collect();
        if entries.is_empty() {
            return Err(none(root));
        }
        let cursor = (entries.len() > (page + 1) * 500).then(|| format!("{}", page + 1));
        let entries = entries.into_iter().skip(page * 500).take(500).collect();
        Ok(Usages { entries, complete: cursor.is_none(), skipped: 0, cursor })
    }
    fn measure(&self, what: &FileQuery, cursor: Option<&str>) -> Result<Usages, Refusal> {
        if let Some((_, parts)) = self.parts.iter().find(|(root, _)| *root == what.root) {
            let part: usize = cursor.map_or(0, |part| part.parse().unwrap());
            let cursor = (part + 1 < parts.len()).then(|| format!("{}", part + 1));
            let entries = vec![usage(&what.root, parts[part], parts[part])];
            return Ok(Usages { entries, complete: cursor.is_none(), skipped: 0, cursor });
        }
        let (_, files, bytes) =
            self.files.iter().find(|(root, ..)| *root == what.root).ok_or_else(|| none(&what.root))?;
        Ok(Usages { entries: vec![usage(&what.root, *files, *bytes)], complete: true, skipped: 0, cursor: None })
    }
    fn list(&self, what: &FileQuery) -> Result<Files, Refusal> {
        let named = |name: &&&str| what.globs.iter().any(|glob| glob == "**/*.log.*") != name.ends_with(".log");
        let entries = self
            .names
            .iter()
            .filter(|name| name.starts_with(&what.root))
            .filter(named)
            .map(|name| crate::bindings::ansai::files::files_probe::File {
                path: (*name).into(),
                bytes: 1,
                modified: 0,
                links: 1,
                open: false,
            })
            .collect();
        Ok(Files { entries, complete: true, skipped: 0, cursor: None })
    }
    fn deleted_open(&self) -> Result<DeletedFiles, Refusal> {
        Ok(DeletedFiles { entries: self.deleted.clone(), complete: true, skipped: 0 })
    }
    fn held(&self) -> Result<Vec<Held>, Refusal> {
        Ok(self.held.clone())
    }
    fn journal(&self) -> Result<JournalUsage, Refusal> {
        self.journal.clone().ok_or_else(|| none("the journal"))
    }
    fn caches(&self) -> Result<Caches, Refusal> {
        Ok(Caches { entries: self.caches.clone(), skipped: 0 })
    }

    fn remove(&self, what: &Selection, _reason: &str) -> Result<Preview, Refusal> {
        let from = what.cursor.as_ref().map_or(String::new(), |cursor| format!(" from {cursor}"));
        self.preview("remove", format!("remove {} {} {}{from}", what.root, what.max_files, what.enough_bytes))
    }
    fn compress(&self, what: &Selection, _reason: &str) -> Result<Preview, Refusal> {
        self.preview("compress", format!("compress {} {}", what.root, what.enough_bytes))
    }
    fn reclaim(&self, mount: &str, enough_bytes: u64, _reason: &str) -> Result<Preview, Refusal> {
        self.preview("reclaim", format!("reclaim {mount} {enough_bytes}"))
    }
    fn vacuum(&self, keep_bytes: u64, _reason: &str) -> Result<Preview, Refusal> {
        self.preview("vacuum", format!("vacuum {keep_bytes}"))
    }
    fn clean(&self, manager: Manager, _reason: &str) -> Result<Preview, Refusal> {
        self.preview("clean", format!("clean {manager:?}"))
    }
}

fn usage(path: &str, files: u64, bytes: u64) -> crate::bindings::ansai::files::files_probe::Usage {
    crate::bindings::ansai::files::files_probe::Usage {
        path: path.into(),
        files,
        bytes,
        oldest_hours: 0,
        newest_hours: 0,
    }
}
