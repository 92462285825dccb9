//! Why a request was not done.

use std::path::PathBuf;

use ansai_core::control::Refused;
use ansai_core::{Code, codes, exit};
use ansai_storage::Problem;

/// The control socket cannot be used, or the daemon refuses a request.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another user can change the socket or its directory.
    #[error("control socket: {}", .0.0)]
    Untrusted(Problem),
    /// Something else has its name.
    #[error("control socket: {} exists and is not a socket", .0.display())]
    Occupied(PathBuf),
    /// Another daemon listens there.
    #[error("control socket: another ansai listens on {}", .0.display())]
    Listening(PathBuf),
    /// The system does not let this user connect.
    #[error("control socket {}: {error}", path.display())]
    Access {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The daemon took the connection, and did not answer in time.
    #[error("the ansai that listens on {} did not answer within 10 s", .0.display())]
    NotAnswering(PathBuf),
    /// The answer is none.
    #[error("the ansai that listens on {} answered something unknown", .0.display())]
    BadAnswer(PathBuf),
    /// An ansai has the state directory, and does not listen.
    #[error("another ansai uses {} and does not listen on its control socket", .0.display())]
    NotListening(PathBuf),
    /// No daemon runs, and this user cannot read the state directory.
    #[error("no ansai listens on {}", .0.display())]
    NotRunning(PathBuf),
    /// The daemon refuses the request.
    #[error("{}", .0.message)]
    Refused(Refused),
}

impl ControlError {
    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            ControlError::Untrusted(_) | ControlError::Occupied(_) | ControlError::Listening(_) => {
                codes::CONTROL_SOCKET
            }
            ControlError::Access { .. } => codes::CONTROL_REFUSED,
            ControlError::NotAnswering(_) => codes::NOT_ANSWERING,
            ControlError::BadAnswer(_) => codes::BAD_REQUEST,
            ControlError::NotListening(_) => codes::IN_USE,
            ControlError::NotRunning(_) => codes::NOT_RUNNING,
            // A newer daemon may have codes that this program does not know.
            ControlError::Refused(refused) => codes::find(&refused.code).unwrap_or(codes::OTHER),
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            ControlError::Untrusted((_, fix)) => fix,
            ControlError::Occupied(path) => return Some(format!("look at it, then remove {}", path.display())),
            ControlError::Listening(_) => "give each ansai a socket of its own: `socket` in [control]",
            ControlError::Access { .. } => {
                "run this as root or as the user of the daemon, or see `group` and `operators` in [control]"
            }
            ControlError::NotAnswering(_) => "look at its log; if it hangs, restart it",
            ControlError::BadAnswer(_) => "use the program of the same version as the daemon",
            ControlError::NotListening(_) => "wait until it ends: `ansai undo` and a start take a moment",
            ControlError::NotRunning(_) => "start it with `ansai run`, or name its state directory with --state-dir",
            ControlError::Refused(refused) => return refused.hint.clone(),
        };
        Some(hint.to_owned())
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            ControlError::Untrusted(_) | ControlError::Access { .. } => exit::REFUSED,
            ControlError::Refused(refused) => refused.exit_code,
            _ => exit::OTHER,
        }
    }
}
