//! Why a list of revocations is refused.

use ansai_core::{Code, codes};

/// A list of revocations is refused. The one that is kept stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// None of the keys of the rule has signed it.
    #[error("the list of revocations {address} is not signed by a key of its [[trust]]")]
    Unsigned {
        /// Of the list.
        address: String,
    },
    /// Its end has passed.
    #[error("the list of revocations {address} has expired")]
    Expired {
        /// Of the list.
        address: String,
    },
    /// A newer one is known.
    #[error("the list of revocations {address} has serial {serial}, and {known} is known")]
    Older {
        /// Of the list.
        address: String,
        /// Of the refused list.
        serial: u64,
        /// Of the kept one.
        known: u64,
    },
    /// Something that is revoked is missing in it.
    #[error("the list of revocations {address} no longer revokes {what}")]
    Shrunken {
        /// Of the list.
        address: String,
        /// What is missing.
        what: String,
    },
    /// It is not a list of revocations, or one of something else.
    #[error("the list of revocations {address} is invalid: {why}")]
    Invalid {
        /// Of the list.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// No list is kept that is still valid, so nothing new is accepted.
    #[error("no valid list of revocations of {address}: {why}")]
    Overdue {
        /// Of the list.
        address: String,
        /// Whether it is missing or has expired, and why it cannot be fetched.
        why: String,
    },
}

impl RevocationError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            RevocationError::Unsigned { .. } => codes::REVOCATIONS_UNSIGNED,
            RevocationError::Expired { .. } => codes::REVOCATIONS_EXPIRED,
            RevocationError::Older { .. } => codes::REVOCATIONS_OLDER,
            RevocationError::Shrunken { .. } => codes::REVOCATIONS_SHRUNKEN,
            RevocationError::Invalid { .. } => codes::REVOCATIONS_INVALID,
            RevocationError::Overdue { .. } => codes::REVOCATIONS_OVERDUE,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> &'static str {
        match self {
            RevocationError::Unsigned { .. } => "check `revocations` and the keys of [[trust]]",
            RevocationError::Expired { .. } => {
                "check the clock of this host; the signer writes a new list with `ansai revoke`"
            }
            RevocationError::Older { .. } | RevocationError::Shrunken { .. } => {
                "the known list stays in force; tell the signer: an old list is being offered"
            }
            RevocationError::Invalid { .. } => "the signer writes lists with `ansai revoke`",
            RevocationError::Overdue { .. } => "make the address reachable and run `ansai pull` again",
        }
    }
}
