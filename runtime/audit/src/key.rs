//! The key that signs the heads of a log, in a file that only its owner can read.

use std::fmt;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};

use crate::public_key::{LogId, PublicKey, exact_hex};
use crate::storage::{self, StorageError};

/// The seed as 64 hexadecimal digits, and a newline.
const FILE_BYTES: usize = 65;

/// The private key. Anyone who has it can sign heads.
#[derive(Clone)]
pub struct Key(SigningKey);

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Other users can read or write the file.
    #[error("the key {} is readable or writable by other users (mode {mode:04o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another user owns the file.
    #[error("the key {} belongs to user {uid}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// User id of its owner.
        uid: u32,
    },
    /// The content is not a key.
    #[error("{} is not a key file: expected 64 hexadecimal digits and a newline", .0.display())]
    Form(PathBuf),
}

impl KeyError {
    /// How to fix it, for a person.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Storage(error) if error.is_out_of_space() => Some("free some space"),
            Self::Storage(_) => None,
            Self::Exposed { .. } => Some(
                "if no other user can have read it, run `chmod 600`; else move it away: ansai makes a new key and records that",
            ),
            Self::Foreign { .. } => Some("run as the user who runs ansai"),
            Self::Form(_) => {
                Some("restore the file from a backup, or move it away: ansai makes a new key and records that")
            }
        }
    }
}

impl Key {
    /// Reads a key from a file; `None` if the file does not exist.
    ///
    /// # Errors
    /// If other users could have read the file, or its content is not a key.
    pub fn read(path: impl AsRef<Path>) -> Result<Option<Self>, KeyError> {
        let path = path.as_ref();
        let Some(found) = storage::read_small(path, FILE_BYTES)? else { return Ok(None) };
        if found.uid != rustix::process::geteuid().as_raw() {
            return Err(KeyError::Foreign { path: path.to_owned(), uid: found.uid });
        }
        if found.mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode: found.mode & 0o7777 });
        }
        let text = std::str::from_utf8(&found.bytes).ok().and_then(|text| text.strip_suffix('\n'));
        let seed = text.and_then(exact_hex).ok_or_else(|| KeyError::Form(path.to_owned()))?;
        Ok(Some(Self::from_seed(seed)))
    }

    /// Creates a key and writes it, durably and atomically, to a file that only this user can read. Replaces an
    /// existing file: the caller has checked, and holds the lock of the log.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn make(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let key = Self::from_seed(storage::random()?);
        key.write(path.as_ref())?;
        Ok(key)
    }

    /// The key of a 32-byte seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public key, which is shown, and kept elsewhere to check signatures.
    pub fn public(&self) -> PublicKey {
        self.0.verifying_key().into()
    }

    /// Signs the statement that the key `next` follows this one in a log.
    pub fn endorse(&self, log: LogId, next: PublicKey) -> [u8; 64] {
        self.sign(endorsement(log, self.public(), next).as_bytes())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Moves this key's file over the file of another key, durably.
    ///
    /// # Errors
    /// If the system refuses; both files are unchanged then.
    pub fn replace(&self, from: &Path, to: &Path) -> Result<(), KeyError> {
        storage::rename(from, to)?;
        storage::sync_directory(to.parent().unwrap_or(Path::new("/")))?;
        Ok(())
    }

    fn write(&self, path: &Path) -> Result<(), KeyError> {
        let text = format!("{}\n", hex::encode(self.0.to_bytes()));
        storage::replace(path, text.as_bytes())?;
        Ok(())
    }
}

impl PublicKey {
    /// Whether this key signed the statement that `next` follows it in a log; see [`Key::endorse`].
    pub fn endorsed(&self, log: LogId, next: PublicKey, signature: &[u8; 64]) -> bool {
        self.signed(endorsement(log, *self, next).as_bytes(), signature)
    }
}

fn endorsement(log: LogId, key: PublicKey, next: PublicKey) -> String {
    format!("ansai-audit-key-v1 log={log} key={key} next={next}")
}

/// Shows only the public key.
impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({})", self.public())
    }
}
