//! `index.json` of the store: the policies by name.

use std::collections::BTreeMap;

use ansai_storage::{Directory, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::artifact::INDEX_TYPE;
use crate::{Descriptor, Digest, Reference, RegistryError, Result};

const FILE: &str = "index.json";
const MOST_BYTES: u64 = 16 << 20;
/// The annotation that has the name, as other tools write it.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// A policy of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, with a tag or a digest.
    pub reference: Reference,
    /// Of its manifest.
    pub digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    schema_version: u32,
    /// Other tools may leave it out.
    #[serde(default = "media_type")]
    media_type: String,
    manifests: Vec<Descriptor>,
}

impl Index {
    pub(super) fn read(root: &Directory) -> Result<Index> {
        let invalid = |why: String| RegistryError::Invalid { path: root.path_of(FILE), why };
        let Some(content) = root.read(FILE, MOST_BYTES)? else {
            return Ok(Index { schema_version: 2, media_type: media_type(), manifests: Vec::new() });
        };
        if u64::try_from(content.bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
            return Err(invalid("the index is too large".to_owned()));
        }
        serde_json::from_slice(&content.bytes).map_err(|error| invalid(error.to_string()))
    }

    pub(super) fn write(&self, root: &Directory) -> Result<()> {
        let failed =
            |error: serde_json::Error| RegistryError::Invalid { path: root.path_of(FILE), why: error.to_string() };
        let bytes = serde_json::to_vec_pretty(self).map_err(failed)?;
        Ok(root.replace(FILE, &bytes, WriteOptions::PRIVATE)?)
    }

    /// Sorted by name. What is not a name of ours was written by another tool: it stays in the index, but keeps no content.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let name = |one: &Descriptor| one.annotations.get(REF_NAME)?.parse::<Reference>().ok();
        let mut entries: Vec<Entry> = self
            .manifests
            .iter()
            .filter_map(|one| Some(Entry { reference: name(one)?, digest: one.digest.clone() }))
            .collect();
        entries.sort_by_key(|entry| entry.reference.to_string());
        entries
    }

    pub(super) fn put(&mut self, reference: &Reference, manifest: Descriptor) {
        self.remove(reference);
        let annotations = BTreeMap::from([(REF_NAME.to_owned(), reference.to_string())]);
        self.manifests.push(Descriptor { annotations, ..manifest });
    }

    pub(super) fn remove(&mut self, reference: &Reference) -> Option<Entry> {
        let name = reference.to_string();
        let place = self.manifests.iter().position(|one| one.annotations.get(REF_NAME) == Some(&name))?;
        Some(Entry { reference: reference.clone(), digest: self.manifests.remove(place).digest })
    }
}

fn media_type() -> String {
    INDEX_TYPE.to_owned()
}
