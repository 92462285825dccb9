//! Whether another user can change a file: the file itself, a directory above it, or a link that leads to it.

use std::path::Path;

pub use ansai_storage::Problem;
use ansai_storage::{TrustError, Trusted};

/// The problem of a file, or `None` if no other user can change it.
pub fn problem(file: &Path) -> Option<Problem> {
    match Trusted::open(file) {
        Ok(_) => None,
        Err(TrustError::Untrusted(problem)) => Some(problem),
        Err(TrustError::Access(error)) => Some((error.to_string(), "check the path".to_owned())),
    }
}
