//! Why a program cannot be run.

use std::io;
use std::path::PathBuf;

use ansai_core::{Code, Refusal, codes};
use ansai_storage::StorageError;

/// A program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Another user can change it, a directory above it or a link that leads to it.
    #[error("{problem}")]
    Untrusted {
        /// What is wrong with which path.
        problem: String,
        /// How to fix it.
        fix: String,
    },
    /// Its path is not absolute.
    #[error("{} is not an absolute path", .0.display())]
    Relative(PathBuf),
    /// It is a directory or a device.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// It does not exist or cannot be examined.
    #[error(transparent)]
    Access(#[from] StorageError),
    /// The system does not start it.
    #[error("cannot start {}: {error}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// ansai cannot become this user.
    #[error("cannot run {} as user {uid}: {why}", path.display())]
    User {
        /// The program.
        path: PathBuf,
        /// The user.
        uid: u32,
        /// What is missing.
        why: String,
    },
    /// The system does not say how it ended.
    #[error("cannot wait for {}: {error}", path.display())]
    Wait {
        /// The program.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// It was killed and does not end: it waits for a device.
    #[error("{} was killed and does not end", path.display())]
    Stuck {
        /// The program.
        path: PathBuf,
    },
}

impl ProgramError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            ProgramError::Untrusted { .. } => codes::UNTRUSTED_PROGRAM,
            ProgramError::Relative(_)
            | ProgramError::NotAFile(_)
            | ProgramError::Access(_)
            | ProgramError::Start { .. } => codes::PROGRAM_START,
            ProgramError::User { .. } => codes::USER_SWITCH,
            ProgramError::Wait { .. } | ProgramError::Stuck { .. } => codes::PROGRAM_STUCK,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> String {
        match self {
            ProgramError::Untrusted { fix, .. } => fix.clone(),
            ProgramError::Relative(_) => "give the absolute path of the program".to_owned(),
            ProgramError::NotAFile(_) => "give the path of a program".to_owned(),
            ProgramError::Access(error) => format!("check the path: ls -l {}", error.path.display()),
            ProgramError::Start { path, .. } => format!("check that it is executable: ls -l {}", path.display()),
            ProgramError::User { .. } => "run ansai as root, with CAP_SETUID and CAP_SETGID".to_owned(),
            ProgramError::Wait { .. } | ProgramError::Stuck { .. } => {
                "a disk or a network file system may hang: check the kernel's log".to_owned()
            }
        }
    }
}

/// For a policy: the operator can fix each of them.
impl From<ProgramError> for Refusal {
    fn from(error: ProgramError) -> Refusal {
        Refusal::Unavailable(format!("{error} ({})", error.code()))
    }
}
