//! Why a feedback was not stored.

use ansai_core::promotion::MOST_NOTE;
use ansai_core::{Code, codes, exit};

use crate::recording::JournalError;
use crate::state::StateError;

/// Nothing was stored, unless it is [`FeedbackError::State`]: then the audit log may have it.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// No incident has this id, or it is too old.
    #[error("no incident {incident}")]
    Unknown {
        /// What was asked for.
        incident: String,
        /// Ids that are like it.
        near: Vec<String>,
    },
    /// The note is too long.
    #[error("the note is longer than {MOST_NOTE} bytes")]
    Note,
    /// It cannot be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

impl FeedbackError {
    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            FeedbackError::Unknown { .. } => codes::UNKNOWN_INCIDENT,
            FeedbackError::Note => codes::USAGE,
            FeedbackError::Journal(_) | FeedbackError::State(_) => codes::STATE_DIRECTORY,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        match self {
            FeedbackError::Unknown { near, .. } if near.is_empty() => {
                Some("`ansai incidents --all` lists the ids of incidents".to_owned())
            }
            FeedbackError::Unknown { near, .. } => Some(format!("did you mean {}?", near.join(" or "))),
            FeedbackError::Note => Some("shorten it".to_owned()),
            FeedbackError::Journal(_) => None,
            FeedbackError::State(error) => error.hint().map(str::to_owned),
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            FeedbackError::Unknown { .. } | FeedbackError::Note => exit::USAGE,
            FeedbackError::Journal(_) | FeedbackError::State(_) => exit::OTHER,
        }
    }
}
