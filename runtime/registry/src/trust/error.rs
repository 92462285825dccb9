//! Why a policy is refused although its content is what it should be.

use std::path::PathBuf;

use ansai_core::{Code, codes};

use crate::signature::Difference;

/// A policy that the trust policy covers is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A key of a rule cannot be used, so it is unknown who vouches for the policy.
    #[error("{reference}: key {}: {why}", path.display())]
    Key {
        /// The policy.
        reference: String,
        /// The file of the key.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It has no signatures.
    #[error("{reference} is not signed, and [[trust]] covers it")]
    NotSigned {
        /// The policy.
        reference: String,
    },
    /// It has no signatures of the policy, and had some when it was pinned.
    #[error("{reference} has no signatures now, and was signed by {signers} when it was pinned")]
    Stripped {
        /// The policy.
        reference: String,
        /// The hints of the keys.
        signers: String,
    },
    /// Others have signed it.
    #[error("{reference} is signed, but by none of the keys that [[trust]] names for it")]
    OtherKey {
        /// The policy.
        reference: String,
    },
    /// Some of the keys have signed it, but not enough.
    #[error("{reference}: {found} of {minimum} required signatures{}", lacking(.missing))]
    TooFew {
        /// The policy.
        reference: String,
        /// How many of the keys have.
        found: usize,
        /// How many must.
        minimum: usize,
        /// Files of keys that must have signed and have not.
        missing: Vec<PathBuf>,
    },
    /// A key of the rule has signed something else.
    #[error("{reference}: the signature by {} is {}", key.display(), other(*.difference))]
    Different {
        /// The policy.
        reference: String,
        /// The file of the key.
        key: PathBuf,
        /// What is different.
        difference: Difference,
    },
    /// It would be trusted if its signer's key were not revoked.
    #[error("{reference} is signed by {}, and this key is revoked: {reason}", key.display())]
    KeyRevoked {
        /// The policy.
        reference: String,
        /// The file of the key.
        key: PathBuf,
        /// As the list says.
        reason: String,
    },
    /// This version or digest is revoked.
    #[error("{reference} is revoked by {list}: {reason}")]
    Revoked {
        /// The policy.
        reference: String,
        /// The address of the list.
        list: String,
        /// As the list says.
        reason: String,
    },
}

fn lacking(files: &[PathBuf]) -> String {
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    if files.is_empty() { String::new() } else { format!("; not signed by {}", files.join(", ")) }
}

fn other(difference: Difference) -> &'static str {
    match difference {
        Difference::Predicate => "not a signature of a policy: it has another predicate type",
        Difference::Name => "of a policy with another name",
        Difference::Version => "of another version",
        Difference::Digest => "of other content",
        Difference::Capabilities => "of a policy that asks for something else",
    }
}

impl TrustError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            TrustError::Key { .. } => codes::TRUST_KEY,
            TrustError::NotSigned { .. } => codes::NOT_SIGNED,
            TrustError::Stripped { .. } => codes::SIGNATURE_STRIPPED,
            TrustError::OtherKey { .. } => codes::SIGNED_BY_OTHER_KEY,
            TrustError::TooFew { .. } => codes::TOO_FEW_SIGNERS,
            TrustError::Different { difference, .. } => match difference {
                Difference::Predicate => codes::SIGNED_OTHER_STATEMENT,
                Difference::Name => codes::SIGNED_OTHER_NAME,
                Difference::Version => codes::SIGNED_OTHER_VERSION,
                Difference::Digest => codes::SIGNED_OTHER_CONTENT,
                Difference::Capabilities => codes::SIGNED_OTHER_CAPABILITIES,
            },
            TrustError::KeyRevoked { .. } => codes::KEY_REVOKED,
            TrustError::Revoked { .. } => codes::REVOKED,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> String {
        let hint = match self {
            TrustError::Key { .. } => "restore the file, or change `keys` of [[trust]]",
            TrustError::NotSigned { .. } => {
                "ask the author to sign this version; if it is signed already, run `ansai pull` to keep its signatures"
            }
            TrustError::Stripped { .. } => "tell whoever runs the registry; a copy keeps signatures with `oras cp -r`",
            TrustError::OtherKey { .. } => {
                "if the author has a new key, get it from them and not from the registry, and add it to `keys`"
            }
            TrustError::TooFew { .. } => "ask those who have not signed this version",
            TrustError::Different { .. } => "tell the author: the registry has a signature of something else",
            TrustError::KeyRevoked { .. } => "ask the author for a version that is signed with the new key",
            TrustError::Revoked { .. } => "use another version: change `source` and run `ansai pull`",
        };
        hint.to_owned()
    }
}
