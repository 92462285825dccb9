//! What the last run left in a state directory.

use ansai_audit::Ballast;
use ansai_core::control::StatusReport;
use ansai_storage::{Directory, Location};

use crate::opening::DATABASE;
use crate::state::{State, StateError};

/// The state of everything when the last run ended; `None` if there was none. Nothing is written, and no lock is needed.
///
/// # Errors
/// The state cannot be read, or another version of ansai wrote it.
pub fn status_of(directory: &Directory) -> Result<Option<StatusReport>, StateError> {
    match directory.metadata(DATABASE) {
        Ok(found) if found.is_file => {}
        _ => return Ok(None),
    }
    // Never released: nothing is written.
    let ballast = Ballast::new(Location::new(directory, "ballast"), 0);
    State::open_to_read(&directory.path_of(DATABASE), ballast)?.report().map(Some)
}
