//! Gets a list from where its rule says.

use std::path::Path;

use ansai_storage::Location;

use super::list::MOST_BYTES;
use crate::{Client, Connection, RegistryError, Result};

/// The bytes at an address: of a server, or of a file of this host. Nothing in them is believed yet.
///
/// # Errors
/// It cannot be read or reached, or is larger than a list.
pub fn fetch_list(address: &str, connection: &Connection) -> Result<Vec<u8>> {
    if address.starts_with('/') {
        let invalid = |why: &str| RegistryError::Invalid { path: address.into(), why: why.to_owned() };
        let content = Location::followed(Path::new(address)).read(MOST_BYTES)?;
        let bytes = content.ok_or_else(|| invalid("no such file"))?.bytes;
        return match u64::try_from(bytes.len()).is_ok_and(|size| size <= MOST_BYTES) {
            true => Ok(bytes),
            false => Err(RegistryError::TooLarge { what: address.to_owned(), most: MOST_BYTES }),
        };
    }
    Client::of_url(address, connection)?.get(address, "the list of revocations", MOST_BYTES)
}
