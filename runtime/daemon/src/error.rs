//! Everything that can go wrong before and beside a run.

use std::path::PathBuf;

use ansai_config::Diagnostics;
use ansai_core::{Code, codes, exit};
use ansai_engine::engine::EngineError;
use ansai_registry::RegistryError;
use ansai_supervisor::approvals::ApprovalError;
use ansai_supervisor::queries::QueryError;
use ansai_supervisor::undo::UndoError;
use ansai_supervisor::{FeedbackError, OpenError, OrderError};

use crate::component::ComponentError;
use crate::configuration::ConfigurationError;
use crate::control::ControlError;
use crate::evidence::EvidenceError;
use crate::history::{HistoryError, code_of};
use crate::load::InstanceError;
use crate::notify::NotifyError;
use crate::promotion::PromotionError;
use crate::recorded::RecordingError;
use crate::share::ShareError;
use crate::sources::SourceError;
use crate::state::StateDirError;
use crate::wake::WakeError;

/// Why a daemon does not start, an instance does not load, or its state cannot be used.
///
/// The message is a fragment without full stop; [`Error::hint`] says how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path does not lead to policies.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A built-in policy is not available.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// A registry, the store or the lock file does not give a policy.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A component does not load.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// An instance does not load.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The state directory cannot be made.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The engine does not start on this machine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The supervisor does not open its state.
    #[error("{}", if is_in_use(error) { format!("another ansai uses {}", state_dir.display()) } else { format!("{}: {error}", state_dir.display()) })]
    Open {
        /// The state directory.
        state_dir: PathBuf,
        /// Why.
        #[source]
        error: OpenError,
    },
    /// The audit log cannot be read, or was changed.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A recording cannot be used.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// Evidence cannot be shown.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A plan was not undone.
    #[error(transparent)]
    Undo(#[from] UndoError),
    /// A plan was neither approved nor rejected.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// An instance was not woken.
    #[error(transparent)]
    Wake(#[from] WakeError),
    /// The control socket cannot be used, or the running daemon refuses a request.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A pause or silence was not ordered or ended.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The configuration was not changed.
    #[error(transparent)]
    Promotion(#[from] PromotionError),
    /// A feedback was not stored.
    #[error(transparent)]
    Feedback(#[from] FeedbackError),
    /// A question about incidents or history has no answer.
    #[error(transparent)]
    Query(QueryError),
    /// Notifications cannot be used.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// There is no state directory, so there is nothing to undo.
    #[error("{} does not exist: nothing was ever done", .0.display())]
    NoState(PathBuf),
}

impl Error {
    /// What kind of error it is: a word that stays the same from version to version.
    pub fn code(&self) -> Code {
        match self {
            Error::Source(error) => error.code(),
            Error::Share(error) => error.code(),
            Error::Configuration(error) => error.code(),
            Error::Registry(error) => error.code(),
            Error::Component(error) => error.code(),
            Error::Instance(error) => error.code(),
            Error::StateDir(_) => codes::STATE_DIRECTORY,
            Error::Engine(_) => codes::ENGINE,
            Error::Open { error, .. } if is_in_use(error) => codes::IN_USE,
            Error::Open { error, .. } => match (is_refusal(error), error) {
                (true, OpenError::Head(_)) => codes::HEAD_KEY,
                (true, OpenError::Audit(ansai_audit::OpenError::Corrupt { corruption, .. })) => {
                    code_of(&corruption.fault)
                }
                (true, _) => codes::AUDIT_TAMPERED,
                (false, _) => codes::STATE_DIRECTORY,
            },
            Error::History(error) => error.code(),
            Error::Recording(error) => error.code(),
            Error::Evidence(error) => error.code(),
            Error::Undo(UndoError::Plan(_) | UndoError::Unknown(_) | UndoError::NoStep { .. }) | Error::NoState(_) => {
                codes::UNKNOWN_PLAN
            }
            Error::Undo(UndoError::Altered(_) | UndoError::AlteredPlan(_)) => codes::ALTERED_PLAN,
            Error::Undo(_) => codes::NOT_UNDONE,
            Error::Approval(ApprovalError::Unknown(_)) => codes::UNKNOWN_PLAN,
            Error::Approval(ApprovalError::NotOpen { .. }) => codes::PLAN_NOT_OPEN,
            Error::Approval(ApprovalError::Altered(_)) => codes::ALTERED_PLAN,
            Error::Approval(ApprovalError::Reason) => codes::USAGE,
            Error::Approval(ApprovalError::ClockInDoubt) => codes::CLOCK_JUMPED,
            Error::Approval(ApprovalError::Journal(_) | ApprovalError::State(_)) => codes::STATE_DIRECTORY,
            Error::Wake(error) => error.code(),
            Error::Control(error) => error.code(),
            Error::Order(error) => error.code(),
            Error::Feedback(error) => error.code(),
            Error::Promotion(error) => error.code(),
            Error::Notify(error) => error.code(),
            Error::Query(QueryError::UnknownIncident { .. }) => codes::UNKNOWN_INCIDENT,
            Error::Query(QueryError::State(_) | QueryError::Audit(_)) => codes::STATE_DIRECTORY,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Source(error) => error.hint(),
            Error::Share(error) => error.hint(),
            Error::Configuration(error) => error.hint(),
            Error::Registry(error) => error.hint(),
            Error::Component(error) => error.hint(),
            Error::Instance(error) => error.hint(),
            Error::StateDir(error) => Some(error.hint()),
            Error::Engine(_) => None,
            Error::Open { error, .. } if is_in_use(error) => {
                Some("stop it, or pass --state-dir DIR with another directory".to_owned())
            }
            Error::Open { error, .. } => error.hint().map(str::to_owned),
            Error::History(error) => Some(error.hint().to_owned()),
            Error::Recording(error) => error.hint().map(str::to_owned),
            Error::Evidence(error) => Some(error.hint().to_owned()),
            Error::Undo(UndoError::Plan(_) | UndoError::Unknown(_) | UndoError::NoStep { .. }) => {
                Some("`ansai audit show` lists plans and their steps".to_owned())
            }
            Error::Undo(UndoError::InUse { .. }) => {
                Some("try again when it has ended; if ansai was interrupted, `ansai run --once` finds out how its steps ended".to_owned())
            }
            Error::Undo(UndoError::Altered(_) | UndoError::AlteredPlan(_)) => Some(
                "keep a copy of the state directory as evidence, and look at the files that the plan names".to_owned(),
            ),
            Error::Undo(_) => None,
            Error::Approval(ApprovalError::Unknown(_) | ApprovalError::NotOpen { .. }) => {
                Some("`ansai plans` lists plans and what became of them".to_owned())
            }
            Error::Approval(ApprovalError::Altered(_)) => {
                Some("keep a copy of the state directory as evidence; the next pass proposes a new plan".to_owned())
            }
            Error::Approval(ApprovalError::ClockInDoubt) => {
                Some("set the clock, or run `ansai run --once --accept-clock`".to_owned())
            }
            Error::Approval(ApprovalError::State(error)) => error.hint().map(str::to_owned),
            Error::Approval(_) => None,
            Error::Wake(error) => Some(error.hint().to_owned()),
            Error::Control(error) => error.hint(),
            Error::Order(error) => error.hint().map(str::to_owned),
            Error::Feedback(error) => error.hint(),
            Error::Promotion(error) => error.hint(),
            Error::Notify(error) => error.hint(),
            Error::Query(QueryError::UnknownIncident { near: Some(near), .. }) => {
                Some(format!("did you mean `{near}`? `ansai incidents --all` lists open and closed ones"))
            }
            Error::Query(QueryError::UnknownIncident { near: None, .. }) => {
                Some("`ansai incidents --all` lists open and closed ones".to_owned())
            }
            Error::Query(QueryError::State(error)) => error.hint().map(str::to_owned),
            Error::Query(QueryError::Audit(_)) => None,
            Error::NoState(_) => Some("pass --state-dir DIR".to_owned()),
        }
    }

    /// The exit code of a command that ends with it; see [`ansai_core::exit`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Source(_) | Error::NoState(_) => exit::USAGE,
            Error::Share(error) => error.exit_code(),
            Error::Configuration(error) => error.exit_code(),
            Error::Registry(error) => error.exit_code(),
            Error::Component(error) => error.exit_code(),
            Error::Instance(error) => error.exit_code(),
            Error::StateDir(StateDirError::NoHome) => exit::USAGE,
            Error::StateDir(StateDirError::Untrusted(_)) => exit::REFUSED,
            Error::StateDir(_) | Error::Engine(_) => exit::OTHER,
            Error::Open { error, .. } if is_refusal(error) => exit::REFUSED,
            Error::Open { .. } => exit::OTHER,
            Error::History(error) => error.exit_code(),
            Error::Recording(error) => error.exit_code(),
            Error::Evidence(error) => error.exit_code(),
            Error::Undo(UndoError::Plan(_) | UndoError::Unknown(_) | UndoError::NoStep { .. }) => exit::USAGE,
            Error::Undo(
                UndoError::Altered(_)
                | UndoError::AlreadyUndone(_)
                | UndoError::InUse { .. }
                | UndoError::AlteredPlan(_)
                | UndoError::NotPermitted(_)
                | UndoError::NotBegun(_)
                | UndoError::Refused(_),
            ) => exit::REFUSED,
            Error::Undo(_) => exit::OTHER,
            Error::Approval(ApprovalError::Unknown(_) | ApprovalError::Reason) => exit::USAGE,
            Error::Approval(
                ApprovalError::NotOpen { .. } | ApprovalError::Altered(_) | ApprovalError::ClockInDoubt,
            ) => exit::REFUSED,
            Error::Approval(_) => exit::OTHER,
            Error::Wake(error) => error.exit_code(),
            Error::Control(error) => error.exit_code(),
            Error::Order(error) => error.exit_code(),
            Error::Feedback(error) => error.exit_code(),
            Error::Promotion(error) => error.exit_code(),
            Error::Notify(error) => error.exit_code(),
            Error::Query(QueryError::UnknownIncident { .. }) => exit::USAGE,
            Error::Query(_) => exit::OTHER,
        }
    }

    /// Problems of a file, with places.
    pub fn diagnostics(&self) -> Option<&Diagnostics> {
        match self {
            Error::Configuration(ConfigurationError::Invalid { problems, .. })
            | Error::Component(ComponentError::Part { problems, .. })
            | Error::Instance(
                InstanceError::Settings { problems, .. }
                | InstanceError::Stages { problems, .. }
                | InstanceError::TargetSettings { problems, .. },
            ) => Some(problems),
            _ => None,
        }
    }
}

fn is_in_use(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::Audit(ansai_audit::OpenError::InUse(_))
            | OpenError::Recordings(ansai_audit::RecordingsError::InUse(_))
    )
}

fn is_refusal(error: &OpenError) -> bool {
    match error {
        OpenError::Head(error) => error.is_refusal(),
        error => matches!(error, OpenError::Audit(ansai_audit::OpenError::Corrupt { .. })),
    }
}
