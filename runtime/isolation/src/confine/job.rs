//! What the supervisor tells a child in its last argument.

use ansai_kit::program::User;
use serde::{Deserialize, Serialize};

use crate::process::Limits;
use crate::report::Profile;

/// What a child becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// What it is for.
    pub profile: Profile,
    /// The user and group to become; `None` to stay the same user.
    pub user: Option<(u32, u32)>,
    /// What it may use.
    pub limits: Limits,
}

impl Job {
    pub(crate) fn new(profile: Profile, user: Option<User>, limits: Limits) -> Job {
        Job { profile, user: user.map(|user| (user.uid, user.gid)), limits }
    }

    pub(crate) fn to_argument(self) -> String {
        // Numbers and names only: it cannot fail, and a child without a job ends at once.
        serde_json::to_string(&self).unwrap_or_default()
    }

    pub(crate) fn from_argument(argument: &str) -> Option<Job> {
        serde_json::from_str(argument).ok()
    }
}
