//! What is watched, each with its name: the key of its findings, its setting, and its series.

use ansai_sdk::Levels;

use crate::settings::Settings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Load,
    Processors,
    Memory,
    Swap,
    StalledProcessors,
    StalledMemory,
    StalledIo,
    OpenFiles,
    Threads,
    Clock,
    Restart,
}

impl What {
    pub(crate) const ALL: [What; 11] = [
        What::Load,
        What::Processors,
        What::Memory,
        What::Swap,
        What::StalledProcessors,
        What::StalledMemory,
        What::StalledIo,
        What::OpenFiles,
        What::Threads,
        What::Clock,
        What::Restart,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            What::Load => "load",
            What::Processors => "processors",
            What::Memory => "memory",
            What::Swap => "swap",
            What::StalledProcessors => "stalled_processors",
            What::StalledMemory => "stalled_memory",
            What::StalledIo => "stalled_io",
            What::OpenFiles => "open_files",
            What::Threads => "threads",
            What::Clock => "clock",
            What::Restart => "restart",
        }
    }

    /// Whether what is usual differs so much from host to host that it is learned.
    pub(crate) fn has_baseline(self) -> bool {
        use What::{Load, Processors, StalledIo, StalledMemory, StalledProcessors};
        matches!(self, Load | Processors | StalledProcessors | StalledMemory | StalledIo)
    }

    /// The thresholds; none for what has no number. A severity ends when the value is below its threshold by a tenth of the
    /// warning threshold.
    pub(crate) fn levels(self, settings: &Settings) -> Levels {
        let (warning, critical) = match self {
            What::Load => (settings.load_warning, Some(settings.load_critical)),
            What::Processors => (settings.processors_warning, None),
            What::Memory => (settings.memory_warning, Some(settings.memory_critical)),
            What::Swap => (settings.swap_warning, Some(settings.swap_critical)),
            What::StalledProcessors => (settings.stalled_processors_warning, None),
            What::StalledMemory => (settings.stalled_memory_warning, Some(settings.stalled_memory_critical)),
            What::StalledIo => (settings.stalled_io_warning, Some(settings.stalled_io_critical)),
            What::OpenFiles => (settings.open_files_warning, Some(settings.open_files_critical)),
            What::Threads => (settings.threads_warning, Some(settings.threads_critical)),
            What::Clock | What::Restart => return Levels::rising(),
        };
        let levels = Levels::rising().warning(warning).rearm(warning / 10.0);
        critical.map_or(levels, |critical| levels.critical(critical))
    }
}
