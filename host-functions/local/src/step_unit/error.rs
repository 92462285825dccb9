//! Why a unit cannot be started or asked.

use ansai_core::{Code, Refusal, codes};
use ansai_kit::program::ProgramError;

/// A unit cannot be started or asked.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// No systemd manages this machine, or the host is not this machine.
    #[error("no systemd runs on this host, so nothing can outlive ansai")]
    NoSystemd,
    /// The id of the step is not the name of a unit.
    #[error("{0:?} cannot be the name of a unit")]
    BadId(String),
    /// A unit of this step exists already.
    #[error("the unit {0} exists already")]
    Exists(String),
    /// systemd refuses, or does not answer.
    #[error("the unit {unit}: {why}")]
    Refused {
        /// The unit.
        unit: String,
        /// What systemd says.
        why: String,
    },
    /// The program, or a command of systemd, cannot be run.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

impl UnitError {
    pub(crate) fn refused(unit: &str, why: impl Into<String>) -> UnitError {
        UnitError::Refused { unit: unit.to_owned(), why: why.into() }
    }

    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            UnitError::NoSystemd => codes::NO_SYSTEMD,
            UnitError::BadId(_) | UnitError::Exists(_) | UnitError::Refused { .. } => codes::STEP_UNIT,
            UnitError::Program(error) => error.code(),
        }
    }
}

/// For a policy.
impl From<UnitError> for Refusal {
    fn from(error: UnitError) -> Refusal {
        let text = format!("{error} ({})", error.code());
        match error {
            UnitError::NoSystemd => Refusal::Unsupported(text),
            _ => Refusal::Unavailable(text),
        }
    }
}
