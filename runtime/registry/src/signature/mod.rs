//! Signatures of policies, in the forms that cosign reads: who vouches for a manifest, its name, version and capabilities.

mod attach;
mod bundle;
mod der;
mod key;
mod statement;

pub use bundle::{Signature, signers};
pub(crate) use bundle::{envelope, opened};
pub use key::{PublicKey, SigningKey};
pub use statement::{Claim, Difference};
