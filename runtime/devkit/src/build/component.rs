//! From a core module, which carries the description of its world, to a component.

use wit_component::ComponentEncoder;

use super::BuildError;

/// Makes the component, validated; imports that nothing uses are left out.
pub(super) fn encode(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| BuildError::Component(format!("{error:#}")))
}
