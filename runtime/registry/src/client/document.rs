//! One document of a web server, with the rules for registries: where a server may lead, how much, and how long.

use ureq::http::Uri;

use super::Request;
use crate::{Client, Connection, RegistryError, Result};

impl Client {
    /// A client of the server of an address, without a login.
    ///
    /// # Errors
    /// It is not an address, or the certificates of its authorities cannot be read.
    pub(crate) fn of_url(url: &str, connection: &Connection) -> Result<Client> {
        let uri: Option<Uri> = url.parse().ok();
        let host = uri.as_ref().and_then(Uri::authority).map(|authority| authority.as_str().to_owned());
        let host = host.filter(|host| !host.contains('@'));
        let host = host.ok_or_else(|| RegistryError::reference(url, "it is not an address of a server"))?;
        Client::new(&host, connection, None)
    }

    /// The document at an address of this server.
    ///
    /// # Errors
    /// There is none, it is larger than `most` bytes, or the server misbehaves.
    pub(crate) fn get(&self, url: &str, what: &str, most: u64) -> Result<Vec<u8>> {
        let mut answer = self.send(&Request::get(url, "", self.limits().answer))?;
        match answer.status() {
            200 => answer.body()?.read(what, most),
            404 | 410 => Err(RegistryError::NotFound { registry: self.registry().to_owned(), what: what.to_owned() }),
            _ => Err(answer.unexpected()),
        }
    }
}
