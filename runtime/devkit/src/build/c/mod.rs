//! C, by clang or zig, for a target without an operating system. What a policy needs of a C library is in the SDK.

mod compile;
mod toolchain;

use std::path::Path;

use ansai_config::Manifest;
use ansai_core::Interface;

use super::{BuildError, bindings, component, storage};

/// What the generated functions and types begin with, and the names of the generated files.
const PREFIX: &str = "ansai";

/// The component of the sources in a directory, without ansai's own sections.
pub(super) fn component(dir: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<Vec<u8>, BuildError> {
    let compiler = toolchain::find(dir)?;
    let place = storage::temporary()?;
    let options = wit_bindgen_c::Opts { rename_world: Some(PREFIX.into()), ..Default::default() };
    let bindings = bindings::generate(options.build(), manifest, interfaces)?;
    bindings::write(&bindings, &place.path().join("bindings"), dir)?;
    component::encode(&compile::compile(&compiler, dir, place.path())?)
}
