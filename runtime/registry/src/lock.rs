//! `ansai.lock`: the policies from registries that a configuration runs, pinned.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_storage::{Directory, Permissions, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::{Digest, RegistryError, Result};

/// Its name, in the directory of the configuration.
pub const FILE_NAME: &str = "ansai.lock";
const MOST_BYTES: u64 = 4 << 20;
const VERSION: u32 = 1;
const HEAD: &str =
    "# Written by `ansai pull`, which reads the configuration next to this file. Keep both under version control.\n\n";

/// A pinned policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// `source` of the configuration, without its prefix.
    pub source: String,
    /// The place that it was pulled from, with its tag or digest.
    pub resolved: String,
    /// Of the manifest.
    pub digest: Digest,
    /// SHA-256 of the component.
    pub component: Digest,
    /// Of the component.
    pub version: String,
    /// The interfaces that the component imports, sorted.
    pub imports: Vec<String>,
    /// What the component asks for: tables of scopes by interface, as JSON.
    pub scopes: BTreeMap<String, serde_json::Value>,
    /// SHA-256, in base64, of each key that vouched for it when it was pulled. Empty if no rule of trust covered it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<String>,
}

/// The content of a lock file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default, rename = "policy")]
    policies: Vec<Locked>,
}

/// A lock file.
#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    path: PathBuf,
    policies: BTreeMap<String, Locked>,
}

impl Lock {
    /// The lock file next to a configuration. A missing one pins nothing.
    ///
    /// # Errors
    /// It cannot be read, or is invalid.
    pub fn of(configuration: &Path) -> Result<Lock> {
        let directory = directory(configuration);
        let path = directory.join(FILE_NAME);
        let invalid = |why: String| RegistryError::Invalid { path: path.clone(), why };
        let Some(content) = Directory::open(directory)?.read(FILE_NAME, MOST_BYTES)? else {
            return Ok(Lock { path, policies: BTreeMap::new() });
        };
        if u64::try_from(content.bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
            return Err(invalid(format!("larger than {MOST_BYTES} bytes")));
        }
        let text = String::from_utf8(content.bytes).map_err(|_| invalid("not UTF-8".to_owned()))?;
        let document: Document = toml::from_str(&text).map_err(|error| invalid(error.message().to_owned()))?;
        if document.version != VERSION {
            return Err(invalid(format!("version {} is not supported: this ansai writes {VERSION}", document.version)));
        }
        let mut policies = BTreeMap::new();
        for policy in document.policies {
            if let Some(twice) = policies.insert(policy.source.clone(), policy) {
                return Err(invalid(format!("`{}` is there twice", twice.source)));
            }
        }
        Ok(Lock { path, policies })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a source is pinned to.
    ///
    /// # Errors
    /// It is not pinned.
    pub fn get(&self, source: &str) -> Result<&Locked> {
        self.policies
            .get(source)
            .ok_or_else(|| RegistryError::NotLocked { path: self.path.clone(), reference: source.to_owned() })
    }

    /// Every pinned policy, by source.
    pub fn policies(&self) -> impl Iterator<Item = &Locked> {
        self.policies.values()
    }

    /// Replaces everything that it pins. Nothing is written before [`Lock::write`].
    pub fn set(&mut self, policies: impl IntoIterator<Item = Locked>) {
        self.policies = policies.into_iter().map(|policy| (policy.source.clone(), policy)).collect();
    }

    /// Writes it whole or not at all.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&self) -> Result<()> {
        let document = Document { version: VERSION, policies: self.policies.values().cloned().collect() };
        let invalid =
            |error: toml::ser::Error| RegistryError::Invalid { path: self.path.clone(), why: error.to_string() };
        let text = format!("{HEAD}{}", toml::to_string_pretty(&document).map_err(invalid)?);
        // Readable as the configuration is: it holds no secret.
        let options = WriteOptions { permissions: Permissions::Mode(0o644), ..WriteOptions::PRIVATE };
        Ok(Directory::open(directory(&self.path))?.replace(FILE_NAME, text.as_bytes(), options)?)
    }
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;

    fn locked(source: &str) -> Locked {
        Locked {
            source: source.to_owned(),
            resolved: "registry.example/acme/web:1.2.0".to_owned(),
            digest: Digest::of(b"manifest"),
            component: Digest::of(b"component"),
            version: "1.2.0".to_owned(),
            imports: vec!["ansai:files/files-probe".to_owned()],
            scopes: BTreeMap::from([(
                "ansai:files/files-probe".to_owned(),
                serde_json::json!([{ "roots": ["/var/log"], "max_files": 5 }]),
            )]),
            signers: vec!["hint".to_owned()],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let place = tempfile::tempdir().unwrap();
        let configuration = place.path().join("ansai.toml");
        let mut lock = Lock::of(&configuration).unwrap();
        assert!(matches!(lock.get("registry.example/acme/web@^1"), Err(RegistryError::NotLocked { .. })));
        lock.set([locked("registry.example/acme/web@^1"), locked("registry.example/acme/web:1.2.0")]);
        lock.write().unwrap();
        let again = Lock::of(&configuration).unwrap();
        assert_eq!(again, lock);
        assert_eq!(again.policies().count(), 2);
        assert_eq!(again.get("registry.example/acme/web@^1").unwrap().version, "1.2.0");
    }

    #[test]
    fn an_invalid_lock_pins_nothing_instead_of_something_else() {
        let place = tempfile::tempdir().unwrap();
        let configuration = place.path().join("ansai.toml");
        let mut lock = Lock::of(&configuration).unwrap();
        lock.set([locked("registry.example/acme/web:1.2.0")]);
        lock.write().unwrap();
        let path = place.path().join(FILE_NAME);
        let good = std::fs::read_to_string(&path).unwrap();
        let table = good.split_once("[[policy]]").unwrap().1.to_owned();
        for bad in [
            good.replace("version = 1\n", "version = 2\n"),
            good.replace("version = 1\n", ""),
            good.replace("sha256:", "sha256:x"),
            good.replace("resolved", "resolve"),
            format!("{good}[[policy]]{table}"),
            "\u{0}".to_owned(),
            " ".repeat(usize::try_from(MOST_BYTES).unwrap() + 1),
        ] {
            assert_ne!(bad, good);
            std::fs::write(&path, &bad).unwrap();
            assert!(
                matches!(Lock::of(&configuration), Err(RegistryError::Invalid { .. })),
                "{}",
                &bad[..bad.len().min(200)]
            );
        }
    }
}
