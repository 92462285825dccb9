//! Compares the contract in a policy's directory with the one of this program.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::{storage, world};

/// A contract package in a policy's directory that differs from this program's package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherContract {
    /// Path in the policy's directory: `wit/deps/disk/disk.wit`.
    pub file: PathBuf,
    /// Version in the policy's directory; `None` if the file names none.
    pub theirs: Option<String>,
    /// Version in this program.
    pub ours: String,
}

impl std::fmt::Display for OtherContract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (file, ours) = (self.file.display(), &self.ours);
        let Some(theirs) = &self.theirs else {
            return write!(f, "{file} says no version of its package, this ansai has {ours}");
        };
        match numbers(theirs).cmp(&numbers(ours)) {
            Ordering::Less => write!(f, "{file} is of version {theirs}, older than {ours} of this ansai"),
            Ordering::Greater => write!(f, "{file} is of version {theirs}, newer than {ours} of this ansai"),
            Ordering::Equal => write!(f, "{file} is not the text of version {ours} in this ansai"),
        }
    }
}

/// Lists the packages in `wit/deps` of a policy's directory that differ from those of this program. Missing packages do
/// not count, because a build adds them.
pub fn other_contract(dir: &Path) -> Vec<OtherContract> {
    let wit = Path::new("wit");
    let differs = ansai_kit::wit::PACKAGES.iter().filter_map(|(name, ours)| {
        let file = world::dependency(wit, name);
        // A file that cannot be read is reported by the build step that needs it.
        let theirs = storage::read_text(&dir.join(&file)).ok()?;
        let other = OtherContract { file, theirs: version(&theirs), ours: version(ours)? };
        (theirs != **ours).then_some(other)
    });
    differs.collect()
}

/// Reads `0.2.0` from `package ansai:disk@0.2.0;`.
fn version(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("package "))?;
    let (_, version) = line.trim_end().trim_end_matches(';').split_once('@')?;
    Some(ansai_core::text::inert(version, 40))
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    #[test]
    fn each_difference_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(other_contract(dir.path()).is_empty());
        let path = dir.path().join("wit/deps/disk/disk.wit");
        let (_, disk) = ansai_kit::wit::PACKAGES.iter().find(|(name, _)| *name == "disk.wit").unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let said = |text: &str| {
            std::fs::write(&path, text).unwrap();
            other_contract(dir.path()).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(said(disk), "");
        let ours = version(disk).unwrap();
        assert!(said(&disk.replace(&ours, "0.0.9")).contains("of version 0.0.9, older than"));
        assert!(said(&disk.replace(&ours, "99.1.0")).contains("of version 99.1.0, newer than"));
        assert!(said(&format!("{disk}// mine\n")).contains("is not the text of version"));
        assert!(said("").contains("says no version"));
        assert!(said("package a:b@\u{1b}[2J;").contains("\\u{1b}"));
    }
}
