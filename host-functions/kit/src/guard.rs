//! Guards: what puts a step back although ansai is dead.
//!
//! A step whose effect does not last gets a guard before it acts. `ansai-local` arms timers of systemd, which need
//! neither ansai nor anything that ansai started.

use std::path::PathBuf;

use ansai_core::{Millis, Refusal, codes};
use serde::{Deserialize, Serialize};

use crate::host::Host;

/// What puts a step back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// A timer that runs a program.
    Timer(Reversal),
    /// A time-out of the kernel. `begin` sets it together with the change, so that neither exists without the other.
    Kernel,
}

/// The command that puts a step back. It runs once, also if the step did not act; then it must change nothing. If
/// somebody else has changed the thing meanwhile, it should leave that alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Absolute path of a program that only root can change.
    pub program: PathBuf,
    /// Its arguments, passed without a shell and as they are. Every user can read them.
    pub arguments: Vec<String>,
}

/// What a guard does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardState {
    /// It waits for its time.
    Waiting,
    /// It is putting the step back.
    Firing,
    /// It has put the step back.
    PutBack,
    /// It tried to put the step back, and failed for this reason.
    Failed(String),
    /// It is not there: it was removed, or the machine was restarted.
    Gone,
}

/// Why a guard is not known to be armed. In any case, the step must not act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArmError {
    /// Nothing was armed. The text has a code.
    NotArmed(Refusal),
    /// It may be armed, or be so in part: the caller removes it. The text has a code.
    Unknown(Refusal),
}

/// Arms guards. The id of a step names its guard, so a restarted ansai finds it.
pub trait Guards: Send + Sync {
    /// Arms a guard that fires after this time on the clock that nobody can set. Returns when it is armed.
    ///
    /// # Errors
    /// It is not armed, or that is unknown.
    fn arm(&self, host: &Host, step_id: &str, reversal: &Reversal, after: Millis) -> Result<(), ArmError>;

    /// What the guard of a step does now.
    ///
    /// # Errors
    /// That is unknown.
    fn state(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal>;

    /// Removes the guard unless it has fired. Waits while it is firing. [`GuardState::Gone`] if it will not fire any more.
    ///
    /// # Errors
    /// Whether it will fire is unknown.
    fn disarm(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal>;

    /// Removes what a guard leaves after it has fired. Does nothing if there is nothing.
    fn forget(&self, host: &Host, step_id: &str);
}

/// A host where nothing can be armed.
pub struct NoGuards;

impl NoGuards {
    fn refusal() -> Refusal {
        Refusal::Unsupported(format!(
            "nothing on this host can put a step back without ansai ({})",
            codes::NO_GUARD.word()
        ))
    }
}

impl Guards for NoGuards {
    fn arm(&self, _: &Host, _: &str, _: &Reversal, _: Millis) -> Result<(), ArmError> {
        Err(ArmError::NotArmed(NoGuards::refusal()))
    }

    fn state(&self, _: &Host, _: &str) -> Result<GuardState, Refusal> {
        Err(NoGuards::refusal())
    }

    fn disarm(&self, _: &Host, _: &str) -> Result<GuardState, Refusal> {
        Err(NoGuards::refusal())
    }

    fn forget(&self, _: &Host, _: &str) {}
}
