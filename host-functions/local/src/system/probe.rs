//! `ansai:system/system-probe`.

use ansai_core::{Interface, InterfaceKind, Sensitivity};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{kernel, procfs};
use ansai_kit::call::{NoArguments, Reply, typed};
use ansai_kit::host::ProbeContext;
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The kernel's own files never keep anybody waiting; another root may hold anything in their place.
macro_rules! prompt {
    ($body:ident) => {
        Body::Inline {
            at_once: |ask, arguments| ask.host.is_this_machine().then(|| $body(ask, arguments)),
            body: $body,
        }
    };
}

/// The interface.
pub static SYSTEM_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: "ansai:system/system-probe",
        version: "0.1.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see load, memory and pressure",
        fields: &[],
    },
    functions: &[
        Function { name: "load", checks: &[], body: prompt!(load) },
        Function { name: "cpu", checks: &[], body: prompt!(cpu) },
        Function { name: "memory", checks: &[], body: prompt!(memory) },
        Function { name: "pressure", checks: &[], body: prompt!(pressure) },
        Function { name: "uptime", checks: &[], body: prompt!(uptime) },
    ],
};

fn load(ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
    typed(arguments, |NoArguments {}| if ask.host.is_this_machine() { kernel::load() } else { procfs::load(ask.host) })
}

fn cpu(ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
    typed(arguments, |NoArguments {}| procfs::cpu(ask.host))
}

fn memory(ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
    typed(
        arguments,
        |NoArguments {}| if ask.host.is_this_machine() { kernel::memory() } else { procfs::memory(ask.host) },
    )
}

fn uptime(ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
    typed(
        arguments,
        |NoArguments {}| if ask.host.is_this_machine() { kernel::uptime() } else { procfs::uptime(ask.host) },
    )
}

#[derive(Deserialize)]
struct Pressure {
    what: procfs::Pressured,
}

fn pressure(ask: &ProbeContext<'_>, arguments: &RawValue) -> Reply {
    typed(arguments, |Pressure { what }| procfs::pressure(ask.host, what))
}
