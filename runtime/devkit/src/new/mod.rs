//! Creates a policy from a name and a language. It builds, passes its scenarios, and is ready to be changed.
//!
//! Runs no programs and downloads nothing: the templates and their SDKs are part of this program.

mod error;
mod publishing;
mod storage;
mod template;

use std::path::{Path, PathBuf};

use ansai_config::Manifest;
use ansai_core::Interface;

use crate::build::{Language, world};

pub use error::NewError;

/// The created policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// `PARENT/NAME`.
    pub path: PathBuf,
    /// Its files, relative and in byte order.
    pub files: Vec<PathBuf>,
}

/// Languages that have a template.
pub fn languages() -> impl Iterator<Item = Language> {
    Language::ALL.into_iter().filter(|language| template::of(*language).is_some())
}

/// Creates the directory `PARENT/NAME` with a policy of that name that checks file systems.
///
/// # Errors
/// If the name is invalid, the directory exists, or there is no template. If writing fails, nothing is left behind.
pub fn create(parent: &Path, name: &str, language: Language, interfaces: &[Interface]) -> Result<Made, NewError> {
    create_with(parent, name, language, interfaces, &[])
}

/// Creates the same as a repository whose CI builds, tests, signs and publishes the policy. `version` of ansai is pinned.
///
/// # Errors
/// As [`create`].
pub fn create_repository(
    parent: &Path,
    name: &str,
    language: Language,
    interfaces: &[Interface],
    version: &str,
) -> Result<Made, NewError> {
    create_with(parent, name, language, interfaces, &publishing::files(name, language, version))
}

fn create_with(
    parent: &Path,
    name: &str,
    language: Language,
    interfaces: &[Interface],
    more: &[publishing::File],
) -> Result<Made, NewError> {
    if !is_name(name) {
        return Err(NewError::Name(name.to_owned()));
    }
    let template = template::of(language).ok_or(NewError::NoTemplate(language))?;
    let path = parent.join(name);
    let made = storage::beside(&path)?;
    let mut manifest = String::new();
    for (inside, content) in template.files {
        let content = template::fill(inside, content, name);
        storage::write(&made.path().join(inside), &content)?;
        if *inside == "policy.toml" {
            manifest = String::from_utf8_lossy(&content).into_owned();
        }
    }
    for one in more {
        storage::write_with_mode(&made.path().join(one.path), one.content.as_bytes(), one.mode)?;
    }
    let manifest = Manifest::parse("policy.toml", &manifest, interfaces)
        .map_err(|problems| NewError::Template(language.name(), problems.to_string()))?;
    world::write(&made.path().join("wit"), &manifest, interfaces)?;
    let files = storage::files(made.path())?;
    storage::put(made, &path)?;
    Ok(Made { path, files })
}

/// Whether a manifest accepts the name. Like registries, refuses two hyphens in a row and one at the end.
fn is_name(name: &str) -> bool {
    ansai_config::is_name(name) && !name.contains("--") && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

    use super::*;

    fn make(parent: &Path, name: &str) -> Result<Made, NewError> {
        create(parent, name, Language::Rust, &ansai_host_functions::builtin().interfaces())
    }

    fn entries(dir: &Path) -> usize {
        std::fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn names_that_hosts_or_registries_refuse_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let long = "a".repeat(64);
        for name in ["", "A", "1a", "-a", "a-", "a--b", "a_b", "a.b", "a/b", "../a", "a b", "é", "a\0", "a\n", &long] {
            assert!(matches!(make(dir.path(), name), Err(NewError::Name(_))), "{name:?}");
        }
        assert_eq!(entries(dir.path()), 0);
        for name in ["a", "a1", "a-b-c", &"a".repeat(63)] {
            make(dir.path(), name).unwrap();
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "mine").unwrap();
        std::fs::create_dir(dir.path().join("empty")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        for name in ["file", "empty", "link"] {
            assert!(matches!(make(dir.path(), name), Err(NewError::Exists(_))), "{name}");
        }
        assert_eq!(entries(dir.path()), 3);
        assert_eq!(entries(&dir.path().join("empty")), 0);
        assert_eq!(std::fs::read_to_string(dir.path().join("file")).unwrap(), "mine");
        assert!(matches!(make(&dir.path().join("none"), "a"), Err(NewError::NoParent(_))));
    }

    /// A file that appears under the name while the policy is written is kept.
    #[test]
    fn a_target_that_appears_meanwhile_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        let made = storage::beside(&target).unwrap();
        storage::write(&made.path().join("policy.toml"), b"").unwrap();
        std::fs::create_dir(&target).unwrap();
        assert!(matches!(storage::put(made, &target), Err(NewError::Exists(_))));
        assert_eq!(entries(&target), 0);
        assert_eq!(entries(dir.path()), 1);
    }

    #[test]
    fn the_world_and_the_sdk_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let made = make(dir.path(), "a").unwrap();
        assert!(made.files.iter().all(|file| made.path.join(file).is_file()), "{:?}", made.files);
        let world = std::fs::read_to_string(made.path.join("wit/world.wit")).unwrap();
        assert!(world.contains("import ansai:files/files-actions@"), "{world}");
        assert!(made.path.join("wit/deps/policy/policy.wit").is_file());
        assert!(made.path.join("sdk/Cargo.toml").is_file() && !made.path.join("sdk/tests").exists());
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&made.path).unwrap().permissions());
        assert_eq!(mode & 0o700, 0o700);
    }

    /// The example in this repository equals the template, so one test of it covers both.
    #[test]
    fn the_example_is_the_template() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/examples");
        for language in languages() {
            let name = format!("disk-space-{}", language.name());
            let example = examples.join(&name);
            if !example.is_dir() {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            let made = create(dir.path(), &name, language, &ansai_host_functions::builtin().interfaces()).unwrap();
            for file in ["policy.toml", "settings.schema.json", language.source()] {
                let text = |root: &Path| std::fs::read_to_string(root.join(file)).unwrap();
                assert!(text(&made.path) == text(&example), "{name}: {file} differs");
            }
        }
    }
}
