//! The list of faults.

use std::time::Duration;

/// How a fault is made and observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On the site, in real time.
    Site,
    /// On the site, in simulated hours: one step of the fault and one look of the contender for each.
    Hours,
}

/// A fault. Its steps are in `site/faults/NAME`.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Its name: that of chaosblade or chaosd where they have it.
    pub name: &'static str,
    /// The policy that is there for it.
    pub policy: &'static str,
    /// What happens, for the table.
    pub what: &'static str,
    /// How it is made.
    pub kind: Kind,
    /// How long the contenders have to heal it, in seconds; in simulated hours for [`Kind::Hours`].
    pub limit: u64,
}

impl Fault {
    /// How long after the start of the contenders the fault comes. Different for each fault, so that the schedules of the
    /// contenders favour nobody, and the same in each run.
    #[must_use]
    pub fn delay(&self) -> Duration {
        Duration::from_secs(self.name.bytes().fold(0, |sum: u64, byte| (sum * 31 + u64::from(byte)) % 30))
    }

    /// Whether it needs a PostgreSQL server.
    #[must_use]
    pub fn needs_postgresql(&self) -> bool {
        matches!(self.name, "connection-flood" | "lock")
    }

    /// Whether it needs a web server with a certificate, and an authority.
    #[must_use]
    pub fn needs_certificates(&self) -> bool {
        self.name == "certificate-expired"
    }

    /// The fault of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Fault> {
        FAULTS.iter().find(|fault| fault.name == name)
    }
}

const fn fault(name: &'static str, policy: &'static str, limit: u64, what: &'static str) -> Fault {
    Fault { name, policy, what, kind: Kind::Site, limit }
}

/// All faults, in the order of the table.
pub const FAULTS: &[Fault] = &[
    fault("process-kill", "service-failure", 90, "the application is killed"),
    fault("process-hang", "service-failure", 300, "the application is stopped (SIGSTOP): active, and answers nothing"),
    fault(
        "crash-loop",
        "service-failure",
        150,
        "the application fails up to its start limit; the cause ends after 20 s",
    ),
    fault(
        "dependency-down",
        "service-failure",
        240,
        "the database fails to start for 5 s, so the application is not started",
    ),
    fault("fd-leak", "service-failure", 300, "the application leaks file descriptors until it has none left"),
    Fault {
        name: "memory-leak",
        policy: "memory-leak",
        what: "the application leaks 8 MB an hour up to its limit of 440 MB",
        kind: Kind::Hours,
        limit: 60,
    },
    Fault {
        name: "certificate-expired",
        policy: "certificate-expiry",
        what: "the certificate of a web server has expired, and nothing renews it",
        kind: Kind::Hours,
        limit: 12,
    },
    fault("connection-flood", "database-health", 120, "idle sessions take 16 of 17 connections of PostgreSQL"),
    fault("lock", "database-health", 440, "a session locks a table of PostgreSQL and does nothing; others wait"),
    fault("disk-fill", "disk-space", 120, "an upload fills a file system to 92 %; old logs may be removed"),
    fault("inode-fill", "disk-space", 120, "sessions use 92 % of the inodes; old temporary files may be removed"),
    fault("deleted-but-open", "disk-space", 120, "a service holds a large deleted file open"),
    fault("read-only-disk", "service-failure", 240, "the file system of the application becomes read-only"),
    fault("slow-disk", "service-failure", 300, "each read of the application's disk takes 8 s"),
    fault("clock-skew", "disk-space", 120, "the clock jumps 60 days ahead while a file system of young files is full"),
];
