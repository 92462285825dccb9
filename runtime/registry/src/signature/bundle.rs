//! Signatures as bytes: a bundle of Sigstore with a DSSE envelope, and the older form with a signed text.

use serde::Deserialize;
use serde_json::{Value, json};

use super::envelope::{Envelope, opened, sealed};
use super::{Claim, Difference, PublicKey, SigningKey};
use crate::Result;

pub(super) const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signature as a registry or the store has it. Nothing in it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// A bundle of Sigstore, as JSON.
    Bundle(Vec<u8>),
    /// The older form.
    Simple {
        /// What is signed, as JSON.
        payload: Vec<u8>,
        /// Of the payload.
        signature: Vec<u8>,
    },
}

impl SigningKey {
    /// Signs a claim in both forms.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn signatures(&self, claim: &Claim) -> Result<[Signature; 2]> {
        let payload = claim.statement().to_string().into_bytes();
        let bundle = self.bundle(&payload)?;
        let payload = claim.simple().to_string().into_bytes();
        let signature = self.sign(&payload)?;
        Ok([Signature::Bundle(bundle), Signature::Simple { payload, signature }])
    }

    /// A bundle with a signed statement.
    pub(super) fn bundle(&self, statement: &[u8]) -> Result<Vec<u8>> {
        let bundle = json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": { "publicKey": { "hint": self.public().hint() } },
            "dsseEnvelope": sealed(self, PAYLOAD_TYPE, statement)?,
        });
        Ok(bundle.to_string().into_bytes())
    }
}

/// Those of these keys that have signed exactly this claim, each once.
pub fn signers<'a>(claim: &Claim, signatures: &[Signature], keys: &'a [PublicKey]) -> Vec<&'a PublicKey> {
    let mut found: Vec<&PublicKey> = Vec::new();
    for key in keys {
        if !found.contains(&key) && signatures.iter().any(|signature| signature.is_by(claim, key)) {
            found.push(key);
        }
    }
    found
}

impl Signature {
    fn is_by(&self, claim: &Claim, key: &PublicKey) -> bool {
        self.says(claim, key) == Some(None)
    }

    /// What this key has signed: in what it differs from a claim, or `None` if it is exactly this claim. Outer `None` if this
    /// key has not signed it. What a signature says is of interest only if it is signed.
    pub(crate) fn says(&self, claim: &Claim, key: &PublicKey) -> Option<Option<Difference>> {
        match self {
            Signature::Bundle(bytes) => {
                let (statement, signers) = statement(bytes, std::slice::from_ref(key))?;
                (!signers.is_empty()).then(|| claim.difference(&statement))
            }
            Signature::Simple { payload, signature } => {
                key.verify(payload, signature).then_some(())?;
                Some(claim.simple_difference(&serde_json::from_slice(payload).ok()?))
            }
        }
    }
}

/// What is read of a bundle.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    dsse_envelope: Envelope,
}

/// The statement of a bundle, and those of these keys that have signed it; `None` if it is not a bundle.
pub(super) fn statement<'k>(bytes: &[u8], keys: &'k [PublicKey]) -> Option<(Value, Vec<&'k PublicKey>)> {
    let bundle: Bundle = serde_json::from_slice(bytes).ok()?;
    if bundle.media_type != BUNDLE_TYPE {
        return None;
    }
    let (payload, signers) = opened(&bundle.dsse_envelope, PAYLOAD_TYPE, keys)?;
    Some((serde_json::from_slice(&payload).ok()?, signers))
}
