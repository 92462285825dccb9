//! `ansai.lock`: the policies from registries that a configuration runs, pinned.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_storage::{Directory, Permissions, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::{Digest, RegistryError, Result, Shadow};

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
    /// What was pinned before, and is the last good one.
    #[serde(default, rename = "earlier", skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<Locked>,
    /// What runs beside a pinned version.
    #[serde(default, rename = "shadow", skip_serializing_if = "Vec::is_empty")]
    shadows: Vec<Shadow>,
}

/// A lock file.
#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    path: PathBuf,
    policies: BTreeMap<String, Locked>,
    earlier: BTreeMap<String, Locked>,
    shadows: BTreeMap<String, Shadow>,
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
            let (policies, earlier, shadows) = Default::default();
            return Ok(Lock { path, policies, earlier, shadows });
        };
        if u64::try_from(content.bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
            return Err(invalid(format!("larger than {MOST_BYTES} bytes")));
        }
        let text = String::from_utf8(content.bytes).map_err(|_| invalid("not UTF-8".to_owned()))?;
        let document: Document = toml::from_str(&text).map_err(|error| invalid(error.message().to_owned()))?;
        if document.version != VERSION {
            return Err(invalid(format!("version {} is not supported: this ansai writes {VERSION}", document.version)));
        }
        let by_source = |list: Vec<Locked>| {
            let mut all = BTreeMap::new();
            for policy in list {
                if let Some(twice) = all.insert(policy.source.clone(), policy) {
                    return Err(invalid(format!("`{}` is there twice", twice.source)));
                }
            }
            Ok(all)
        };
        let (policies, earlier) = (by_source(document.policies)?, by_source(document.earlier)?);
        let mut shadows = BTreeMap::new();
        for shadow in document.shadows {
            if let Some(twice) = shadows.insert(shadow.policy.source.clone(), shadow) {
                return Err(invalid(format!("`{}` has two shadows", twice.policy.source)));
            }
        }
        Ok(Lock { path, policies, earlier, shadows })
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

    /// What a source was pinned to before: the last good version, if the one that it is pinned to now fails.
    pub fn earlier(&self, source: &str) -> Option<&Locked> {
        self.earlier.get(source)
    }

    /// What runs beside the pinned version of a source, and takes over if both decide the same.
    pub fn shadow(&self, source: &str) -> Option<&Shadow> {
        self.shadows.get(source).filter(|shadow| {
            // Whoever edits the file by hand may have pinned it.
            self.policies.get(source).is_some_and(|pinned| pinned.digest != shadow.policy.digest)
        })
    }

    /// Lets a version run beside the pinned one, in place of any other. Nothing is written before [`Lock::write`].
    pub fn set_shadow(&mut self, shadow: Shadow) {
        self.shadows.insert(shadow.policy.source.clone(), shadow);
    }

    /// Ends what runs beside the pinned version of a source. Nothing is written before [`Lock::write`].
    pub fn end_shadow(&mut self, source: &str) -> Option<Shadow> {
        self.shadows.remove(source)
    }

    /// Everything that it names, also earlier versions and those beside pinned ones; what is pinned comes first.
    pub fn all(&self) -> impl Iterator<Item = &Locked> {
        let shadows = self.shadows.values().map(|shadow| &shadow.policy);
        self.policies.values().chain(self.earlier.values()).chain(shadows)
    }

    /// The digests of all manifests that it names: their content must stay in the store.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.all().map(|locked| &locked.digest)
    }

    /// Replaces everything that it pins. What a source was pinned to stays as the earlier version. Nothing is written before
    /// [`Lock::write`].
    pub fn set(&mut self, policies: impl IntoIterator<Item = Locked>) {
        let mut old = std::mem::take(&mut self.policies);
        for policy in policies {
            if let Some(pinned) = old.remove(&policy.source) {
                self.policies.insert(pinned.source.clone(), pinned);
            }
            self.pin(policy, true);
        }
        self.earlier.retain(|source, _| self.policies.contains_key(source));
        self.shadows.retain(|source, _| self.policies.contains_key(source));
    }

    /// Pins one source. What it was pinned to becomes its earlier version, unless it was not good: then the earlier one stays.
    /// A version beside the one that it was pinned to was compared with that one, so it ends.
    pub fn pin(&mut self, policy: Locked, was_good: bool) {
        let source = policy.source.clone();
        let digest = policy.digest.clone();
        if let Some(old) = self.policies.insert(source.clone(), policy)
            && old.digest != digest
        {
            self.shadows.remove(&source);
            if was_good {
                self.earlier.insert(source.clone(), old);
            }
        }
        // The same version twice is nothing to go back to.
        if self.earlier.get(&source).is_some_and(|earlier| earlier.digest == digest) {
            self.earlier.remove(&source);
        }
    }

    /// Writes it whole or not at all.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&self) -> Result<()> {
        let document = Document {
            version: VERSION,
            policies: self.policies.values().cloned().collect(),
            earlier: self.earlier.values().cloned().collect(),
            shadows: self.shadows.values().cloned().collect(),
        };
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
    use ansai_core::{Millis, Timestamp};

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
    fn the_version_before_stays_as_the_last_good_one() {
        let place = tempfile::tempdir().unwrap();
        let configuration = place.path().join("ansai.toml");
        let version = |version: &str| Locked {
            digest: Digest::of(version.as_bytes()),
            version: version.to_owned(),
            ..locked("registry.example/acme/web@^1")
        };
        let source = "registry.example/acme/web@^1";
        let earlier = |lock: &Lock| lock.earlier(source).map(|one| one.version.clone());
        let mut lock = Lock::of(&configuration).unwrap();
        lock.set([version("1.0.0")]);
        assert_eq!(earlier(&lock), None);
        lock.set([version("1.0.0")]);
        assert_eq!(earlier(&lock), None, "nothing has changed");
        lock.set([version("1.1.0")]);
        lock.write().unwrap();
        let mut lock = Lock::of(&configuration).unwrap();
        assert_eq!(earlier(&lock).as_deref(), Some("1.0.0"));
        lock.set([version("1.1.0")]);
        assert_eq!(earlier(&lock).as_deref(), Some("1.0.0"), "a second pull forgets nothing");
        lock.pin(version("1.2.0"), false);
        assert_eq!(earlier(&lock).as_deref(), Some("1.0.0"), "1.1.0 was not good");
        lock.pin(version("1.0.0"), false);
        assert_eq!(earlier(&lock), None);
        lock.pin(version("1.2.0"), true);
        assert_eq!(lock.digests().count(), 2);
        lock.set([locked("registry.example/acme/other:1.0.0")]);
        assert_eq!((earlier(&lock), lock.digests().count()), (None, 1), "what is gone has no earlier version");
        assert_eq!(lock.get(source).ok(), None);
    }

    #[test]
    fn a_shadow_is_kept_until_another_version_is_pinned() {
        let place = tempfile::tempdir().unwrap();
        let configuration = place.path().join("ansai.toml");
        let source = "registry.example/acme/web@^1";
        let version = |version: &str| Locked {
            digest: Digest::of(version.as_bytes()),
            version: version.to_owned(),
            ..locked(source)
        };
        let shadow = |policy: Locked| Shadow {
            lasts_ms: Millis::from_hours(168),
            began: Timestamp::from_millis(1_800_000_000_000),
            accepts_wider: false,
            accepts_differences: true,
            policy,
        };
        let mut lock = Lock::of(&configuration).unwrap();
        lock.set([version("1.0.0")]);
        lock.set_shadow(shadow(version("1.1.0")));
        lock.write().unwrap();
        let mut lock = Lock::of(&configuration).unwrap();
        assert_eq!(lock.shadow(source), Some(&shadow(version("1.1.0"))));
        assert!(lock.digests().any(|digest| *digest == Digest::of(b"1.1.0")), "the store keeps its content");
        assert_eq!(lock.get(source).unwrap().version, "1.0.0", "it is not pinned");
        lock.set([version("1.0.0")]);
        assert!(lock.shadow(source).is_some(), "a pull that changes nothing ends nothing");
        lock.set([version("1.2.0")]);
        assert_eq!(lock.shadow(source), None, "it was compared with another version");
        lock.set_shadow(shadow(version("1.2.0")));
        assert_eq!(lock.shadow(source), None, "it is pinned already");
        lock.set_shadow(shadow(version("1.3.0")));
        lock.set([]);
        assert_eq!(lock.digests().count(), 0);
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
