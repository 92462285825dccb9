//! C, compiled by clang or zig, for a target without an operating system. The SDK holds the part of the C library that
//! a policy needs.

mod compile;
mod toolchain;

use std::path::Path;

use ansai_config::Manifest;
use ansai_core::Interface;

use super::{BuildError, bindings, component, storage};

/// Prefix of the generated functions and types, and of the generated files' names.
const PREFIX: &str = "ansai";

/// Builds the component of the sources in a directory, without ansai's custom sections.
pub(super) fn component(dir: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<Vec<u8>, BuildError> {
    let compiler = toolchain::find(dir)?;
    let place = storage::temporary()?;
    let options = wit_bindgen_c::Opts { rename_world: Some(PREFIX.into()), ..Default::default() };
    let bindings = bindings::generate(options.build(), manifest, interfaces)?;
    bindings::write(&bindings, &place.path().join("bindings"), dir)?;
    component::encode(&compile::compile(&compiler, dir, place.path())?)
}
