//! What the decisions need of a host: implemented by the imports, and by a stand-in in tests.

pub(crate) use crate::bindings::ansai::disk::disk_probe::{Filesystem, Filesystems};
pub(crate) use crate::bindings::ansai::files::files_actions::Selection;
pub(crate) use crate::bindings::ansai::files::files_probe::{DeletedFiles, FileQuery, Files, Held, Usages};
pub(crate) use crate::bindings::ansai::journal::journal_probe::JournalUsage;
pub(crate) use crate::bindings::ansai::packages::packages_probe::{Caches, Manager};
pub(crate) use crate::bindings::ansai::policy::series::Trend;
pub(crate) use crate::bindings::ansai::policy::types::{
    Attempt, Decision, Failure, Measure, Observation, OnFailure, Outcome, Preview, Recommendation, Refusal, Severity,
    Status, StepResult, Subject, Unit, Value,
};

/// Names of the interfaces, as in scopes and in the actions of earlier attempts.
pub(crate) const FILES_PROBE: &str = "ansai:files/files-probe";
pub(crate) const FILES_ACTIONS: &str = "ansai:files/files-actions";
pub(crate) const JOURNAL_PROBE: &str = "ansai:journal/journal-probe";
pub(crate) const JOURNAL_ACTIONS: &str = "ansai:journal/journal-actions";
pub(crate) const PACKAGES_PROBE: &str = "ansai:packages/packages-probe";
pub(crate) const PACKAGES_ACTIONS: &str = "ansai:packages/packages-actions";

pub(crate) trait Host {
    fn now(&self) -> u64;
    /// Whether what is stored will be kept.
    fn is_keeping(&self) -> bool;
    fn settings(&self) -> String;
    fn scopes(&self) -> String;
    fn open_incidents(&self) -> Vec<Observation>;
    fn attempts(&self) -> Vec<Attempt>;
    fn log(&self, line: &str);
    /// `None` also where the store does not answer: what is remembered only ever adds to an explanation.
    fn remembered(&self, key: &str) -> Option<String>;
    fn remember(&self, key: &str, value: &str);
    /// Adds a sample; answers hourly minima since an instant with the trend towards a limit.
    fn trend(&self, series: &str, value: f64, since: u64, limit: f64) -> Result<Trend, Refusal>;
    fn append(&self, series: &str, value: f64);

    fn filesystems(&self) -> Result<Filesystems, Refusal>;
    /// A page, from the beginning or a cursor.
    fn largest(&self, root: &str, depth: u32, cursor: Option<&str>) -> Result<Usages, Refusal>;
    fn measure(&self, what: &FileQuery, cursor: Option<&str>) -> Result<Usages, Refusal>;
    /// The first page.
    fn list(&self, what: &FileQuery) -> Result<Files, Refusal>;
    fn deleted_open(&self) -> Result<DeletedFiles, Refusal>;
    fn held(&self) -> Result<Vec<Held>, Refusal>;
    fn journal(&self) -> Result<JournalUsage, Refusal>;
    fn caches(&self) -> Result<Caches, Refusal>;

    fn remove(&self, what: &Selection, reason: &str) -> Result<Preview, Refusal>;
    fn compress(&self, what: &Selection, reason: &str) -> Result<Preview, Refusal>;
    fn reclaim(&self, mount: &str, enough_bytes: u64, reason: &str) -> Result<Preview, Refusal>;
    fn vacuum(&self, keep_bytes: u64, reason: &str) -> Result<Preview, Refusal>;
    fn clean(&self, manager: Manager, reason: &str) -> Result<Preview, Refusal>;
}
