//! What is watched: one line for each thing.

use ansai_sdk::{Host, Levels};

use crate::advice::{Advice, CLOCK, DISKS, MEMORY, OPEN_FILES, PROCESSORS, RESTART, THREADS};
use crate::calls::{open_files, threads};
use crate::imports::ansai::system::system_probe::Pressured;
use crate::reading::{self, Read, in_use, stalled};
use crate::settings::Settings;

type Reader = fn(&Settings, &Host) -> Read;
type LevelsOf = fn(&Settings) -> Levels;

/// A thing that is watched.
pub(crate) struct What {
    /// The key of its findings, its setting, and its series.
    pub(crate) name: &'static str,
    /// Those of the settings. What has no number has none.
    pub(crate) levels: LevelsOf,
    pub(crate) read: Reader,
    pub(crate) advice: &'static Advice,
    /// Whether what is usual differs so much from host to host that it is learned.
    pub(crate) is_learned: bool,
}

pub(crate) static ALL: [What; 11] = [
    learned("load", |all| all.load, reading::load, &PROCESSORS),
    learned("processors", |all| all.processors, reading::processors, &PROCESSORS),
    what("memory", |all| all.memory, reading::memory, &MEMORY),
    what("swap", |all| all.swap, reading::swap, &MEMORY),
    learned("stalled_processors", |all| all.stalled_processors, |_, host| stalled(host, Pressured::Cpu), &PROCESSORS),
    learned("stalled_memory", |all| all.stalled_memory, |_, host| stalled(host, Pressured::Memory), &MEMORY),
    learned("stalled_io", |all| all.stalled_io, |_, host| stalled(host, Pressured::Io), &DISKS),
    what("open_files", |all| all.open_files, |_, host| in_use(open_files(host)?, host, "open file"), &OPEN_FILES),
    what("threads", |all| all.threads, |_, host| in_use(threads(host)?, host, "thread"), &THREADS),
    what("clock", |_| Levels::rising(), reading::clock, &CLOCK),
    what("restart", |_| Levels::rising(), reading::restart, &RESTART),
];

const fn what(name: &'static str, levels: LevelsOf, read: Reader, advice: &'static Advice) -> What {
    What { name, levels, read, advice, is_learned: false }
}

const fn learned(name: &'static str, levels: LevelsOf, read: Reader, advice: &'static Advice) -> What {
    What { is_learned: true, ..what(name, levels, read, advice) }
}
