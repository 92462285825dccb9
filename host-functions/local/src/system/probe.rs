//! `ansai:system/system-probe`.

use ansai_core::{Interface, InterfaceKind, InterfaceName, Millis, Refusal, Sensitivity};
use serde::{Deserialize, Serialize};

use super::limits::{self, InUse};
use super::pressure::{self, Pressured, Stall};
use super::procfs::{CpuTime, LoadAverage, MemoryState};
use super::restart::{self, Restart};
use super::{kernel, procfs};
use ansai_kit::call::NoArguments;
use ansai_kit::function::{Inline, Probe};
use ansai_kit::host::ProbeContext;
use ansai_kit::host_clock;
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// Answers at once on this machine, where the files are the kernel's. With another root directory they may be anything,
/// and reading them may block.
macro_rules! inline {
    ($function:ident) => {
        Body::Inline(&Inline {
            at_once: |ask, arguments| ask.host.is_this_machine().then(|| $function(ask, *arguments)),
            probe: $function,
        })
    };
}

/// The interface `ansai:system/system-probe`.
pub static SYSTEM_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:system/system-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see load, memory, pressure and limits of the kernel",
        fields: &[],
    },
    doctor: &[],
    functions: &[
        Function { name: "load", checks: &[], body: inline!(load) },
        Function { name: "cpu", checks: &[], body: inline!(cpu) },
        Function { name: "memory", checks: &[], body: inline!(memory) },
        Function { name: "pressure", checks: &[], body: inline!(pressure) },
        Function { name: "uptime", checks: &[], body: inline!(uptime) },
        Function { name: "open-files", checks: &[], body: inline!(open_files) },
        Function { name: "threads", checks: &[], body: inline!(threads) },
        Function { name: "clock-synchronized", checks: &[], body: inline!(clock_synchronized) },
        Function { name: "restart-needed", checks: &[], body: Body::Probe(&Probe(restart_needed)) },
    ],
};

fn load(ask: &ProbeContext<'_>, _: NoArguments) -> Result<LoadAverage, Refusal> {
    if ask.host.is_this_machine() { kernel::load() } else { procfs::load(ask.host) }
}

fn cpu(ask: &ProbeContext<'_>, _: NoArguments) -> Result<CpuTime, Refusal> {
    procfs::cpu(ask.host)
}

fn memory(ask: &ProbeContext<'_>, _: NoArguments) -> Result<MemoryState, Refusal> {
    if ask.host.is_this_machine() { kernel::memory() } else { procfs::memory(ask.host) }
}

fn uptime(ask: &ProbeContext<'_>, _: NoArguments) -> Result<Millis, Refusal> {
    if ask.host.is_this_machine() { kernel::uptime() } else { procfs::uptime(ask.host) }
}

fn open_files(ask: &ProbeContext<'_>, _: NoArguments) -> Result<InUse, Refusal> {
    limits::open_files(ask.host)
}

fn threads(ask: &ProbeContext<'_>, _: NoArguments) -> Result<InUse, Refusal> {
    limits::threads(ask.host)
}

fn clock_synchronized(ask: &ProbeContext<'_>, _: NoArguments) -> Result<bool, Refusal> {
    if ask.host.is_this_machine() {
        return Ok(host_clock::read().is_synchronized);
    }
    Err(Refusal::Unsupported("only the kernel of this machine says whether its clock is synchronized".into()))
}

fn restart_needed(ask: &ProbeContext<'_>, _: NoArguments) -> Result<Restart, Refusal> {
    restart::needed(ask.host)
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Pressure {
    what: Pressured,
}

fn pressure(ask: &ProbeContext<'_>, Pressure { what }: Pressure) -> Result<Stall, Refusal> {
    pressure::read(ask.host, what)
}
