//! The key that signs the heads of a log, in a file that only its owner can read.

use std::fmt;
use std::path::PathBuf;

use ansai_storage::{Directory, Location, WriteOptions};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::public_key::{LogId, PublicKey, exact_hex};
use crate::storage::StorageError;

/// The seed as 64 hexadecimal digits, and a newline.
const FILE_BYTES: u64 = 65;

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
    pub fn read(file: impl Into<Location>) -> Result<Option<Self>, KeyError> {
        let file = file.into();
        let path = || file.path().to_owned();
        let Some(found) = file.read(FILE_BYTES)? else { return Ok(None) };
        if found.owned.uid != rustix::process::geteuid().as_raw() {
            return Err(KeyError::Foreign { path: path(), uid: found.owned.uid });
        }
        // Nobody else may read it either.
        if found.owned.mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path(), mode: found.owned.mode & 0o7777 });
        }
        let text = std::str::from_utf8(&found.bytes).ok().and_then(|text| text.strip_suffix('\n'));
        let seed = text.and_then(exact_hex).ok_or_else(|| KeyError::Form(path()))?;
        Ok(Some(Self::from_seed(seed)))
    }

    /// Creates a key and writes it, durably and atomically, to a file that only this user can read. Replaces an
    /// existing file: the caller has checked, and holds the lock of the log.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn make(file: impl Into<Location>) -> Result<Self, KeyError> {
        let key = Self::from_seed(ansai_storage::random()?);
        let (directory, name) = file.into().resolve()?;
        // A crash may have left a part of a key.
        directory.remove_left_over()?;
        let text = format!("{}\n", hex::encode(key.0.to_bytes()));
        directory.replace(name, text.as_bytes(), WriteOptions::default())?;
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
    pub fn replace(&self, directory: &Directory, from: &str, to: &str) -> Result<(), KeyError> {
        directory.rename(from, to)?;
        directory.sync()?;
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
