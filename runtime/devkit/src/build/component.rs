//! Turns a core module, which carries the description of its world, into a component.

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, WorldId};

use super::BuildError;

fn wrong(error: impl std::fmt::Display) -> BuildError {
    BuildError::Component(format!("{error:#}"))
}

/// Adds the description of its world to a module that does not carry one yet.
pub(super) fn describe(module: &mut Vec<u8>, (resolve, world): (Resolve, WorldId)) -> Result<(), BuildError> {
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8).map_err(wrong)
}

/// Encodes and validates the component; drops unused imports.
pub(super) fn encode(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode()).map_err(wrong)
}

/// Does the same for a module that imports an operating system: the module `system` replaces it inside the component.
pub(super) fn encode_with(module: &[u8], imported_as: &str, system: &[u8]) -> Result<Vec<u8>, BuildError> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.adapter(imported_as, system))
        .and_then(|mut encoder| encoder.encode())
        .map_err(wrong)
}
