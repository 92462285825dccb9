//! Rust, compiled by cargo, for a target without an operating system.

mod compile;
mod toolchain;
mod workspace;

use std::path::Path;

use super::{BuildError, Effort, component, storage};

/// Builds the component of the package in a directory, without ansai's custom sections.
pub(super) fn component(dir: &Path, effort: Effort<'_>) -> Result<Vec<u8>, BuildError> {
    let root = workspace::root(dir)?;
    toolchain::check(dir)?;
    component::encode(&storage::read(&compile::compile(dir, &root, effort)?)?)
}
