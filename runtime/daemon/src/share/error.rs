//! Why a built-in policy is not available.

use std::io;
use std::path::PathBuf;

use ansai_config::did_you_mean;
use ansai_core::{Code, codes, exit};

use crate::ownership::Problem;

/// A built-in policy is not available.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The share directory does not exist, or this user cannot read it.
    #[error("no built-in policies: {}: {error}", path.display())]
    Missing {
        /// The part of its path that is missing.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The share directory has no policies.
    #[error("{} has no built-in policies", .0.display())]
    Empty(PathBuf),
    /// Another user can change a part of it, or a directory above it.
    #[error("{}, so another user can replace built-in policies", .0.0)]
    Untrusted(Problem),
    /// It has no policy of this name.
    #[error("{} has no built-in policy `{name}`", path.display())]
    Unknown {
        /// The name.
        name: String,
        /// Where it should be.
        path: PathBuf,
        /// Names of those that are there.
        known: Vec<String>,
    },
    /// The policy is there, and this user cannot read it.
    #[error("{}: {error}", path.display())]
    Access {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl ShareError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            ShareError::Missing { .. } | ShareError::Empty(_) => codes::NO_SHARE_DIRECTORY,
            ShareError::Untrusted(_) => codes::UNTRUSTED_SHARE_DIRECTORY,
            ShareError::Unknown { .. } => codes::UNKNOWN_BUILTIN,
            ShareError::Access { .. } => codes::FILE_ACCESS,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ShareError::Missing { .. } | ShareError::Empty(_) => Some(
                "install ansai with `make install`, pass --share-dir DIR, or pass a directory with policies".to_owned(),
            ),
            ShareError::Untrusted((_, fix)) => Some(fix.clone()),
            ShareError::Unknown { name, known, .. } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                did_you_mean(name, &known)
            }
            ShareError::Access { .. } => None,
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            ShareError::Untrusted(_) => exit::REFUSED,
            _ => exit::USAGE,
        }
    }
}
