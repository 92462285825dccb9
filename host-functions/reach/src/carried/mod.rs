//! Calls of servers through the carrier of a host: the functions of these domains as the supervisor has them, and what
//! answers them in the process that calls servers.
//!
//! Both ends are here, because they share what crosses. The supervisor sends with each request what it needs and no more:
//! the targets that it is about, with their secrets, and the files of certificates that they trust. It believes nothing of
//! a reply: it reads it as the answer of that function, masks the secrets of those targets, and computes by itself what
//! locks and grants depend on.

mod action;
mod answer;
mod probe;
mod reply;
mod request;

use std::sync::LazyLock;

use ansai_kit::registry::{Body, Function, InterfaceDef};

use self::action::CarriedAction;
use self::probe::CarriedProbe;
pub use answer::{Answering, MOST_REPLY_BYTES, lost, refused};

/// Every interface of these domains. A host with a [carrier](ansai_kit::carrier::Carrier) answers them through it.
pub fn interfaces() -> &'static [&'static InterfaceDef] {
    static CARRIED: LazyLock<Vec<&'static InterfaceDef>> =
        LazyLock::new(|| crate::INTERFACES.iter().map(|entry| carried(entry)).collect());
    &CARRIED
}

/// The same interface through the carrier. It lives as long as the process, as the one that it stands for.
fn carried(entry: &'static InterfaceDef) -> &'static InterfaceDef {
    let function = |function: &'static Function| {
        let name = Name { interface: entry.interface.name.as_str(), function: function.name };
        let body = match function.body {
            Body::Remote(inner) => Body::Remote(Box::leak(Box::new(CarriedProbe { name, inner }))),
            Body::Action(inner) => {
                Body::Action(Box::leak(Box::new(CarriedAction { name, checks: function.checks, inner })))
            }
            body => body,
        };
        Function { body, ..*function }
    };
    let functions: Vec<Function> = entry.functions.iter().map(function).collect();
    Box::leak(Box::new(InterfaceDef { functions: functions.leak(), ..entry.clone() }))
}

/// Which function is called.
#[derive(Debug, Clone, Copy)]
struct Name {
    interface: &'static str,
    function: &'static str,
}
