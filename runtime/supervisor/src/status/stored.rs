//! What the last run left in a state directory.

use ansai_core::control::StatusReport;
use ansai_storage::Directory;

use crate::state::{State, StateError};

/// The state of everything when the last run ended; `None` if there was none. Nothing is written, and no lock is needed.
///
/// # Errors
/// The state cannot be read, or another version of ansai wrote it.
pub fn status_of(directory: &Directory) -> Result<Option<StatusReport>, StateError> {
    State::left_in(directory)?.map(|state| state.report()).transpose()
}
