//! Whether an ansai has a state directory: it runs, starts, or does something there without a daemon.

use ansai_storage::{Directory, StorageError};

use crate::recording::heads::LOG;

/// Whether an ansai has this state directory now. Changes nothing, and keeps no ansai from starting.
///
/// # Errors
/// The system refuses.
pub fn is_in_use(state_dir: &Directory) -> Result<bool, StorageError> {
    match state_dir.subdirectory(LOG) {
        Err(error) if error.is_not_found() => Ok(false),
        log => ansai_audit::is_open(&log?),
    }
}
