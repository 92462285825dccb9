//! Measures for people, dashboards and the host's arithmetic.

use crate::port::*;

/// What some call answered, once for all file systems; `None` where it was not asked or not answered.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) deleted: Option<DeletedFiles>,
    pub(crate) held: Option<Vec<Held>>,
}

impl Waiting {
    /// Asked only when something is wrong: looking through all processes is not cheap.
    pub(crate) fn ask(host: &dyn Host) -> Waiting {
        Waiting { deleted: host.deleted_open().ok(), held: host.held().ok() }
    }

    fn deleted_on(&self, mount: &str) -> Option<u64> {
        let files = self.deleted.as_ref()?;
        Some(files.entries.iter().filter(|file| file.mount == mount).map(|file| file.bytes).sum())
    }

    fn held_on(&self, mount: &str) -> Option<u64> {
        Some(self.held.as_ref()?.iter().filter(|held| held.mount == mount).map(|held| held.bytes).sum())
    }

    /// What comes back when processes close files, and when quarantine ends.
    pub(crate) fn measures(&self, mount: &str) -> Vec<Measure> {
        let deleted = self.deleted_on(mount).map(|sum| bytes("deleted-but-open", sum));
        let held = self.held_on(mount).map(|sum| bytes("held-in-quarantine", sum));
        deleted.into_iter().chain(held).collect()
    }
}

pub(crate) fn bytes(name: &str, value: u64) -> Measure {
    Measure { name: name.into(), value: Value::Count(value), unit: Unit::Bytes }
}

pub(crate) fn count(name: &str, value: u64) -> Measure {
    Measure { name: name.into(), value: Value::Count(value), unit: Unit::None }
}

pub(crate) fn ratio(name: &str, value: f64) -> Measure {
    Measure { name: name.into(), value: Value::Number(value), unit: Unit::Ratio }
}

pub(crate) fn duration(name: &str, value: u64) -> Measure {
    Measure { name: name.into(), value: Value::Count(value), unit: Unit::Milliseconds }
}
