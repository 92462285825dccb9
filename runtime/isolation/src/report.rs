//! Which separations of a child are in force.

use ansai_core::text::inert;
use serde::{Deserialize, Serialize};

/// The largest report, in bytes.
pub const MOST_BYTES: usize = 16 << 10;
/// Characters of a reason.
const MOST_CHARACTERS: usize = 200;

/// What a child is for, which decides what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Runs guest code: no files, no network, no programs. It reads and writes what it has and computes.
    Guest,
    /// Runs clients of servers, over connections that the supervisor opens: no network, and the certificates of the system.
    Reach,
    /// Looks up names of hosts: network, and the files of the system that names need.
    Lookup,
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 3] = [Profile::Guest, Profile::Reach, Profile::Lookup];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Guest => "guest",
            Profile::Reach => "reach",
            Profile::Lookup => "lookup",
        }
    }

    /// The user of its processes, if the host has one of this name.
    pub fn user(self) -> &'static str {
        match self {
            Profile::Guest => "ansai-guest",
            Profile::Reach => "ansai-reach",
            Profile::Lookup => "ansai-lookup",
        }
    }

    /// The separations that it has where everything is possible.
    pub fn separations(self) -> impl Iterator<Item = Separation> {
        Separation::ALL.into_iter().filter(move |separation| separation.is_of(self))
    }
}

/// One thing that keeps a child apart from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separation {
    /// A user of its own, without other groups.
    User,
    /// No capabilities, also none to gain by starting a program.
    Privileges,
    /// It sees no other process.
    Processes,
    /// No network interface, not even loopback.
    Network,
    /// It cannot make a socket, nor connect one that it has to another address (system calls).
    Sockets,
    /// No shared memory, semaphores and message queues of others.
    Ipc,
    /// It cannot change the name of the host.
    HostName,
    /// An empty root directory.
    RootDirectory,
    /// The kernel's rules for files and TCP ports (Landlock).
    Landlock,
    /// Abstract sockets and signals end at its border (Landlock's scopes).
    Scopes,
    /// A list of permitted system calls (seccomp).
    SystemCalls,
    /// Limits of memory, files, processes and what it writes.
    Limits,
    /// Nobody but root can read or trace it, and it leaves no core dump.
    Memory,
}

impl Separation {
    /// All of them, in the order of a report.
    pub const ALL: [Separation; 13] = [
        Separation::User,
        Separation::Privileges,
        Separation::Processes,
        Separation::Network,
        Separation::Sockets,
        Separation::Ipc,
        Separation::HostName,
        Separation::RootDirectory,
        Separation::Landlock,
        Separation::Scopes,
        Separation::SystemCalls,
        Separation::Limits,
        Separation::Memory,
    ];

    /// Whether a child with this profile has it where everything is possible. Only guest code reads no file of the system, and
    /// only lookups use the network.
    pub fn is_of(self, profile: Profile) -> bool {
        match self {
            Separation::RootDirectory => profile == Profile::Guest,
            Separation::Network | Separation::Sockets => profile != Profile::Lookup,
            _ => true,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Separation::User => "user",
            Separation::Privileges => "privileges",
            Separation::Processes => "processes",
            Separation::Network => "network",
            Separation::Sockets => "sockets",
            Separation::Ipc => "ipc",
            Separation::HostName => "host name",
            Separation::RootDirectory => "root directory",
            Separation::Landlock => "landlock",
            Separation::Scopes => "scopes",
            Separation::SystemCalls => "system calls",
            Separation::Limits => "limits",
            Separation::Memory => "memory",
        }
    }
}

/// What a child says of itself before it reads the first frame. It says it while it is still trusted; a frame that comes
/// later is never a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What the child is for.
    pub profile: Profile,
    /// Its user, as a number.
    pub uid: u32,
    /// Each separation of its profile that is not in force, with the reason.
    pub missing: Vec<Missing>,
}

/// A separation that is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// Which one.
    pub separation: Separation,
    /// Why.
    pub why: String,
}

impl Report {
    /// Whether this separation is in force.
    pub fn has(&self, separation: Separation) -> bool {
        separation.is_of(self.profile) && self.why_not(separation).is_none()
    }

    /// Why this separation is not in force.
    pub fn why_not(&self, separation: Separation) -> Option<&str> {
        self.missing.iter().find(|missing| missing.separation == separation).map(|missing| missing.why.as_str())
    }

    /// The names of the separations that are not in force; `None` if all are.
    pub fn missing_names(&self) -> Option<String> {
        let names: Vec<&str> = self.missing.iter().map(|missing| missing.separation.name()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The report in a child's first frame, with its texts on one safe line each.
    pub(crate) fn from_child(frame: &[u8]) -> Option<Report> {
        let mut report: Report = serde_json::from_slice(frame).ok()?;
        for missing in &mut report.missing {
            missing.why = inert(&missing.why, MOST_CHARACTERS);
        }
        Some(report)
    }
}
