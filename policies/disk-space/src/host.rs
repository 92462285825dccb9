//! The host behind the imports of the component.

use crate::bindings::ansai::disk::disk_probe;
use crate::bindings::ansai::files::{files_actions, files_probe};
use crate::bindings::ansai::journal::{journal_actions, journal_probe};
use crate::bindings::ansai::packages::{packages_actions, packages_probe};
use crate::bindings::ansai::policy::{context, log, series, store};
use crate::port::*;

pub(crate) struct Imported;

const HOUR: u64 = 3_600_000;

impl Host for Imported {
    fn now(&self) -> u64 {
        context::now()
    }
    fn is_keeping(&self) -> bool {
        matches!(context::triggered_by(), context::Trigger::Schedule | context::Trigger::Event(_))
    }
    fn settings(&self) -> String {
        context::settings()
    }
    fn scopes(&self) -> String {
        context::scopes()
    }
    fn open_incidents(&self) -> Vec<Observation> {
        context::open_incidents()
    }
    fn attempts(&self) -> Vec<Attempt> {
        context::attempts()
    }
    fn log(&self, line: &str) {
        log::write(log::Level::Info, line);
    }
    fn remembered(&self, key: &str) -> Option<String> {
        store::get(key).ok().flatten()
    }
    fn remember(&self, key: &str, value: &str) {
        if store::set(key, value).is_err() {
            log::write(log::Level::Warn, "cannot remember what was seen: the store is full or away");
        }
    }
    fn trend(&self, name: &str, value: f64, since: u64, limit: f64) -> Result<Trend, Refusal> {
        series::append(name, value)?;
        let window = series::Window { since, bucket: Some(HOUR), reduce: series::Reduction::Minimum };
        series::analyse(name, window, Some(limit))
    }
    fn append(&self, name: &str, value: f64) {
        // More file systems than series: the rest has no forecast.
        let _ = series::append(name, value);
    }

    fn filesystems(&self) -> Result<Filesystems, Refusal> {
        disk_probe::list_filesystems()
    }
    fn largest(&self, root: &str, depth: u32, cursor: Option<&str>) -> Result<Usages, Refusal> {
        files_probe::largest_directories(root, depth, cursor)
    }
    fn measure(&self, what: &FileQuery, cursor: Option<&str>) -> Result<Usages, Refusal> {
        files_probe::measure_files(what, cursor)
    }
    fn list(&self, what: &FileQuery) -> Result<Files, Refusal> {
        files_probe::list_files(what, None)
    }
    fn deleted_open(&self) -> Result<DeletedFiles, Refusal> {
        files_probe::list_deleted_open()
    }
    fn held(&self) -> Result<Vec<Held>, Refusal> {
        files_probe::list_held()
    }
    fn journal(&self) -> Result<JournalUsage, Refusal> {
        journal_probe::usage()
    }
    fn caches(&self) -> Result<Caches, Refusal> {
        packages_probe::list_caches()
    }

    fn remove(&self, what: &Selection, reason: &str) -> Result<Preview, Refusal> {
        files_actions::remove(what, reason)
    }
    fn compress(&self, what: &Selection, reason: &str) -> Result<Preview, Refusal> {
        files_actions::compress(what, reason)
    }
    fn reclaim(&self, mount: &str, enough_bytes: u64, reason: &str) -> Result<Preview, Refusal> {
        files_actions::reclaim_held(mount, enough_bytes, reason)
    }
    fn vacuum(&self, keep_bytes: u64, reason: &str) -> Result<Preview, Refusal> {
        journal_actions::vacuum(keep_bytes, reason)
    }
    fn clean(&self, manager: Manager, reason: &str) -> Result<Preview, Refusal> {
        packages_actions::clean_cache(manager, reason)
    }
}
