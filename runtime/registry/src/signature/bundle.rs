//! Signatures as bytes: a bundle of Sigstore with a DSSE envelope, and the older form with a signed text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Claim, Difference, PublicKey, SigningKey};

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
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl SigningKey {
    /// Signs a claim in both forms; `None` if the system gives no random numbers.
    pub fn signatures(&self, claim: &Claim) -> Option<[Signature; 2]> {
        let payload = claim.statement().to_string().into_bytes();
        let bundle = json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": { "publicKey": { "hint": self.public().hint() } },
            "dsseEnvelope": envelope(self, PAYLOAD_TYPE, &payload)?,
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
        self.says(claim, key) == Some(None)
    }

    /// What this key has signed: in what it differs from a claim, or `None` if it is exactly this claim. Outer `None` if this
    /// key has not signed it. What a signature says is of interest only if it is signed.
    pub(crate) fn says(&self, claim: &Claim, key: &PublicKey) -> Option<Option<Difference>> {
        match self {
            Signature::Bundle(bytes) => {
                let bundle = serde_json::from_slice::<Value>(bytes).ok()?;
                if bundle.get("mediaType")?.as_str()? != BUNDLE_TYPE {
                    return None;
                }
                let payload = opened(bundle.get("dsseEnvelope")?, PAYLOAD_TYPE, key)?;
                Some(claim.difference(&serde_json::from_slice(&payload).ok()?))
            }
            Signature::Simple { payload, signature } => {
                key.verify(payload, signature).then_some(())?;
                Some(claim.simple_difference(&serde_json::from_slice(payload).ok()?))
            }
        }
    }
}

/// The payload of a DSSE envelope of this type; `None` if this key has not signed it.
pub(crate) fn opened(envelope: &Value, kind: &str, key: &PublicKey) -> Option<Vec<u8>> {
    let decoded = |value: &Value| STANDARD.decode(value.as_str()?).ok();
    if envelope.get("payloadType")?.as_str()? != kind {
        return None;
    }
    let payload = decoded(envelope.get("payload")?)?;
    let signed = encoded(kind, &payload);
    let signatures = envelope.get("signatures")?.as_array()?.iter().take(MOST_SIGNATURES);
    let is_signed = signatures.filter_map(|one| decoded(one.get("sig")?)).any(|one| key.verify(&signed, &one));
    is_signed.then_some(payload)
}

/// A DSSE envelope of this type; `None` if the system gives no random numbers.
pub(crate) fn envelope(key: &SigningKey, kind: &str, payload: &[u8]) -> Option<Value> {
    let signature = key.sign(&encoded(kind, payload))?;
    Some(json!({
        "payload": STANDARD.encode(payload),
        "payloadType": kind,
        "signatures": [{ "sig": STANDARD.encode(signature) }],
    }))
}
