//! What is watched: one line for each thing.

use ansai_sdk::{Host, Levels};

use crate::advice::{self, Advice};
use crate::calls::{open_files, threads};
use crate::imports::ansai::system::system_probe::Pressured;
use crate::reading::{self, Read, in_use, stalled};
use crate::settings::Settings;

/// A thing that is watched.
pub(crate) struct What {
    /// The key of its findings, its setting, and its series.
    pub(crate) name: &'static str,
    /// Those of the settings. What has no number has none.
    pub(crate) levels: fn(&Settings) -> Levels,
    pub(crate) read: fn(&Settings, &Host) -> Read,
    pub(crate) advice: &'static Advice,
    /// Whether what is usual differs so much from host to host that it is learned.
    pub(crate) is_learned: bool,
}

pub(crate) static ALL: [What; 11] = [
    what("load", |all| all.load, reading::load, &advice::PROCESSORS).learned(),
    what("processors", |all| all.processors, reading::processors, &advice::PROCESSORS).learned(),
    what("memory", |all| all.memory, reading::memory, &advice::MEMORY),
    what("swap", |all| all.swap, reading::swap, &advice::MEMORY),
    what(
        "stalled_processors",
        |all| all.stalled_processors,
        |_, host| stalled(host, Pressured::Cpu),
        &advice::PROCESSORS,
    )
    .learned(),
    what("stalled_memory", |all| all.stalled_memory, |_, host| stalled(host, Pressured::Memory), &advice::MEMORY)
        .learned(),
    what("stalled_io", |all| all.stalled_io, |_, host| stalled(host, Pressured::Io), &advice::DISKS).learned(),
    what(
        "open_files",
        |all| all.open_files,
        |_, host| in_use(open_files(host)?, host, "open file"),
        &advice::OPEN_FILES,
    ),
    what("threads", |all| all.threads, |_, host| in_use(threads(host)?, host, "thread"), &advice::THREADS),
    what("clock", |_| Levels::rising(), reading::clock, &advice::CLOCK),
    what("restart", |_| Levels::rising(), reading::restart, &advice::RESTART),
];

const fn what(
    name: &'static str,
    levels: fn(&Settings) -> Levels,
    read: fn(&Settings, &Host) -> Read,
    advice: &'static Advice,
) -> What {
    What { name, levels, read, advice, is_learned: false }
}

impl What {
    const fn learned(self) -> What {
        What { is_learned: true, ..self }
    }
}
