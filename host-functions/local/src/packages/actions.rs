//! `ansai:packages/packages-actions`.

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};

use super::clean::CleanCache;
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The interface `ansai:packages/packages-actions`.
pub static PACKAGES_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:packages/packages-actions"),
        version: "0.1.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to empty the package cache",
        fields: &[],
    },
    doctor: &[],
    functions: &[Function { name: "clean-cache", checks: &[], body: Body::Action(&CleanCache) }],
};
