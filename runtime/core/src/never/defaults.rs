//! What no step touches unless the operator allows it, for units of Debian and Fedora and their relatives.

use std::sync::LazyLock;

use crate::NamePattern;

/// The kind of all defaults. Processes have none: they have no canonical name, and a step names the unit of a process.
pub const UNIT: &str = "unit";

/// Cannot be allowed: a step of ansai would end ansai, or the manager that runs it.
const ALWAYS: &[&str] = &["ansai*", "init.scope"];

/// Without these, a host loses its log, its devices, its network or its logins, or it stops.
const BY_DEFAULT: &[&str] = &[
    "NetworkManager*",
    "autovt@*",
    "connman*",
    "console-getty.service",
    "container-getty@*",
    "dbus*",
    "dhcpcd*",
    "dropbear*",
    "elogind*",
    "emergency.service",
    "getty@*",
    "ifup@*",
    "initrd-*",
    "iwd.service",
    "network.service",
    "networking.service",
    "rescue.service",
    "serial-getty@*",
    "session-*.scope",
    "ssh.*",
    "ssh@*",
    "sshd-*",
    "sshd.*",
    "sshd@*",
    "systemd-exit.service",
    "systemd-halt.service",
    "systemd-hibernate*",
    "systemd-hybrid-sleep.service",
    "systemd-journald*",
    "systemd-kexec.service",
    "systemd-logind*",
    "systemd-networkd*",
    "systemd-poweroff.service",
    "systemd-reboot.service",
    "systemd-resolved*",
    "systemd-soft-reboot.service",
    "systemd-suspend*",
    "systemd-udevd*",
    "systemd-userdbd*",
    "user-runtime-dir@*",
    "user@*",
    "wpa_supplicant*",
];

/// One default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultEntry {
    /// The names that it covers.
    pub pattern: NamePattern,
    /// Whether the operator can allow a name that it covers.
    pub can_be_allowed: bool,
}

/// All defaults, those that cannot be allowed first.
pub fn defaults() -> &'static [DefaultEntry] {
    static ENTRIES: LazyLock<Vec<DefaultEntry>> = LazyLock::new(|| {
        let entry = |text: &str, can_be_allowed| {
            let pattern = NamePattern::new(text).ok()?;
            Some(DefaultEntry { pattern, can_be_allowed })
        };
        let always = ALWAYS.iter().filter_map(|text| entry(text, false));
        always.chain(BY_DEFAULT.iter().filter_map(|text| entry(text, true))).collect()
    });
    &ENTRIES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_pattern() {
        assert_eq!(defaults().len(), ALWAYS.len() + BY_DEFAULT.len());
    }
}
