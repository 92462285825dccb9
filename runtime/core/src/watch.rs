//! What wakes an instance between its scheduled evaluations.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// Something that an instance waits for, beside its time. When it happens, the policy is evaluated with what happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// One file, by its absolute path: it is created, changed, replaced or removed. It need not exist.
    File(String),
    /// The entries of one directory, by its absolute path, without those of the directories in it.
    Directory(String),
    /// Tasks wait for a resource.
    Pressure(Pressure),
    /// Services of systemd whose state changes, by name or shell pattern.
    Unit(String),
    /// Entries in the log of one service.
    Log(LogMatch),
}

/// Entries of the journal that one service of systemd writes, or systemd about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LogMatch {
    /// The service, by its name.
    pub unit: String,
    /// Entries of this priority and of more important ones.
    pub priority: Priority,
}

/// The priority of an entry (syslog(3)), the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Priority {
    Emerg,
    Alert,
    Crit,
    Err,
    Warning,
    Notice,
    Info,
    Debug,
}

/// Tasks wait for a resource for so long within a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pressure {
    /// What they wait for.
    pub of: Resource,
    /// How long at least one task waits.
    pub stall: Millis,
    /// Within this time.
    pub window: Millis,
}

/// A resource with pressure stall information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Resource {
    Cpu,
    Memory,
    Io,
}

/// A watch of one instance, and who asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What is watched.
    pub watch: Watch,
    /// Who asks for it.
    pub by: WantedBy,
}

/// Who asks for a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedBy {
    /// The manifest. It needs the grant of the probe that looks at the same.
    Policy,
    /// The configuration, which is the grant.
    Operator,
}

impl Wanted {
    /// What the operator wants instead of what the manifest says, if anything.
    ///
    /// ```
    /// use ansai_core::watch::{Wanted, WantedBy, Watch};
    /// let file = [Watch::File("/etc/hosts".into())];
    /// assert_eq!(Wanted::of(&file, None)[0].by, WantedBy::Policy);
    /// assert_eq!(Wanted::of(&file, Some(&[])), []);
    /// ```
    pub fn of(policy: &[Watch], operator: Option<&[Watch]>) -> Vec<Wanted> {
        let (watches, by) = match operator {
            Some(watches) => (watches, WantedBy::Operator),
            None => (policy, WantedBy::Policy),
        };
        watches.iter().map(|watch| Wanted { watch: watch.clone(), by }).collect()
    }
}

impl Pressure {
    /// The bounds of a window: those of the kernel, 500 ms to 10 s.
    pub const WINDOW: (Millis, Millis) = (Millis::new(500), Millis::new(10_000));

    /// For processes without privileges, the kernel accepts only multiples of this.
    pub const UNPRIVILEGED: Millis = Millis::new(2_000);
}

impl Resource {
    /// Every resource by its name.
    pub const ALL: &[(&str, Resource)] = &[("cpu", Resource::Cpu), ("memory", Resource::Memory), ("io", Resource::Io)];

    /// Its name, in files and for people.
    pub fn name(self) -> &'static str {
        match self {
            Resource::Cpu => "cpu",
            Resource::Memory => "memory",
            Resource::Io => "io",
        }
    }
}

impl Priority {
    /// Every priority by its name.
    pub const ALL: &[(&str, Priority)] = &[
        ("emerg", Priority::Emerg),
        ("alert", Priority::Alert),
        ("crit", Priority::Crit),
        ("err", Priority::Err),
        ("warning", Priority::Warning),
        ("notice", Priority::Notice),
        ("info", Priority::Info),
        ("debug", Priority::Debug),
    ];

    /// Its name, in files, for people and for journalctl.
    pub fn name(self) -> &'static str {
        Priority::ALL.iter().find(|(_, one)| *one == self).map_or("debug", |(name, _)| name)
    }
}

impl std::fmt::Display for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Watch::File(path) => write!(f, "file {path}"),
            Watch::Directory(path) => write!(f, "directory {path}"),
            Watch::Pressure(Pressure { of, stall, window }) => {
                write!(f, "{} pressure, {stall} of {window}", of.name())
            }
            Watch::Unit(name) => write!(f, "unit {name}"),
            Watch::Log(LogMatch { unit, priority }) => write!(f, "log of {unit}, {}", priority.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_read_well() {
        let pressure = Pressure { of: Resource::Io, stall: Millis::new(150), window: Millis::new(2_000) };
        assert_eq!(Watch::Pressure(pressure).to_string(), "io pressure, 150 ms of 2 s");
        assert_eq!(Watch::Unit("nginx.service".into()).to_string(), "unit nginx.service");
        assert_eq!(Watch::File("/etc/hosts".into()).to_string(), "file /etc/hosts");
        let log = LogMatch { unit: "nginx.service".into(), priority: Priority::Err };
        assert_eq!(Watch::Log(log).to_string(), "log of nginx.service, err");
        assert!(Priority::ALL.iter().all(|(name, of)| of.name() == *name));
        assert!(Resource::ALL.iter().all(|(name, of)| of.name() == *name));
    }
}
