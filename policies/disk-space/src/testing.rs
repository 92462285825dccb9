//! Helpers of the unit tests.

use ansai_sdk::testing::{StandIn, default_settings};
use ansai_sdk::{FromSettings as _, Subject};
use serde_json::Value;

use crate::imports::ansai::disk::disk_probe::{Filesystem, Filesystems, Inodes};
use crate::settings::Settings;

/// The defaults of the schema, with some replaced.
pub(crate) fn json(change: impl FnOnce(&mut Value)) -> String {
    let mut settings = default_settings(include_str!("../settings.schema.json"));
    change(&mut settings);
    settings.to_string()
}

pub(crate) fn settings(change: impl FnOnce(&mut Value)) -> Settings {
    Settings::from_settings(&json(change)).unwrap()
}

/// A local file system with plenty of inodes.
pub(crate) fn filesystem(mount: &str, total_bytes: u64, available_bytes: u64) -> Filesystem {
    Filesystem {
        about: Subject::new("filesystem", mount),
        mount: mount.into(),
        kind: "ext4".into(),
        device: "/dev/sda1".into(),
        read_only: false,
        remote: false,
        total_bytes,
        available_bytes,
        reserved_bytes: 0,
        inodes: Some(Inodes { total: 1000, free: 900 }),
    }
}

/// A host with these file systems.
pub(crate) fn listing(entries: Vec<Filesystem>) -> StandIn {
    StandIn::default().answers("ansai:disk/disk-probe.list-filesystems", Filesystems { entries, skipped: 0 })
}
