//! DSSE: an envelope with a payload of some type, and signatures of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{PublicKey, SigningKey};

/// The most signatures in one envelope.
const MOST_SIGNATURES: usize = 8;

/// What is signed: pre-authentication encoding.
fn encoded(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// An envelope with a signature of this key; `None` if the system gives no random numbers.
pub(crate) fn sealed(key: &SigningKey, kind: &str, payload: &[u8]) -> Option<Value> {
    let signature = key.sign(&encoded(kind, payload))?;
    Some(json!({
        "payload": STANDARD.encode(payload),
        "payloadType": kind,
        "signatures": [{ "sig": STANDARD.encode(signature) }],
    }))
}

/// The payload of an envelope, and those of these keys that have signed it. `None` if it is not an envelope of this type.
pub(crate) fn opened<'k>(envelope: &Value, kind: &str, keys: &'k [PublicKey]) -> Option<(Vec<u8>, Vec<&'k PublicKey>)> {
    let decoded = |value: &Value| STANDARD.decode(value.as_str()?).ok();
    if envelope.get("payloadType")?.as_str()? != kind {
        return None;
    }
    let payload = decoded(envelope.get("payload")?)?;
    let signed = encoded(kind, &payload);
    let signatures = envelope.get("signatures")?.as_array()?.iter().take(MOST_SIGNATURES);
    let signatures: Vec<Vec<u8>> = signatures.filter_map(|one| decoded(one.get("sig")?)).collect();
    let is_by = |key: &&PublicKey| signatures.iter().any(|one| key.verify(&signed, one));
    Some((payload, keys.iter().filter(is_by).collect()))
}
