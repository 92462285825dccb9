//! Logins that `ansai login` keeps, in a file of the store that only its user can read.

use std::collections::BTreeMap;

use ansai_storage::WriteOptions;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Login, RegistryError, Result, Store};

const FILE: &str = "logins.json";
const MOST_BYTES: u64 = 1 << 20;

/// The logins of this machine, by the host of the registry.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credentials(BTreeMap<String, Kept>);

#[derive(Serialize, Deserialize)]
struct Kept {
    user: String,
    secret: String,
}

impl Drop for Kept {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

impl Credentials {
    /// Those of a store.
    ///
    /// # Errors
    /// The file cannot be read, or is invalid.
    pub fn of(store: &Store) -> Result<Credentials> {
        let Some(content) = store.root().read(FILE, MOST_BYTES)? else { return Ok(Credentials::default()) };
        let bytes = Zeroizing::new(content.bytes);
        let path = store.root().path_of(FILE);
        // The words of the parser could repeat a secret.
        serde_json::from_slice(&bytes)
            .map_err(|_| RegistryError::Invalid { path, why: "not a file of logins".to_owned() })
    }

    /// The login for a registry.
    pub fn get(&self, registry: &str) -> Option<Login> {
        let kept = self.0.get(registry)?;
        Some(Login { user: kept.user.clone(), secret: Zeroizing::new(kept.secret.clone()) })
    }

    /// Keeps a login for a registry.
    ///
    /// # Errors
    /// The system refuses.
    pub fn keep(mut self, store: &Store, registry: &str, login: &Login) -> Result<()> {
        let kept = Kept { user: login.user.clone(), secret: login.secret.as_str().to_owned() };
        self.0.insert(registry.to_owned(), kept);
        let path = store.root().path_of(FILE);
        let bytes =
            serde_json::to_vec(&self).map_err(|error| RegistryError::Invalid { path, why: error.to_string() })?;
        Ok(store.root().replace(FILE, &Zeroizing::new(bytes), WriteOptions::PRIVATE)?)
    }
}
