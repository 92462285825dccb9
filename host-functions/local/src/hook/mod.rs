//! `ansai:hook`: the operator's own commands and URLs, `[hook.NAME]`.
//!
//! A policy names a hook and chooses values out of the lists of the operator. `resolved` turns that into the one command
//! or request that is meant; `command` and `request` run it; `answer` reads what it says.
//!
//! It is here and not in `ansai-reach`, although a hook can be a URL: a command needs root to become another user. The process
//! that calls servers sends the requests, by its [`HANDLER`].

mod actions;
mod answer;
mod call;
mod command;
mod fields;
mod probe;
mod request;
mod resolved;

use ansai_core::hook::HOOK;
use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity, Subject};
use ansai_kit::authorize::Check;
use ansai_kit::carrier::Handler;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::{Remote, Server};

/// Sends the requests of hooks, in the process that calls servers.
pub const HANDLER: &dyn Handler = &request::Exchanges;

const NAMED: &[Check] = &[Check::of("/hook", &fields::HOOKS)];

/// The interface `ansai:hook/hook-probe`.
pub static HOOK_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:hook/hook-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        // What it answers with is content, and it may call a server.
        sensitivity: Sensitivity::Outgoing,
        ability: "ask the operator's own commands and URLs that only read",
        fields: fields::PROBE,
    },
    doctor: &[],
    functions: &[Function {
        name: "ask",
        checks: NAMED,
        body: Body::Remote(&Remote { server: |ask: &probe::Ask| Server::Hook(ask.hook.clone()), call: probe::ask }),
    }],
};

/// The interface `ansai:hook/hook-actions`.
pub static HOOK_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:hook/hook-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Outgoing,
        ability: "propose to run the operator's own commands and URLs, and to wait until they are healthy",
        fields: fields::ACTIONS,
    },
    doctor: &[],
    functions: &[
        Function { name: "run", checks: NAMED, body: Body::Action(&actions::Run) },
        Function { name: "check", checks: NAMED, body: Body::Action(&actions::Check) },
    ],
};

fn subject(name: &str) -> Subject {
    Subject::new(HOOK, name)
}
