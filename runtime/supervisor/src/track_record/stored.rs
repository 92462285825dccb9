//! The track record that the last run left in a state directory.

use ansai_core::promotion::{ActionRecord, FeedbackCounts};
use ansai_core::{InstanceName, Timestamp};
use ansai_storage::Directory;

use crate::clock;
use crate::state::{State, StateError};

/// What each action achieved until the last run ended. Nothing is written, and no lock is needed.
///
/// # Errors
/// The state cannot be read, or another version of ansai wrote it.
pub fn action_records_of(directory: &Directory) -> Result<Vec<ActionRecord>, StateError> {
    State::left_in(directory)?.map_or_else(|| Ok(Vec::new()), |state| state.action_records(clock::now()))
}

/// How many incidents people judged since an instant, of one instance or of all. Nothing is written.
///
/// # Errors
/// As [`action_records_of`].
pub fn feedback_counts_of(
    directory: &Directory,
    instance: Option<&InstanceName>,
    since: Timestamp,
) -> Result<FeedbackCounts, StateError> {
    State::left_in(directory)?
        .map_or_else(|| Ok(FeedbackCounts::default()), |state| state.feedback_counts(instance, since))
}
