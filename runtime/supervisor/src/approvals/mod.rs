//! Plans that wait for the approval of a person.
//!
//! A plan that needs approval is stored whole when it is proposed, and a person decides about that content. The next pass
//! asks the policy again. If it proposes the same and nothing else has changed, the stored plan is applied, once; otherwise
//! the approval ends and the new plan waits.

mod asked;
mod decide;
mod ended;
mod same;

use std::path::Path;

use ansai_core::approval::Approval;

pub use self::decide::ApprovalError;
pub(crate) use self::ended::end_of_incident;
pub(crate) use self::same::{circumstances, difference};
use crate::state::StateError;

/// All plans that a person was asked about and that are remembered: what waits comes first. `database` is `state.db` of the state
/// directory, which a daemon may have open. Changes nothing.
///
/// # Errors
/// It cannot be read, or a newer ansai wrote it.
pub fn approvals(database: &Path) -> Result<Vec<Approval>, StateError> {
    crate::state::approvals(database)
}
