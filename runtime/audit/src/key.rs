//! The key that signs the heads of a log: a file of this user's own.

use std::fmt;
use std::path::PathBuf;

use ansai_storage::{Directory, Location, WriteOptions};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::public_key::{LogId, PublicKey, exact_hex};
use crate::storage::StorageError;

/// The seed as 64 hexadecimal digits, and an end of line.
const FILE_BYTES: u64 = 65;

/// The private half: whoever has it can sign heads.
#[derive(Clone)]
pub struct Key(SigningKey);

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Somebody else can read or write it, or could.
    #[error("the key {} is readable or writable by other users (mode {mode:04o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is somebody else's.
    #[error("the key {} belongs to user {uid}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// Its content is no key.
    #[error("{} is not a key file: expected 64 hexadecimal digits and a newline", .0.display())]
    Form(PathBuf),
}

impl KeyError {
    /// The way out, for a person.
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
    /// The key in a file; `None` where there is no file.
    ///
    /// # Errors
    /// When others could have read it, and when it is no key.
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

    /// A new key, durable in a file that only this user can read, whole or not there. A file that is there already is
    /// replaced: the caller has looked, and holds the lock of the log.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn make(file: impl Into<Location>) -> Result<Self, KeyError> {
        let key = Self::from_seed(ansai_storage::random()?);
        let (directory, name) = file.into().resolve()?;
        // A crash may have left a part of a key.
        directory.remove_left_over()?;
        let text = format!("{}\n", hex::encode(key.0.to_bytes()));
        directory.replace(name, text.as_bytes(), WriteOptions::default())?;
        Ok(key)
    }

    /// The key of a seed of 32 bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// What is shown, and kept elsewhere to check signatures with.
    pub fn public(&self) -> PublicKey {
        self.0.verifying_key().into()
    }

    /// This key's word that another follows it in a log.
    pub fn endorse(&self, log: LogId, next: PublicKey) -> [u8; 64] {
        self.sign(endorsement(log, self.public(), next).as_bytes())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Moves the file of this key into the place of another one, durably.
    ///
    /// # Errors
    /// When the system refuses: then both are where they were.
    pub fn replace(&self, directory: &Directory, from: &str, to: &str) -> Result<(), KeyError> {
        directory.rename(from, to)?;
        directory.sync()?;
        Ok(())
    }
}

impl PublicKey {
    /// Whether this key said that `next` follows it in a log; see [`Key::endorse`].
    pub fn endorsed(&self, log: LogId, next: PublicKey, signature: &[u8; 64]) -> bool {
        self.signed(endorsement(log, *self, next).as_bytes(), signature)
    }
}

fn endorsement(log: LogId, key: PublicKey, next: PublicKey) -> String {
    format!("ansai-audit-key-v1 log={log} key={key} next={next}")
}

/// Never the private half.
impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({})", self.public())
    }
}
