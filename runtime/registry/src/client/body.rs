//! The body of an answer. What it holds is counted and hashed while it is read.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use super::Answer;
use crate::{Descriptor, Digest, RegistryError, Result};

/// As much as is in memory while content is stored.
const PIECE: usize = 64 << 10;

/// The body of an answer.
pub(crate) struct Body<'a> {
    registry: &'a str,
    reader: Box<dyn Read + 'a>,
}

impl<'a> Body<'a> {
    /// That of an answer that is not compressed.
    pub(super) fn of(registry: &'a str, answer: &'a mut Answer<'_>) -> Result<Body<'a>> {
        if let Some(encoding) = answer.header("content-encoding").filter(|encoding| *encoding != "identity") {
            let (registry, encoding) = (registry.to_owned(), ansai_core::text::inert(encoding, 40));
            return Err(RegistryError::Encoding { registry, encoding });
        }
        Ok(Body { registry, reader: Box::new(answer.response.body_mut().as_reader()) })
    }

    /// All of it, if that is not too much.
    pub(crate) fn read(mut self, what: &str, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| self.failed(&error))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
            return Err(RegistryError::TooLarge { what: what.to_owned(), most });
        }
        Ok(bytes)
    }

    /// Writes all of it, if it is what was announced. An error of `file` is the outer one.
    pub(crate) fn copy(mut self, wanted: &Descriptor, file: &mut impl Write) -> io::Result<Result<()>> {
        let (mut hash, mut left, mut piece) = (Sha256::new(), wanted.size, vec![0; PIECE]);
        let what = || format!("content {}", wanted.digest);
        let other_size = || Ok(Err(RegistryError::Size { what: what(), announced: wanted.size }));
        loop {
            let read = match self.reader.read(&mut piece) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(self.failed(&error))),
            };
            let bytes = piece.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            match left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX)) {
                Some(after) => left = after,
                None => return other_size(),
            }
            hash.update(bytes);
            file.write_all(bytes)?;
        }
        let found = Digest::finish(hash);
        Ok(match left {
            0 if found == wanted.digest => Ok(()),
            0 => Err(RegistryError::Digest { what: what(), expected: wanted.digest.clone(), found }),
            _ => return other_size(),
        })
    }

    fn failed(&self, error: &io::Error) -> RegistryError {
        let registry = self.registry.to_owned();
        match ansai_http_client::is_time_limit(error) {
            true => RegistryError::TimeLimit(registry),
            false => RegistryError::CutOff(registry),
        }
    }
}
