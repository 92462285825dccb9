//! Why a pause or silence was not ordered or ended.

use ansai_core::order::{LONGEST, MOST_KEY, MOST_REASON, MOST_SILENCES, SHORTEST};
use ansai_core::{Code, InstanceName, Millis, codes, exit};

use crate::recording::JournalError;
use crate::state::StateError;

/// Nothing was changed, unless it is [`OrderError::Journal`]: then it may be in force without a record.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// It would end too soon or too late.
    #[error("{0} is not between {SHORTEST} and {LONGEST}")]
    Duration(Millis),
    /// There is no reason, or it is too long.
    #[error("the reason is empty or longer than {MOST_REASON} characters")]
    Reason,
    /// There is no key, or it is too long.
    #[error("the key is empty or longer than {MOST_KEY} bytes")]
    Key,
    /// As many are in force as there may be.
    #[error("{MOST_SILENCES} silences are in force already")]
    TooMany,
    /// There is no pause of all instances.
    #[error("no pause of all instances is in force")]
    NothingPaused,
    /// No pause, silence, quarantine or fight has this name, and it names no storm that is in force.
    #[error("no pause, silence, quarantine, storm or fight of `{0}` is in force")]
    NothingToResume(String),
    /// No incident of this id, key or instance is left to a person.
    #[error("no incident of `{0}` is left to a person")]
    NothingToRetry(String),
    /// An evaluation takes too long.
    #[error("{0} is being evaluated, so its incidents cannot be changed now")]
    BeingEvaluated(InstanceName),
    /// It cannot be stored.
    #[error(transparent)]
    State(#[from] StateError),
    /// It cannot be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl OrderError {
    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            OrderError::Duration(_) | OrderError::Reason | OrderError::Key | OrderError::TooMany => codes::BAD_ORDER,
            OrderError::NothingPaused | OrderError::NothingToResume(_) => codes::NOTHING_TO_RESUME,
            OrderError::NothingToRetry(_) => codes::NOTHING_TO_RETRY,
            OrderError::BeingEvaluated(_) => codes::NOT_ANSWERING,
            OrderError::State(_) | OrderError::Journal(_) => codes::STATE_DIRECTORY,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            OrderError::Duration(_) => Some("such as `30m`, `2h 30m` or `7d`"),
            OrderError::Reason => Some("say why, such as --reason \"database migration\""),
            OrderError::Key => Some("`ansai status` lists the keys of open incidents"),
            OrderError::TooMany | OrderError::NothingPaused | OrderError::NothingToResume(_) => {
                Some("`ansai pauses` lists all that can be resumed")
            }
            OrderError::NothingToRetry(_) => Some("`ansai status` shows what is left to a person"),
            OrderError::BeingEvaluated(_) => Some("run the command again"),
            OrderError::State(error) => error.hint(),
            OrderError::Journal(_) => None,
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            OrderError::BeingEvaluated(_) | OrderError::State(_) | OrderError::Journal(_) => exit::OTHER,
            _ => exit::USAGE,
        }
    }
}
