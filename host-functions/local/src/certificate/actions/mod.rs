//! `ansai:certificate/certificate-actions`.

mod check_served;
mod check_staged;
pub(super) mod install;
mod reload;
mod renew;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Outcome, Sensitivity};
use ansai_kit::action::Applied;
use ansai_kit::authorize::Check;
use ansai_kit::carrier::Handler;
use ansai_kit::registry::{Body, Function, InterfaceDef};

use super::fields;

/// Looks at what a server presents, for `check-served`, in the process that calls servers.
pub const HANDLER: &dyn Handler = &check_served::LooksAtServer;

const LINEAGE: Check = Check::of("/lineage", &fields::LINEAGES);
const TARGET: Check = Check::of("/target", &fields::TARGETS);

/// The interface `ansai:certificate/certificate-actions`.
pub static CERTIFICATE_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:certificate/certificate-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Outgoing,
        ability: "propose to renew certificates, install them, and check that servers present them",
        fields: fields::ACTIONS,
    },
    doctor: &[],
    functions: &[
        Function { name: "renew", checks: &[LINEAGE], body: Body::Action(&renew::Renew) },
        Function { name: "check-staged", checks: &[LINEAGE, TARGET], body: Body::Action(&check_staged::CheckStaged) },
        Function { name: "install", checks: &[LINEAGE, TARGET], body: Body::Action(&install::Install) },
        Function { name: "reload", checks: &[TARGET], body: Body::Action(&reload::Reload) },
        Function {
            name: "check-served",
            checks: &[TARGET, Check::of("/endpoint/address", &fields::ENDPOINTS)],
            body: Body::Action(&check_served::CheckServed),
        },
    ],
};

/// The outcome of a step that treats one thing.
fn applied(target: &str, outcome: Outcome, detail: impl Into<String>, undo: serde_json::Value) -> Applied {
    let mut applied = Applied::of_one(target, outcome, detail);
    applied.items.iter_mut().for_each(|item| item.undo.clone_from(&undo));
    applied
}
