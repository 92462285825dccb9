//! An index of policies: one signed document that any web server holds, and pages for people.
//!
//! The document is a DSSE envelope, so that the signature and what is signed cannot be of two different times. Its payload is
//! JSON. Whoever reads it gives the keys. Nothing else in it is trusted: a policy that it names is verified when it is pulled.

mod chaos;
mod page;
mod place;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::signature::{Envelope, opened, sealed};
use crate::{PublicKey, Reference, RegistryError, SigningKey, tag_of_version};

pub use chaos::{CHAOS_FILE, Chaos, ChaosFile, Fault, MOST_CHAOS_BYTES};
pub use page::{Page, pages};
pub use place::{Known, Place};

/// The file that has the signed index, in the directory that a web server holds.
pub const FILE_NAME: &str = "index.json";
/// The most bytes of a signed index.
pub const MOST_BYTES: u64 = 16 << 20;
/// The most policies in an index.
pub const MOST_POLICIES: usize = 20_000;
const PAYLOAD_TYPE: &str = "application/vnd.ansai.index.v1+json";
/// The format of the payload.
const FORMAT: u32 = 1;

/// An index of policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The format; see [`Index::open`].
    pub format: u32,
    /// Grows with each new index. A lower one than before is not read.
    pub serial: u64,
    /// Whose index it is, in one line.
    pub title: String,
    /// Sorted by name, then by place.
    pub policies: Vec<Listed>,
}

/// A policy in an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// `registry.example/acme/web`, where it can be pulled; `None` if it is in no registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// What it does, as its author says.
    pub description: String,
    /// Its versions, the highest first.
    pub versions: Vec<Version>,
}

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Such as `1.2.0`.
    pub version: String,
    /// Of the manifest in the registry: what to pin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// SHA-256 of the component.
    pub component: String,
    /// Of the component.
    pub bytes: u64,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// What the imports let it do, in words: `see how full file systems are`.
    pub abilities: Vec<String>,
    /// The languages that it was written in, as the component says.
    pub languages: Vec<String>,
    /// Who has signed it, of the keys that the publisher of the index knows.
    #[serde(default)]
    pub signers: Vec<Signer>,
    /// Whether a signer says that a second build gave the same bytes.
    #[serde(default)]
    pub is_reproduced: bool,
    /// What its scenarios gave, if the publisher of the index has run them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<Scenarios>,
    /// What it did about faults that were made on purpose, if its author or the publisher of the index has measured that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chaos: Option<Chaos>,
}

/// A key that has signed a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// As the publisher of the index calls it.
    pub name: String,
    /// [`PublicKey::hint`] of its key.
    pub key: String,
}

/// What scenarios gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenarios {
    /// How many there are.
    pub count: usize,
    /// How many of them pass.
    pub passed: usize,
}

impl Index {
    /// An index of these policies, which are sorted here.
    pub fn new(serial: u64, title: &str, mut policies: Vec<Listed>) -> Index {
        policies.sort_by(|a, b| (&a.name, &a.repository).cmp(&(&b.name, &b.repository)));
        Index { format: FORMAT, serial, title: title.to_owned(), policies }
    }

    /// The signed document.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn seal(&self, key: &SigningKey) -> crate::Result<Vec<u8>> {
        let payload = serde_json::to_vec(self).map_err(|error| RegistryError::Signing { why: error.to_string() })?;
        Ok(sealed(key, PAYLOAD_TYPE, &payload)?.to_string().into_bytes())
    }

    /// Reads a signed document that one of these keys has signed. It is not parsed before its signature is verified.
    ///
    /// # Errors
    /// Why it is refused, as the end of a sentence that begins with `the index`.
    pub fn open(bytes: &[u8], keys: &[PublicKey]) -> Result<Index, String> {
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
            return Err(format!("is larger than {MOST_BYTES} bytes"));
        }
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| "is not a signed index".to_owned())?;
        let (payload, signers) = opened(&envelope, PAYLOAD_TYPE, keys).ok_or("is not a signed index")?;
        if signers.is_empty() {
            return Err("is not signed by its key".to_owned());
        }
        let index: Value = serde_json::from_slice(&payload).map_err(|_| "cannot be read".to_owned())?;
        match index.get("format").and_then(Value::as_u64) {
            Some(format) if format != u64::from(FORMAT) => {
                return Err(format!("has format {format}; this ansai reads format {FORMAT}"));
            }
            _ => {}
        }
        let index: Index = serde_json::from_value(index).map_err(|_| "cannot be read".to_owned())?;
        match index.policies.len() {
            count if count > MOST_POLICIES => Err(format!("has {count} policies, more than {MOST_POLICIES}")),
            _ => Ok(index),
        }
    }

    /// The policies that have all of these words in their name, description, place, abilities, imports or languages. Case
    /// does not matter. Those with a word in the name come first.
    pub fn search(&self, words: &[String]) -> Vec<&Listed> {
        let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let mut found: Vec<&Listed> = self.policies.iter().filter(|one| one.has(&words)).collect();
        found.sort_by_key(|one| !words.iter().any(|word| one.name.contains(word.as_str())));
        found
    }

    /// The policies with this name or repository.
    pub fn named(&self, name: &str) -> Vec<&Listed> {
        let is_it = |one: &&Listed| one.name == name || one.repository.as_deref() == Some(name);
        self.policies.iter().filter(is_it).collect()
    }
}

impl Listed {
    /// The highest version.
    pub fn newest(&self) -> Option<&Version> {
        self.versions.first()
    }

    /// Where the highest version can be pulled; `None` if it is in no registry, or if the index names a place that cannot have a
    /// policy of this name.
    pub fn reference(&self) -> Option<Reference> {
        let newest = self.newest()?;
        let tag = tag_of_version(&newest.version);
        let reference: Reference = format!("{}:{tag}", self.repository.as_deref()?).parse().ok()?;
        let is_it = reference.check_name(Some(&tag), &self.name, &newest.version).is_ok();
        is_it.then_some(reference)
    }

    fn has(&self, words: &[String]) -> bool {
        let newest = self.newest();
        let lists = newest.into_iter().flat_map(|one| [&one.abilities, &one.imports, &one.languages]);
        let texts: Vec<String> = [&self.name, &self.description]
            .into_iter()
            .chain(&self.repository)
            .chain(lists.flatten())
            .map(|text| text.to_lowercase())
            .collect();
        words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
    }
}
