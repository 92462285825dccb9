//! Whose keys vouch for which policies, and whether they do.

mod error;
mod judge;
mod kept;

use std::path::PathBuf;

pub use error::TrustError;
pub use judge::{Judgement, Signer, Subject};

use ansai_core::PolicyPattern;

use crate::PublicKey;

/// A public key that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    /// Its file.
    pub path: PathBuf,
    /// The key, or why it cannot be used.
    pub key: std::result::Result<PublicKey, String>,
}

/// Who must have signed the policies with these names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRule {
    /// What it covers.
    pub names: Vec<PolicyPattern>,
    /// At least `minimum` of these must have signed.
    pub keys: Vec<NamedKey>,
    /// How many different ones of `keys`.
    pub minimum: usize,
    /// Each of these must have signed, too.
    pub all_of: Vec<NamedKey>,
    /// The list of what its signers revoked.
    pub revocations: Option<RevocationSource>,
}

/// A list of revocations that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationSource {
    /// An address with `https`, or the absolute path of a file.
    pub address: String,
    /// One of these signs it.
    pub keys: Vec<NamedKey>,
}

/// All rules. Each one that covers a name must be met, so that a rule more never permits more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustPolicy(pub Vec<TrustRule>);

impl TrustPolicy {
    /// The rules that cover a policy by one of its names.
    pub fn covering<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a TrustRule> {
        self.0.iter().filter(|rule| rule.names.iter().any(|pattern| names.iter().any(|name| pattern.covers(name))))
    }

    /// The lists that the rules name.
    pub fn lists(&self) -> impl Iterator<Item = &RevocationSource> {
        self.0.iter().filter_map(|rule| rule.revocations.as_ref())
    }
}
