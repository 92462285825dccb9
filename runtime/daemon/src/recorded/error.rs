//! Why a recording cannot be used.

use std::path::PathBuf;

use ansai_audit::{GetError, RecordingId, StorageError};
use ansai_core::{Code, codes, exit};

/// A recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The state directory has none.
    #[error("{} has no recordings", .0.display())]
    None(PathBuf),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// It is not stored, damaged, or not the one that was recorded.
    #[error(transparent)]
    Get(#[from] GetError),
    /// It is stored, but the audit log does not name it.
    #[error("the audit log does not name recording {0}")]
    NotInLog(RecordingId),
    /// It was written by another version.
    #[error("recording {id} has a form that this version does not know: {error}")]
    Form {
        /// The recording.
        id: RecordingId,
        /// What the parser says.
        error: serde_json::Error,
    },
    /// The component that was recorded is not at the paths.
    #[error("no component here has the digest {}…", .0.get(..12).unwrap_or(.0))]
    NoComponent(String),
}

impl RecordingError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            RecordingError::None(_) | RecordingError::Get(GetError::Unknown(_)) => codes::UNKNOWN_RECORDING,
            RecordingError::Store(_) => codes::STATE_DIRECTORY,
            RecordingError::Get(GetError::Storage(_)) => codes::FILE_ACCESS,
            RecordingError::Get(_) | RecordingError::NotInLog(_) | RecordingError::Form { .. } => {
                codes::DAMAGED_RECORDING
            }
            RecordingError::NoComponent(_) => codes::UNKNOWN_COMPONENT,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            RecordingError::Get(GetError::Unknown(_)) => Some("see `ansai recordings list`"),
            RecordingError::NoComponent(_) => {
                Some("pass --policies DIR with the component, or --with FILE to replay with another one")
            }
            _ => None,
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self.code() {
            code if code == codes::DAMAGED_RECORDING => exit::REFUSED,
            code if code == codes::UNKNOWN_RECORDING || code == codes::UNKNOWN_COMPONENT => exit::USAGE,
            _ => exit::OTHER,
        }
    }
}
