//! `ansai:container/container-cleanup-actions`: removes what no container uses.

mod images;
mod remove;
mod volumes;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};

use super::fields;

const IMAGES: &[Check] = &[
    Check::of("/target", &fields::TARGETS),
    Check::of("/min-age-hours", &fields::MIN_AGE_HOURS),
    Check::of("/keep-tags", &fields::KEEP_TAGS),
    Check::of("/dangling-only", &fields::DANGLING_ONLY),
];

const VOLUMES: &[Check] =
    &[Check::of("/target", &fields::TARGETS), Check::of("/min-age-hours", &fields::MIN_AGE_HOURS)];

/// The interface `ansai:container/container-cleanup-actions`.
pub static CONTAINER_CLEANUP_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:container/container-cleanup-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Outgoing,
        ability: "propose to remove unused images and unnamed volumes of containers",
        fields: fields::CLEANUP,
    },
    doctor: &[],
    functions: &[
        Function { name: "remove-images", checks: IMAGES, body: Body::Action(&images::RemoveImages) },
        Function { name: "remove-unnamed-volumes", checks: VOLUMES, body: Body::Action(&volumes::RemoveVolumes) },
    ],
};
