//! The fingerprint of a policy's sources, which a component carries, so that nobody tests what was built from others. Times
//! of files would not do: a checkout or a copy changes them.

use std::path::Path;

use sha2::{Digest, Sha256};
use wasmparser::{Parser, Payload};

use super::{BuildError, Language, SOURCES_SECTION, storage};

/// Whether the sources in the directory of a component are others than those that it was built from. `false` if the
/// directory has no sources, or if the component does not say what it was built from.
pub fn is_stale(component: &Path, bytes: &[u8]) -> bool {
    let dir = storage::named(component.parent().unwrap_or(Path::new(".")));
    if !storage::is_file(&dir.join("policy.toml")) || Language::of(dir).is_err() {
        return false;
    }
    recorded(bytes).is_some_and(|recorded| of(dir).is_ok_and(|now| now != recorded))
}

/// SHA-256 of all files below a directory that a build reads, with their paths. Scenarios are not among them.
pub(super) fn of(dir: &Path) -> Result<String, BuildError> {
    let mut all = Sha256::new();
    for path in storage::sources(dir)? {
        let content = Sha256::digest(storage::read(&dir.join(&path))?);
        let path = path.as_os_str().as_encoded_bytes();
        all.update((path.len() as u64).to_le_bytes());
        all.update(path);
        all.update(content);
    }
    Ok(hex::encode(all.finalize()))
}

/// The fingerprint of the sources that a component names: SHA-256 in hexadecimal, if it was built by ansai. Nothing verifies it.
pub fn recorded(component: &[u8]) -> Option<&str> {
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.ok()? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == SOURCES_SECTION => {
                return std::str::from_utf8(section.data()).ok();
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use wasm_encoder::{Component, ComponentSection as _, CustomSection};

    use super::*;

    fn write(dir: &Path, path: &str, text: &str) {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn component(sources: Option<&str>) -> Vec<u8> {
        let mut bytes = Component::new().finish();
        if let Some(sources) = sources {
            CustomSection { name: SOURCES_SECTION.into(), data: sources.as_bytes().into() }
                .append_to_component(&mut bytes);
        }
        bytes
    }

    /// Each change of what a build reads is seen; what it writes, and what only tests read, is not.
    #[test]
    fn a_component_is_stale_after_a_change_of_its_sources() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path();
        write(dir, "policy.toml", "a");
        write(dir, "policy.py", "a");
        write(dir, "parts/disk.py", "a");
        let built = component(Some(&of(dir).unwrap()));
        let path = dir.join("a.wasm");
        assert!(!is_stale(&path, &built));
        for (file, text) in [
            ("a.wasm", "other"),
            ("scenarios/a.toml", "a"),
            ("target/bindings/a.h", "a"),
            ("node_modules/a/index.js", "a"),
            (".venv/bin/a", "a"),
            ("__pycache__/policy.pyc", "a"),
        ] {
            write(dir, file, text);
            assert!(!is_stale(&path, &built), "{file}");
        }
        for (file, text) in [("policy.py", "b"), ("parts/disk.py", "b"), ("policy.toml", "b"), ("settings.json", "")] {
            let before = std::fs::read(dir.join(file));
            write(dir, file, text);
            assert!(is_stale(&path, &built), "{file}");
            match before {
                Ok(before) => std::fs::write(dir.join(file), before).unwrap(),
                Err(_) => std::fs::remove_file(dir.join(file)).unwrap(),
            }
            assert!(!is_stale(&path, &built), "{file}");
        }
        std::fs::rename(dir.join("parts/disk.py"), dir.join("parts/disks.py")).unwrap();
        assert!(is_stale(&path, &built), "a file that was renamed");
    }

    #[test]
    fn without_sources_or_a_fingerprint_nothing_is_stale() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.wasm");
        assert!(!is_stale(&path, &component(Some("0"))));
        write(place.path(), "policy.toml", "a");
        assert!(!is_stale(&path, &component(Some("0"))));
        write(place.path(), "policy.c", "a");
        assert!(is_stale(&path, &component(Some("0"))));
        assert!(!is_stale(&path, &component(None)));
        assert!(!is_stale(&path, b"no component"));
    }
}
