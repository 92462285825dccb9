//! Signatures of policies, in the forms that cosign reads: who vouches for a manifest, its name, version and capabilities.

mod attach;
mod boxed;
mod bundle;
mod der;
mod encrypted;
mod envelope;
mod key;
mod provenance;
mod statement;

pub use bundle::{Signature, signers};
pub use encrypted::NewKey;
pub(crate) use envelope::{Envelope, opened, sealed};
pub use key::{KeyKind, PublicKey, SigningKey};
pub use provenance::{Provenance, provenances};
use statement::STATEMENT;
pub use statement::{Claim, Difference};
