//! A program that runs on, and whose output is read as it comes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::group::Group;
use super::{Program, ProgramError, start};

/// A program that runs until this value is dropped. Then it is killed, with all processes of its group.
///
/// The kernel kills it too if the thread that started it ends, so start it on a thread that lives as long.
pub struct Following {
    _group: Group,
    stdout: OwnedFd,
}

impl Program<'_> {
    /// Starts it. Its standard error is lost, and nothing bounds how long it runs.
    ///
    /// # Errors
    /// The program cannot be trusted or started.
    pub fn follow(&self) -> Result<Following, ProgramError> {
        let (group, streams) = start::start(self)?;
        let stdout = streams.into_stdout().ok_or_else(|| ProgramError::Start {
            path: self.path.to_owned(),
            error: std::io::Error::other("it has no standard output"),
        })?;
        Ok(Following { _group: group, stdout })
    }
}

/// Its standard output, which never blocks. What is read there was written by the program and may contain secrets.
impl AsFd for Following {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdout.as_fd()
    }
}
