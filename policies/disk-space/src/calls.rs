//! The probes and actions, with their names in grants and attempts.

use ansai_sdk::Preview;

use crate::imports::ansai::container::container_cleanup_actions;
use crate::imports::ansai::container::container_probe::{self, Engine, Image, Volume};
use crate::imports::ansai::disk::disk_probe::{self, Filesystems, UnreadableFilesystem};
use crate::imports::ansai::files::files_actions::{self, Selection};
use crate::imports::ansai::files::files_probe::{self, DeletedFiles, FileQuery, Files, Locations, Quarantines, Usages};
use crate::imports::ansai::files::quarantine_actions;
use crate::imports::ansai::journal::journal_probe::{self, JournalUsage};
use crate::imports::ansai::journal::journal_vacuum_actions;
use crate::imports::ansai::packages::package_cache_actions;
use crate::imports::ansai::packages::package_cache_probe::{self, Caches};

pub(crate) const FILES_PROBE: &str = "ansai:files/files-probe";
pub(crate) const FILES_ACTIONS: &str = "ansai:files/files-actions";
pub(crate) const QUARANTINE_ACTIONS: &str = "ansai:files/quarantine-actions";
pub(crate) const JOURNAL_PROBE: &str = "ansai:journal/journal-probe";
pub(crate) const JOURNAL_VACUUM_ACTIONS: &str = "ansai:journal/journal-vacuum-actions";
pub(crate) const PACKAGE_CACHE_PROBE: &str = "ansai:packages/package-cache-probe";
pub(crate) const PACKAGE_CACHE_ACTIONS: &str = "ansai:packages/package-cache-actions";

pub(crate) const CONTAINER_PROBE: &str = "ansai:container/container-probe";
pub(crate) const CONTAINER_CLEANUP_ACTIONS: &str = "ansai:container/container-cleanup-actions";

pub(crate) const REMOVE: &str = "ansai:files/files-actions.remove";
pub(crate) const COMPRESS: &str = "ansai:files/files-actions.compress";
pub(crate) const RECLAIM: &str = "ansai:files/quarantine-actions.reclaim";
pub(crate) const VACUUM: &str = "ansai:journal/journal-vacuum-actions.vacuum";
pub(crate) const CLEAN: &str = "ansai:packages/package-cache-actions.clean-cache";
pub(crate) const REMOVE_IMAGES: &str = "ansai:container/container-cleanup-actions.remove-images";
pub(crate) const REMOVE_VOLUMES: &str = "ansai:container/container-cleanup-actions.remove-unnamed-volumes";

ansai_sdk::host_calls! {
    "ansai:disk/disk-probe.list-filesystems" => fn filesystems() -> Filesystems = disk_probe::list_filesystems;
    "ansai:disk/disk-probe.list-unreadable" =>
        fn unreadable() -> Vec<UnreadableFilesystem> = disk_probe::list_unreadable;
    "ansai:files/files-probe.largest-directories" =>
        fn largest_directories(root: &str, depth: u32, cursor: Option<&str>) -> Usages = files_probe::largest_directories;
    "ansai:files/files-probe.measure-files" =>
        fn measure(what: &FileQuery, cursor: Option<&str>) -> Usages = files_probe::measure_files;
    "ansai:files/files-probe.list-files" =>
        fn list(what: &FileQuery, cursor: Option<&str>) -> Files = files_probe::list_files;
    "ansai:files/files-probe.locate" => fn locate(root: &str) -> Locations = files_probe::locate;
    "ansai:files/files-probe.list-deleted-open" => fn deleted_open() -> DeletedFiles = files_probe::list_deleted_open;
    "ansai:files/files-probe.list-held" => fn held() -> Quarantines = files_probe::list_held;
    "ansai:journal/journal-probe.usage" => fn journal() -> JournalUsage = journal_probe::usage;
    "ansai:packages/package-cache-probe.list-caches" => fn caches() -> Caches = package_cache_probe::list_caches;
    "ansai:container/container-probe.look" => fn engine(target: &str) -> Engine = container_probe::look;
    REMOVE => fn remove(what: &Selection, reason: &str) -> Preview = files_actions::remove;
    COMPRESS => fn compress(what: &Selection, reason: &str) -> Preview = files_actions::compress;
    RECLAIM => fn reclaim(mount: &str, enough_bytes: u64, reason: &str) -> Preview = quarantine_actions::reclaim;
    VACUUM => fn vacuum(keep_bytes: u64, reason: &str) -> Preview = journal_vacuum_actions::vacuum;
    REMOVE_IMAGES =>
        fn remove_images(target: &str, min_age_hours: u32, keep_tags: u32, dangling_only: bool, reason: &str) -> Preview =
            container_cleanup_actions::remove_images;
    REMOVE_VOLUMES =>
        fn remove_volumes(target: &str, min_age_hours: u32, reason: &str) -> Preview =
            container_cleanup_actions::remove_unnamed_volumes;
    CLEAN => fn clean(manager: &str, reason: &str) -> Preview = package_cache_actions::clean_cache;
}

ansai_sdk::lists! { 8 pages;
    /// All images of an engine.
    "ansai:container/container-probe.list-images" => fn images(target: &str) -> Image = container_probe::list_images;
    /// All volumes of an engine.
    "ansai:container/container-probe.list-volumes" => fn volumes(target: &str) -> Volume = container_probe::list_volumes;
}
