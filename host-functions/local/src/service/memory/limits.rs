//! `MemoryHigh=` of a service, as systemd has it and sets it.

use std::time::Duration;

use ansai_kit::host::Host;
use rustix::fs::{AtFlags, CWD, statat, unlinkat};
use zbus::{OwnedObjectPath, Variant};

use crate::bus::{BusError, Open};
use crate::service::systemd::{SERVICE, Systemd, manager, properties};

/// As systemd writes "no limit".
const INFINITY: u64 = u64::MAX;
/// Where systemd keeps what was set until the next boot.
const CONTROL: &str = "/run/systemd/system.control";
/// The file that it makes for this property.
const DROP_IN: &str = "50-MemoryHigh.conf";

/// What systemd says of a service.
pub(super) struct Limits {
    /// The path of its control group; empty if it does not run.
    pub(super) group: String,
    /// `None` without a limit.
    pub(super) high: Option<u64>,
}

impl Limits {
    /// # Errors
    /// The bus or systemd does not answer, or does not know the limit.
    pub(super) fn of(systemd: &Systemd, limit: Duration, id: &str) -> Result<Limits, BusError> {
        let id = id.to_owned();
        systemd.ask(limit, async move |open: Open| {
            let path: OwnedObjectPath = manager(&open.connection, "LoadUnit", &(id.as_str(),)).await?;
            let read = properties(&open.connection, &path, SERVICE).await?;
            let high = read.number("MemoryHigh").ok_or_else(|| BusError::Invalid("no number MemoryHigh".into()))?;
            Ok(Limits {
                group: read.text_or_empty("ControlGroup").to_owned(),
                high: (high != INFINITY).then_some(high),
            })
        })
    }
}

/// Sets it until the next boot, as `systemctl set-property --runtime` does.
pub(super) fn set(systemd: &Systemd, limit: Duration, id: &str, high: Option<u64>) -> Result<(), BusError> {
    let id = id.to_owned();
    systemd.ask(limit, async move |open: Open| {
        let properties = vec![("MemoryHigh", Variant::from(high.unwrap_or(INFINITY)))];
        manager(&open.connection, "SetUnitProperties", &(id.as_str(), true, properties)).await
    })
}

/// The file of the host that systemd makes for it.
pub(super) fn drop_in(id: &str) -> String {
    format!("{}/{DROP_IN}", drop_in_directory(id))
}

pub(super) fn drop_in_directory(id: &str) -> String {
    format!("{CONTROL}/{id}.d")
}

pub(super) fn has_drop_in(host: &Host, id: &str) -> bool {
    statat(CWD, host.path(drop_in(id)), AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// Removes that file: it would hide what an operator writes into the unit file later.
pub(super) fn remove_drop_in(host: &Host, id: &str) {
    // What cannot be removed says the same as the unit file, and is gone with the next boot.
    let _left = unlinkat(CWD, host.path(drop_in(id)), AtFlags::empty());
    let _not_empty = unlinkat(CWD, host.path(drop_in_directory(id)), AtFlags::REMOVEDIR);
}
