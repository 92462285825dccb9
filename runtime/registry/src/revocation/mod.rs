//! Signed lists of what signers take back: versions, digests and keys.

mod error;
mod fetch;
mod kept;
mod list;

pub use error::RevocationError;
pub use fetch::fetch_list;
pub use kept::{ListProblem, Lists, Update};
pub use list::{RevocationList, RevokedDigest, RevokedKey, RevokedVersions};
