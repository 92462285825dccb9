//! Signatures beside the policies of the store, so that they are verified again without the registry.

use ansai_storage::{StorageError, WriteOptions};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{Digest, RegistryError, Result, Signature, Store};

/// Their directory in the store. Other tools that read the layout ignore it.
const NAME: &str = "signatures";
/// The most bytes of the file of one policy: a few of each form.
const MOST_BYTES: u64 = 256 << 10;
/// The most signatures of one policy that are kept.
const MOST_SIGNATURES: usize = 32;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Kept {
    Bundle(String),
    Simple { payload: String, signature: String },
}

impl Store {
    /// Keeps the signatures of a manifest instead of those that are kept. As many as fit, the first ones first: callers begin
    /// with those that count.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn keep_signatures(&self, manifest: &Digest, signatures: &[Signature]) -> Result<()> {
        let directory = self.root().create_subdirectory(NAME)?;
        let name = file_name(manifest);
        let (mut kept, mut left) = (Vec::new(), MOST_BYTES - 1024);
        for signature in signatures.iter().take(MOST_SIGNATURES) {
            let one = match signature {
                Signature::Bundle(bytes) => Kept::Bundle(STANDARD.encode(bytes)),
                Signature::Simple { payload, signature } => {
                    Kept::Simple { payload: STANDARD.encode(payload), signature: STANDARD.encode(signature) }
                }
            };
            let size =
                serde_json::to_vec(&one).map_or(u64::MAX, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let Some(after) = left.checked_sub(size.saturating_add(1)) else { continue };
            left = after;
            kept.push(one);
        }
        let invalid = |error: serde_json::Error| RegistryError::Invalid {
            path: directory.path_of(&name),
            why: error.to_string(),
        };
        let bytes = serde_json::to_vec(&kept).map_err(invalid)?;
        // Written only if it differs: a pull of what is known writes nothing.
        if directory.read(&name, MOST_BYTES)?.is_some_and(|known| known.bytes == bytes) {
            return Ok(());
        }
        Ok(directory.replace(&name, &bytes, WriteOptions::PRIVATE)?)
    }

    /// The signatures that are kept of a manifest. They prove nothing until they are verified. A file that cannot be read as
    /// such has none.
    ///
    /// # Errors
    /// The system refuses.
    pub fn signatures(&self, manifest: &Digest) -> Result<Vec<Signature>> {
        let directory = match self.root().subdirectory(NAME) {
            Err(error) if StorageError::is_not_found(&error) => return Ok(Vec::new()),
            directory => directory?,
        };
        let Some(content) = directory.read(file_name(manifest), MOST_BYTES)? else { return Ok(Vec::new()) };
        let kept: Vec<Kept> = serde_json::from_slice(&content.bytes).unwrap_or_default();
        let decode = |text: &str| STANDARD.decode(text).ok();
        let signature = |one: &Kept| match one {
            Kept::Bundle(bytes) => decode(bytes).map(Signature::Bundle),
            Kept::Simple { payload, signature } => {
                Some(Signature::Simple { payload: decode(payload)?, signature: decode(signature)? })
            }
        };
        Ok(kept.iter().take(MOST_SIGNATURES).filter_map(signature).collect())
    }

    /// Removes signatures of manifests that are not needed.
    pub(crate) fn sweep_signatures(&self, needed: &[Digest]) -> Result<()> {
        let directory = match self.root().subdirectory(NAME) {
            Err(error) if StorageError::is_not_found(&error) => return Ok(()),
            directory => directory?,
        };
        directory.remove_left_over()?;
        for name in directory.names()? {
            if !needed.iter().any(|digest| file_name(digest) == name) {
                directory.remove(&name)?;
            }
        }
        Ok(())
    }
}

fn file_name(manifest: &Digest) -> String {
    format!("{}.json", manifest.hex())
}
