//! Helpers of the unit tests.

use ansai_sdk::testing::StandIn;
use ansai_sdk::{FromSettings as _, Subject};
use serde_json::Value;

use crate::imports::ansai::disk::disk_probe::{Filesystem, Filesystems, Inodes};
use crate::settings::Settings;

const HOUR: u64 = 3_600_000;

/// The defaults of the schema, with some replaced.
pub(crate) fn json(change: impl FnOnce(&mut Value)) -> String {
    let schema: Value = serde_json::from_str(include_str!("../settings.schema.json")).unwrap();
    let mut settings = defaults(&schema);
    // In the units that the host uses.
    for (name, amount) in [
        ("/logs_older_than", 30 * 24 * HOUR),
        ("/compress_logs_older_than", 24 * HOUR),
        ("/temp_files_older_than", 7 * 24 * HOUR),
        ("/journal_size", 100 << 20),
        ("/forecast/min_span", 6 * HOUR),
    ] {
        *settings.pointer_mut(name).unwrap() = amount.into();
    }
    change(&mut settings);
    settings.to_string()
}

fn defaults(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().unwrap();
    let default = |(name, one): (&String, &Value)| {
        let value = if one["type"] == "object" { defaults(one) } else { one["default"].clone() };
        assert!(!value.is_null(), "{name} has no default");
        (name.clone(), value)
    };
    properties.iter().map(default).collect::<serde_json::Map<_, _>>().into()
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
