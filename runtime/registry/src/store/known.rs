//! What a host knows of policies beside their content: small JSON files in the store.

use ansai_storage::WriteOptions;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Store;
use crate::{RegistryError, Result};

impl Store {
    /// The content of such a file, of at most so many bytes; the default if there is none.
    ///
    /// # Errors
    /// It cannot be read, is larger, or is invalid.
    pub(crate) fn known<T: DeserializeOwned + Default>(&self, file: &str, most: u64) -> Result<T> {
        let invalid = |why: String| RegistryError::Invalid { path: self.root().path_of(file), why };
        let Some(content) = self.root().read(file, most)? else { return Ok(T::default()) };
        if u64::try_from(content.bytes.len()).unwrap_or(u64::MAX) > most {
            return Err(invalid(format!("larger than {most} bytes")));
        }
        serde_json::from_slice(&content.bytes).map_err(|error| invalid(error.to_string()))
    }

    /// Replaces such a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn keep(&self, file: &str, known: &impl Serialize) -> Result<()> {
        let path = || self.root().path_of(file);
        let bytes = serde_json::to_vec_pretty(known)
            .map_err(|error| RegistryError::Invalid { path: path(), why: error.to_string() })?;
        Ok(self.root().replace(file, &bytes, WriteOptions::PRIVATE)?)
    }
}
