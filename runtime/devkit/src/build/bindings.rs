//! Bindings of a policy's world, for languages whose generators are libraries.

use std::path::{Path, PathBuf};

use ansai_config::Manifest;
use ansai_core::Interface;
use wit_bindgen_core::{Files, WorldGenerator};

use super::{BuildError, storage, world};

/// Where the author's editor finds the bindings. Each build uses its own copy, so that parallel builds do not
/// interfere.
pub(super) const FOR_EDITORS: &str = "target/bindings";

/// Generated files, with paths relative to the bindings' directory.
pub(super) type Bindings = Vec<(PathBuf, Vec<u8>)>;

/// Generates the bindings of the policy's world.
pub(super) fn generate(
    mut generator: Box<dyn WorldGenerator>,
    manifest: &Manifest,
    interfaces: &[Interface],
) -> Result<Bindings, BuildError> {
    let (mut resolve, world) = world::resolve(manifest, interfaces)?;
    let mut files = Files::default();
    generator
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| BuildError::Component(format!("its bindings: {error:#}")))?;
    Ok(files.iter().map(|(name, text)| (PathBuf::from(name), text.to_owned())).collect())
}

/// Writes the bindings for this build, and for the author's editor, whether or not the build succeeds.
pub(super) fn write(bindings: &Bindings, to: &Path, dir: &Path) -> Result<(), BuildError> {
    let write = |to: &Path| bindings.iter().try_for_each(|(name, text)| storage::write(&to.join(name), text));
    write(to)?;
    storage::replace_directory(&dir.join(FOR_EDITORS), write)
}
