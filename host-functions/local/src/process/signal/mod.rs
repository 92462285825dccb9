//! `ansai:process/process-actions`.

mod disposition;
mod send;
mod target;

use ansai_core::scope::{TypedField, Words};
use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::service::fields::UNITS;

/// The granted signals.
pub const SIGNALS: TypedField<Words> =
    TypedField::words("signals", &["hup", "usr1", "usr2", "term"], "signals that may be sent");

/// The interface `ansai:process/process-actions`.
pub static PROCESS_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:process/process-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to send signals to processes of services",
        fields: &[UNITS.field(), SIGNALS.field()],
    },
    doctor: &[],
    functions: &[Function { name: "send", checks: &[Check::of("/signal", &SIGNALS)], body: Body::Action(&send::Send) }],
};

/// See the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sent {
    Hup,
    Usr1,
    Usr2,
    Term,
}

impl Sent {
    fn signal(self) -> Signal {
        match self {
            Sent::Hup => Signal::HUP,
            Sent::Usr1 => Signal::USR1,
            Sent::Usr2 => Signal::USR2,
            Sent::Term => Signal::TERM,
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Sent::Hup => "SIGHUP",
            Sent::Usr1 => "SIGUSR1",
            Sent::Usr2 => "SIGUSR2",
            Sent::Term => "SIGTERM",
        }
    }
}
