//! Where an index is, and the highest serial number that this host has read of each.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use ansai_storage::{Location, WriteOptions};
use serde::{Deserialize, Serialize};

use super::{Index, MOST_BYTES};
use crate::{Client, Connection, PublicKey, RegistryError, Result, Store};

const FILE: &str = "indexes.json";
const MOST_KNOWN_BYTES: u64 = 1 << 20;
/// What an index is called in errors.
const WHAT: &str = "the index of policies";

/// Where an index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of this host.
    File(PathBuf),
    /// An address that begins with `https://`, or with `http://` on this machine.
    Url(String),
}

impl From<&str> for Place {
    fn from(text: &str) -> Place {
        match text.starts_with("https://") || text.starts_with("http://") {
            true => Place::Url(text.to_owned()),
            false => Place::File(PathBuf::from(text)),
        }
    }
}

/// The path or the address.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => path.display().fmt(f),
            Place::Url(url) => f.write_str(&ansai_core::text::inert(url, 300)),
        }
    }
}

impl Place {
    /// The same for the same place, wherever a command is run.
    fn identity(&self) -> String {
        match self {
            Place::File(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
            Place::Url(url) => url.clone(),
        }
    }

    /// Reads the index that one of these keys has signed.
    ///
    /// # Errors
    /// It cannot be read or fetched, or is refused.
    pub fn read(&self, connection: &Connection, keys: &[PublicKey]) -> Result<Index> {
        let refused = |why: String| RegistryError::Index { place: self.to_string(), why };
        let bytes = match self {
            Place::File(path) => {
                let content = Location::from(path.as_path()).read(MOST_BYTES)?;
                content.ok_or_else(|| refused("does not exist".to_owned()))?.bytes
            }
            Place::Url(url) => fetch(url, connection)?,
        };
        Index::open(&bytes, keys).map_err(refused)
    }
}

/// An index has the same rules as a registry: limits of time and bytes, and redirects lead only outwards.
fn fetch(url: &str, connection: &Connection) -> Result<Vec<u8>> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let connection = Connection { plain: scheme == "http", ..connection.clone() };
    Client::new(host, &connection, None)?.get(url, WHAT, MOST_BYTES)
}

/// The highest serial numbers that this host has read, by place.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Known(BTreeMap<String, u64>);

impl Known {
    /// Those of a store.
    ///
    /// # Errors
    /// The file cannot be read, or is invalid.
    pub fn of(store: &Store) -> Result<Known> {
        let Some(content) = store.root().read(FILE, MOST_KNOWN_BYTES)? else { return Ok(Known::default()) };
        let invalid = |error: serde_json::Error| RegistryError::Invalid {
            path: store.root().path_of(FILE),
            why: error.to_string(),
        };
        serde_json::from_slice(&content.bytes).map_err(invalid)
    }

    /// Refuses an index that is older than one that was read from this place before, and remembers this one.
    ///
    /// # Errors
    /// It is older, or the store cannot be written.
    pub fn accept(mut self, store: &Store, place: &Place, index: &Index) -> Result<()> {
        let name = place.identity();
        match self.0.get(&name) {
            Some(known) if *known > index.serial => {
                let why = format!("has serial {}, and this host has read serial {known} before", index.serial);
                return Err(RegistryError::Index { place: place.to_string(), why });
            }
            Some(known) if *known == index.serial => return Ok(()),
            _ => {}
        }
        self.0.insert(name, index.serial);
        let path = store.root().path_of(FILE);
        let invalid = |error: serde_json::Error| RegistryError::Invalid { path, why: error.to_string() };
        let bytes = serde_json::to_vec(&self).map_err(invalid)?;
        Ok(store.root().replace(FILE, &bytes, WriteOptions::PRIVATE)?)
    }
}
