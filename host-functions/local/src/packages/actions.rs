//! `ansai:packages/package-cache-actions`.

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};

use super::clean::CleanCache;
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The interface `ansai:packages/package-cache-actions`.
pub static PACKAGE_CACHE_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:packages/package-cache-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to empty the package cache",
        fields: &[],
    },
    doctor: &[],
    functions: &[Function { name: "clean-cache", checks: &[], body: Body::Action(&CleanCache) }],
};
