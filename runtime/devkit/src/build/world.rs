//! Generates the world of one policy from the requests in its manifest. JavaScript and Python components keep every
//! import of their world, so it must hold nothing else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ansai_config::Manifest;
use ansai_core::Interface;
use wit_parser::{Resolve, WorldId};

use super::{BuildError, storage};

/// Name of the generated package and world.
pub const WORLD: &str = "policy";

/// Returns the text of the world.
pub fn text(manifest: &Manifest, interfaces: &[Interface]) -> String {
    let mut text = format!("package local:{WORLD};\n\nworld {WORLD} {{\n  include ansai:policy/policy@0.2.0;\n");
    for interface in interfaces.iter().filter(|interface| manifest.capabilities.contains_key(&interface.name)) {
        let _ = writeln!(text, "  import {};", interface.import_name());
    }
    text + "}\n"
}

/// Returns the world and the contract, parsed.
///
/// # Errors
/// If they do not fit together, which is a bug in this program.
pub fn resolve(manifest: &Manifest, interfaces: &[Interface]) -> Result<(Resolve, WorldId), BuildError> {
    parse(&text(manifest, interfaces))
}

/// Parses a text with a single world, together with the contract.
pub(super) fn parse(text: &str) -> Result<(Resolve, WorldId), BuildError> {
    let mut resolve = Resolve::default();
    let wrong = |error: &dyn std::fmt::Display| BuildError::Component(format!("its world: {error}"));
    for (name, text) in ansai_kit::wit::PACKAGES {
        resolve.push_str(name, text).map_err(|error| wrong(&format!("{error:#}")))?;
    }
    let package = resolve.push_str("world.wit", text).map_err(|error| wrong(&format!("{error:#}")))?;
    let world = resolve.select_world(&[package], None).map_err(|error| wrong(&format!("{error:#}")))?;
    Ok((resolve, world))
}

/// Writes `world.wit` and `deps/` into a directory, in the layout that other languages' tools expect.
///
/// # Errors
/// If a file cannot be written.
pub fn write(dir: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<(), BuildError> {
    storage::write(&dir.join("world.wit"), text(manifest, interfaces).as_bytes())?;
    for (name, text) in ansai_kit::wit::PACKAGES {
        storage::write(&dependency(dir, name), text.as_bytes())?;
    }
    Ok(())
}

/// Updates `wit/world.wit` in a policy's own directory from its manifest, if that file is a generated one. Existing
/// contract packages stay unchanged, because the policy was written against them; missing ones are added.
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn refresh(dir: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<(), BuildError> {
    let path = dir.join("wit").join("world.wit");
    if !storage::is_file(&path) {
        return Ok(());
    }
    let (found, wanted) = (storage::read_text(&path)?, text(manifest, interfaces));
    if !found.starts_with(&format!("package local:{WORLD};")) {
        return Ok(());
    }
    if found != wanted {
        storage::replace(&path, wanted.as_bytes())?;
    }
    for (name, text) in ansai_kit::wit::PACKAGES {
        let path = dependency(&dir.join("wit"), name);
        if !storage::is_file(&path) {
            storage::write(&path, text.as_bytes())?;
        }
    }
    Ok(())
}

/// Path of a contract package below a world's directory.
pub(super) fn dependency(dir: &Path, name: &str) -> PathBuf {
    dir.join("deps").join(name.trim_end_matches(".wit")).join(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

    use super::*;

    #[test]
    fn the_world_imports_only_requested_interfaces() {
        let interfaces = ansai_host_functions::builtin().interfaces();
        let manifest = "name = \"a\"\nversion = \"0.1.0\"\ndescription = \"b\"\n[schedule]\nevery = \"60s\"\n\
                        [capabilities.\"ansai:disk/disk-probe\"]\nreason = \"c\"\n";
        let manifest = Manifest::parse("policy.toml", manifest, &interfaces).unwrap();
        let (resolve, world) = resolve(&manifest, &interfaces).unwrap();
        let imports: Vec<String> =
            resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect();
        assert!(imports.contains(&"ansai:disk/disk-probe@0.2.0".to_owned()), "{imports:?}");
        assert!(!imports.iter().any(|name| name.starts_with("ansai:files/")), "{imports:?}");
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &manifest, &interfaces).unwrap();
        let mut read = Resolve::default();
        read.push_dir(dir.path()).unwrap();
    }

    #[test]
    fn only_a_generated_world_is_updated_from_its_manifest() {
        let interfaces = ansai_host_functions::builtin().interfaces();
        let text = |capability: &str| {
            let asked = if capability.is_empty() {
                String::new()
            } else {
                format!("[capabilities.\"{capability}\"]\nreason = \"c\"\n")
            };
            format!("name = \"a\"\nversion = \"0.1.0\"\ndescription = \"b\"\n[schedule]\nevery = \"60s\"\n{asked}")
        };
        let manifest = |capability: &str| Manifest::parse("policy.toml", &text(capability), &interfaces).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wit/world.wit");
        refresh(dir.path(), &manifest("ansai:disk/disk-probe"), &interfaces).unwrap();
        assert!(!path.exists());
        write(&dir.path().join("wit"), &manifest("ansai:disk/disk-probe"), &interfaces).unwrap();
        let kept = dir.path().join("wit/deps/disk/disk.wit");
        std::fs::write(&kept, "mine").unwrap();
        std::fs::remove_file(dir.path().join("wit/deps/files/files.wit")).unwrap();
        refresh(dir.path(), &manifest("ansai:files/files-probe"), &interfaces).unwrap();
        let world = std::fs::read_to_string(&path).unwrap();
        assert!(world.contains("files-probe") && !world.contains("disk-probe"), "{world}");
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "mine");
        assert!(dir.path().join("wit/deps/files/files.wit").is_file());
        std::fs::write(&path, "package my:own;").unwrap();
        refresh(dir.path(), &manifest(""), &interfaces).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "package my:own;");
    }
}
