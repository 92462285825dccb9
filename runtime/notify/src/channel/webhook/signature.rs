//! The signature of a webhook: HMAC-SHA-256 of time and body, so that a receiver can refuse copies and forgeries.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::channel::Fault;

/// The headers with time and signature: `ansai-timestamp: 1795230000`, `ansai-signature: v1=3f2a…`. The signature is that
/// of the digits of the time, a full stop and the body. The time is that of the attempt.
pub(super) fn headers(key: &[u8], body: &[u8]) -> Result<[(&'static str, String); 2], Fault> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    Ok([("ansai-signature", format!("v1={}", signature(key, &now, body)?)), ("ansai-timestamp", now)])
}

fn signature(key: &[u8], time: &str, body: &[u8]) -> Result<String, Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Fault::later("the key cannot be used"))?;
    [time.as_bytes(), b".", body].iter().for_each(|part| mac.update(part));
    Ok(hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// From `printf '1795230000.{"a":1}' | openssl dgst -sha256 -hmac hunter2`.
    #[test]
    fn as_openssl_computes_it() {
        let expected = "0710ba13181fb36a8cb4f8756cf0eaac399fd0112e1b61c89400a43145f5d2a2";
        assert_eq!(signature(b"hunter2", "1795230000", b"{\"a\":1}").unwrap(), expected);
        assert_ne!(signature(b"hunter2", "1795230001", b"{\"a\":1}").unwrap(), expected);
    }
}
