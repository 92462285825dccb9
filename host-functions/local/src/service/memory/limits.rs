//! `MemoryHigh=` of a service, as systemd has it and sets it.
#![allow(clippy::disallowed_methods, reason = "an adapter to the files of systemd")]

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

/// Removes that file of a service that does not exist any more, if it says what the step has set: systemd would apply it to
/// a service that gets the same name.
pub(super) fn remove_drop_in_of_gone(host: &Host, id: &str, bytes: u64) {
    let Ok(text) = std::fs::read_to_string(host.path(drop_in(id))) else { return };
    if text.lines().any(|line| line == format!("MemoryHigh={bytes}")) {
        remove_drop_in(host, id);
    }
}

/// Removes that file: it would hide what an operator writes into the unit file later.
pub(super) fn remove_drop_in(host: &Host, id: &str) {
    // What cannot be removed says the same as the unit file, and is gone with the next boot.
    let _left = unlinkat(CWD, host.path(drop_in(id)), AtFlags::empty());
    let _not_empty = unlinkat(CWD, host.path(drop_in_directory(id)), AtFlags::REMOVEDIR);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Would break: a limit for the next service of this name, and one of somebody else that is removed.
    #[test]
    fn of_a_service_that_is_gone_only_the_limit_of_the_step_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path());
        let file = host.path(drop_in("hog.service"));
        for (says, stays) in [(80, false), (90, true)] {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, format!("# Do not edit.\n[Service]\nMemoryHigh={says}\n")).unwrap();
            remove_drop_in_of_gone(&host, "hog.service", 80);
            assert_eq!((file.exists(), file.parent().unwrap().exists()), (stays, stays));
        }
    }
}
