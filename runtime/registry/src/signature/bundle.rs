//! Signatures as bytes: a bundle of Sigstore with a DSSE envelope, and the older form with a signed text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Claim, PublicKey, SigningKey};

pub(super) const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The most signatures in one envelope.
const MOST_SIGNATURES: usize = 8;

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

/// What is signed in an envelope: pre-authentication encoding.
fn encoded(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl SigningKey {
    /// Signs a claim in both forms; `None` if the system gives no random numbers.
    pub fn signatures(&self, claim: &Claim) -> Option<[Signature; 2]> {
        let payload = claim.statement().to_string().into_bytes();
        let signature = self.sign(&encoded(&payload))?;
        let bundle = json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": { "publicKey": { "hint": self.public().hint() } },
            "dsseEnvelope": {
                "payload": STANDARD.encode(&payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{ "sig": STANDARD.encode(signature) }],
            },
        });
        let payload = claim.simple().to_string().into_bytes();
        let signature = self.sign(&payload)?;
        Some([Signature::Bundle(bundle.to_string().into_bytes()), Signature::Simple { payload, signature }])
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
        match self {
            Signature::Bundle(bytes) => of_bundle(bytes, claim, key) == Some(true),
            Signature::Simple { payload, signature } => {
                // What it says is of interest only if it is signed.
                key.verify(payload, signature)
                    && serde_json::from_slice(payload).is_ok_and(|says| claim.is_simple_of(&says))
            }
        }
    }
}

/// Whether this key has signed the claim in a bundle; `None` if it is not a bundle.
fn of_bundle(bytes: &[u8], claim: &Claim, key: &PublicKey) -> Option<bool> {
    let bundle: Value = serde_json::from_slice(bytes).ok()?;
    let envelope = bundle.get("dsseEnvelope")?;
    let decoded = |value: &Value| STANDARD.decode(value.as_str()?).ok();
    if bundle.get("mediaType")?.as_str()? != BUNDLE_TYPE || envelope.get("payloadType")?.as_str()? != PAYLOAD_TYPE {
        return None;
    }
    let payload = decoded(envelope.get("payload")?)?;
    let signed = encoded(&payload);
    let signatures = envelope.get("signatures")?.as_array()?.iter().take(MOST_SIGNATURES);
    let is_signed = signatures.filter_map(|one| decoded(one.get("sig")?)).any(|one| key.verify(&signed, &one));
    Some(is_signed && claim.is_of(&serde_json::from_slice(&payload).ok()?))
}
