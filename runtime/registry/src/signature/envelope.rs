//! DSSE: an envelope with a payload of some type, and signatures of it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{PublicKey, SigningKey};
use crate::Result;

/// The most signatures in one envelope.
const MOST_SIGNATURES: usize = 8;

/// An envelope that was read, not verified. Nothing else of its document is kept, so that a small document of a stranger does
/// not take much memory.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    /// Base64.
    payload: String,
    payload_type: String,
    #[serde(deserialize_with = "first")]
    signatures: Vec<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    /// Base64.
    sig: Option<String>,
}

impl Envelope {
    pub(crate) fn has_type(&self, kind: &str) -> bool {
        self.payload_type == kind
    }
}

/// The first signatures of an envelope.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<Signed>, D::Error> {
    struct First;

    impl<'de> Visitor<'de> for First {
        type Value = Vec<Signed>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of signatures")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> std::result::Result<Vec<Signed>, A::Error> {
            let mut found = Vec::new();
            while found.len() < MOST_SIGNATURES
                && let Some(one) = all.next_element()?
            {
                found.push(one);
            }
            while all.next_element::<IgnoredAny>()?.is_some() {}
            Ok(found)
        }
    }

    deserializer.deserialize_seq(First)
}

/// What is signed: pre-authentication encoding.
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// An envelope with a signature of this key.
///
/// # Errors
/// The key does not sign.
pub(crate) fn sealed(key: &SigningKey, kind: &str, payload: &[u8]) -> Result<Value> {
    let signature = key.sign(&encoded(kind, payload))?;
    Ok(json!({
        "payload": STANDARD.encode(payload),
        "payloadType": kind,
        "signatures": [{ "sig": STANDARD.encode(signature) }],
    }))
}

/// The payload of an envelope, and those of these keys that have signed it. `None` if it is not an envelope of this type.
pub(crate) fn opened<'k>(
    envelope: &Envelope,
    kind: &str,
    keys: &'k [PublicKey],
) -> Option<(Vec<u8>, Vec<&'k PublicKey>)> {
    if !envelope.has_type(kind) {
        return None;
    }
    let payload = STANDARD.decode(&envelope.payload).ok()?;
    let signed = encoded(kind, &payload);
    let signatures = envelope.signatures.iter().filter_map(|one| STANDARD.decode(one.sig.as_ref()?).ok());
    let signatures: Vec<Vec<u8>> = signatures.collect();
    let is_by = |key: &&PublicKey| signatures.iter().any(|one| key.verify(&signed, one));
    Some((payload, keys.iter().filter(is_by).collect()))
}
