//! The probe and the actions for SQLite, with their names in grants and attempts.

use ansai_sdk::Preview;

use crate::imports::ansai::sqlite::sqlite_actions;
use crate::imports::ansai::sqlite::sqlite_probe::{self, Database, Depth};

pub(super) const PROBE: &str = "ansai:sqlite/sqlite-probe";
pub(super) const CHECKPOINT: &str = "ansai:sqlite/sqlite-actions.checkpoint";
pub(super) const VACUUM: &str = "ansai:sqlite/sqlite-actions.vacuum";
pub(super) const COPY: &str = "ansai:sqlite/sqlite-actions.copy";
pub(super) const RECOVER: &str = "ansai:sqlite/sqlite-actions.recover-copy";

ansai_sdk::host_calls! {
    "ansai:sqlite/sqlite-probe.look" => fn look(path: &str, depth: Depth) -> Database = sqlite_probe::look;
    CHECKPOINT => fn checkpoint(path: &str, reason: &str) -> Preview = sqlite_actions::checkpoint;
    VACUUM => fn vacuum(path: &str, within: u64, reason: &str) -> Preview = sqlite_actions::vacuum;
    COPY => fn copy(path: &str, into: &str, within: u64, reason: &str) -> Preview = sqlite_actions::copy;
    RECOVER => fn recover_copy(path: &str, into: &str, within: u64, reason: &str) -> Preview =
        sqlite_actions::recover_copy;
}
