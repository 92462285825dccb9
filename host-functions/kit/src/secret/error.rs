//! Why a secret cannot be used.

use std::path::PathBuf;

use ansai_core::{Code, Refusal, codes};
use ansai_storage::StorageError;

use super::MOST_BYTES;

/// A secret cannot be used. The message names the file, so it is for the operator and not for policies.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Another user can read it, change it or exchange it.
    #[error("{problem}")]
    Exposed {
        /// What is wrong with which path.
        problem: String,
        /// How to fix it.
        fix: String,
    },
    /// It is something else: a link, a directory, a pipe.
    #[error("{} is {}", path.display(), if *is_link { "a symbolic link" } else { "not a regular file" })]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// Whether it is a symbolic link.
        is_link: bool,
    },
    /// It is too long to be a secret.
    #[error("{} is larger than {} KiB", .0.display(), MOST_BYTES >> 10)]
    TooLarge(PathBuf),
    /// There is nothing in it.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// ansai was not started with credentials.
    #[error("the credential `{0}` is not available: CREDENTIALS_DIRECTORY is not set")]
    NoCredentials(String),
    /// The request that passed it has ended.
    #[error("the secret was not passed with the request")]
    NotPassed,
    /// The system refuses.
    #[error(transparent)]
    Access(#[from] StorageError),
}

impl SecretError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            SecretError::Exposed { .. } => codes::SECRET_EXPOSED,
            SecretError::NotAFile { .. } => codes::NOT_A_FILE,
            SecretError::TooLarge(_) => codes::FILE_TOO_LARGE,
            SecretError::Empty(_) => codes::EMPTY_FILE,
            SecretError::NoCredentials(_) => codes::NO_CREDENTIAL,
            SecretError::NotPassed => codes::FILE_ACCESS,
            SecretError::Access(_) => codes::FILE_ACCESS,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> String {
        match self {
            SecretError::Exposed { fix, .. } => fix.clone(),
            SecretError::NotAFile { is_link: true, .. } => "give the path that the link leads to".to_owned(),
            SecretError::NotAFile { .. } => "give the path of a file".to_owned(),
            SecretError::TooLarge(_) => "is this the right file? a secret is one line".to_owned(),
            SecretError::Empty(path) => format!("write the secret into {}", path.display()),
            SecretError::NotPassed => "this is a bug of ansai: please report it".to_owned(),
            SecretError::NoCredentials(name) => {
                format!("add `LoadCredential={name}:/etc/ansai/{name}.secret` to the systemd unit of ansai")
            }
            SecretError::Access(error) if error.is_not_found() => {
                format!("create it for the user who runs ansai only: install -m 600 /dev/null {}", error.path.display())
            }
            SecretError::Access(_) => "check the path, and run as the user who may read it".to_owned(),
        }
    }
}

/// For a policy: the kind of error, without the path.
impl From<SecretError> for Refusal {
    fn from(error: SecretError) -> Refusal {
        Refusal::Unavailable(format!(
            "the secret of the target cannot be used ({}); `ansai check` shows why",
            error.code()
        ))
    }
}
