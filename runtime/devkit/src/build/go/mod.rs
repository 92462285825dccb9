//! Go, compiled by its own compiler for WASI, with a module inside the component that replaces the operating system.

mod compile;
mod data;
mod glue;
mod module;
mod toolchain;

use std::path::Path;

use ansai_config::Manifest;
use ansai_core::Interface;

use super::{BuildError, bindings, component, storage, world};

/// The module that Go's runtime imports.
const SYSTEM_NAME: &str = "wasi_snapshot_preview1";
const SYSTEM: &str = include_str!("system.wat");
/// What the replacement itself imports.
const SYSTEM_WORLD: &str = "package local:system;\nworld system { import ansai:policy/log@0.2.0; }\n";

/// Builds the component of the module in a directory, without ansai's custom sections.
pub(super) fn component(dir: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<Vec<u8>, BuildError> {
    let place = storage::temporary()?;
    toolchain::check(place.path())?;
    let module = module::read(dir, place.path())?;
    let mut bindings = bindings::generate(glue::generator(), manifest, interfaces)?;
    glue::complete(&mut bindings, &module);
    bindings::write(&bindings, &place.path().join("bindings"), dir)?;
    let module = compile::compile(dir, place.path(), &bindings)?;
    let mut module = data::joined(&module).map_err(|error| BuildError::Component(error.to_string()))?;
    component::describe(&mut module, world::resolve(manifest, interfaces)?)?;
    let mut system = wat::parse_str(SYSTEM).map_err(|error| BuildError::Component(error.to_string()))?;
    component::describe(&mut system, world::parse(SYSTEM_WORLD)?)?;
    component::encode_with(&module, SYSTEM_NAME, &system)
}
