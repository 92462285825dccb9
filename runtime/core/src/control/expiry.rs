//! What ansai relies on, and what ends.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Something that ansai relies on and that ends soon, has ended, or is missing. A person has to renew it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// The same as long as the same state of the same end is meant: it is told once. What is missing has
    /// another one every 30 days, so that it is told again.
    pub id: String,
    /// How it stands.
    pub state: ExpiryState,
    /// When it ends; absent if it is missing.
    pub expires: Option<Timestamp>,
    /// One sentence: what it is, what follows, and what to do.
    pub summary: String,
}

/// How something stands that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryState {
    /// It ends soon.
    Soon,
    /// It has ended.
    Expired,
    /// There is none.
    Missing,
}
