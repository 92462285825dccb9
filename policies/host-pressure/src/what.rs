//! What is watched: one line for each thing.

use ansai_sdk::{Host, Levels};

use crate::advice::{self, Advice};
use crate::reading::{self, Read};
use crate::settings::{Settings, Thresholds};

/// A thing that is watched.
pub(crate) struct What {
    /// The key of its findings, its setting, and its series.
    pub(crate) name: &'static str,
    /// Whether what is usual differs so much from host to host that it is learned.
    pub(crate) is_learned: bool,
    pub(crate) read: fn(&Settings, &Host) -> Read,
    pub(crate) advice: &'static Advice,
    /// None for what has no number.
    thresholds: Option<fn(&Settings) -> Thresholds>,
}

pub(crate) static ALL: [What; 11] = [
    level("load", |all| all.load, reading::load, &advice::PROCESSORS).learned(),
    level("processors", |all| all.processors, reading::processors, &advice::PROCESSORS).learned(),
    level("memory", |all| all.memory, reading::memory, &advice::MEMORY),
    level("swap", |all| all.swap, reading::swap, &advice::MEMORY),
    level("stalled_processors", |all| all.stalled_processors, reading::stalled_processors, &advice::PROCESSORS)
        .learned(),
    level("stalled_memory", |all| all.stalled_memory, reading::stalled_memory, &advice::MEMORY).learned(),
    level("stalled_io", |all| all.stalled_io, reading::stalled_io, &advice::DISKS).learned(),
    level("open_files", |all| all.open_files, reading::open_files, &advice::OPEN_FILES),
    level("threads", |all| all.threads, reading::threads, &advice::THREADS),
    state("clock", reading::clock, &advice::CLOCK),
    state("restart", reading::restart, &advice::RESTART),
];

const fn state(name: &'static str, read: fn(&Settings, &Host) -> Read, advice: &'static Advice) -> What {
    What { name, is_learned: false, read, advice, thresholds: None }
}

const fn level(
    name: &'static str,
    thresholds: fn(&Settings) -> Thresholds,
    read: fn(&Settings, &Host) -> Read,
    advice: &'static Advice,
) -> What {
    What { thresholds: Some(thresholds), ..state(name, read, advice) }
}

impl What {
    const fn learned(self) -> What {
        What { is_learned: true, ..self }
    }

    /// A severity ends when the value is below its threshold by a tenth of the warning threshold.
    pub(crate) fn levels(&self, settings: &Settings) -> Levels {
        let Some(thresholds) = self.thresholds else { return Levels::rising() };
        let Thresholds { warning, critical } = thresholds(settings);
        let levels = Levels::rising().warning(warning).rearm(warning / 10.0);
        critical.map_or(levels, |critical| levels.critical(critical))
    }
}
