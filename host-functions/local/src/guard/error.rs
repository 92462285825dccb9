//! Why a guard cannot be armed or asked.

use ansai_core::{Code, Refusal, codes};

use crate::step_unit::UnitError;

/// A guard cannot be armed or asked.
#[derive(Debug, thiserror::Error)]
#[error("the guard that would put the step back: {0}")]
pub struct GuardError(#[from] UnitError);

impl GuardError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match &self.0 {
            UnitError::BadId(_) | UnitError::Exists(_) | UnitError::Refused { .. } => codes::NO_GUARD,
            error @ (UnitError::NoSystemd | UnitError::Program(_)) => error.code(),
        }
    }
}

/// For a policy.
impl From<GuardError> for Refusal {
    fn from(error: GuardError) -> Refusal {
        let text = format!("{error} ({})", error.code());
        match error.0 {
            UnitError::NoSystemd => Refusal::Unsupported(text),
            _ => Refusal::Unavailable(text),
        }
    }
}
