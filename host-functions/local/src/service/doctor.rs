//! Whether the system bus answers.

use std::time::Duration;

use ansai_kit::doctor::{Answer, Circumstances, Finding};

use super::systemd::{Systemd, manager_version};

/// A person waits for it.
const LIMIT: Duration = Duration::from_secs(2);

/// Whether systemd answers on D-Bus.
pub(super) fn bus(around: &Circumstances<'_>) -> Finding {
    const WHAT: &str = "systemd on D-Bus";
    let systemd = match Systemd::of(around.host) {
        Ok(systemd) => systemd,
        Err(_) => {
            return Finding::new(WHAT, Answer::Missing, "systemd does not manage this host")
                .hint("no action needed if another manager runs the services");
        }
    };
    match systemd.ask(LIMIT, async move |open| manager_version(&open.connection).await) {
        Ok(version) => Finding::new(WHAT, Answer::Ok, format!("version {version}")),
        Err(error) => Finding::new(WHAT, Answer::Unknown, error.to_string())
            .hint("check dbus.service, and run as a user who may use /run/dbus/system_bus_socket"),
    }
}
