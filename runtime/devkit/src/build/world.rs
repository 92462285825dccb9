//! The world of one policy, made from what its manifest asks for: JavaScript and Python keep every import of the world
//! they are built for, so it must hold no more than that.

use std::fmt::Write as _;
use std::path::Path;

use ansai_config::Manifest;
use ansai_core::Interface;
use wit_parser::{Resolve, WorldId};

use super::{BuildError, storage};

/// Package and world that are generated.
pub const WORLD: &str = "policy";

/// The text of the world.
pub fn text(manifest: &Manifest, interfaces: &[Interface]) -> String {
    let mut text = format!("package local:{WORLD};\n\nworld {WORLD} {{\n  include ansai:policy/policy@0.1.0;\n");
    for interface in interfaces.iter().filter(|interface| manifest.capabilities.contains_key(interface.name)) {
        let _ = writeln!(text, "  import {};", interface.import_name());
    }
    text + "}\n"
}

/// The world together with the contract, parsed.
///
/// # Errors
/// Where they do not fit together, which is a fault of this program.
pub fn resolve(manifest: &Manifest, interfaces: &[Interface]) -> Result<(Resolve, WorldId), BuildError> {
    let mut resolve = Resolve::default();
    let wrong = |error: &dyn std::fmt::Display| BuildError::Component(format!("its world: {error}"));
    for (name, text) in ansai_engine::WIT {
        resolve.push_str(name, text).map_err(|error| wrong(&format!("{error:#}")))?;
    }
    let package =
        resolve.push_str("world.wit", &text(manifest, interfaces)).map_err(|error| wrong(&format!("{error:#}")))?;
    let world = resolve.select_world(&[package], Some(WORLD)).map_err(|error| wrong(&format!("{error:#}")))?;
    Ok((resolve, world))
}

/// Writes `world.wit` and `deps/` into a directory, as tools of other languages want them.
///
/// # Errors
/// Where a file cannot be written.
pub fn write(dir: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<(), BuildError> {
    storage::write(&dir.join("world.wit"), text(manifest, interfaces).as_bytes())?;
    for (name, text) in ansai_engine::WIT {
        let package = name.trim_end_matches(".wit");
        storage::write(&dir.join("deps").join(package).join(name), text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use ansai_host_functions::registry::Registry;

    use super::*;

    #[test]
    fn the_world_imports_what_is_asked_for_and_no_more() {
        let interfaces = Registry::builtin().interfaces();
        let manifest = "name = \"a\"\nversion = \"0.1.0\"\ndescription = \"b\"\n[schedule]\nevery = \"60s\"\n\
                        [capabilities.\"ansai:disk/disk-probe\"]\nreason = \"c\"\n";
        let manifest = Manifest::parse("policy.toml", manifest, &interfaces).unwrap();
        let (resolve, world) = resolve(&manifest, &interfaces).unwrap();
        let imports: Vec<String> =
            resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect();
        assert!(imports.contains(&"ansai:disk/disk-probe@0.1.0".to_owned()), "{imports:?}");
        assert!(!imports.iter().any(|name| name.starts_with("ansai:files/")), "{imports:?}");
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &manifest, &interfaces).unwrap();
        let mut read = Resolve::default();
        read.push_dir(dir.path()).unwrap();
    }
}
