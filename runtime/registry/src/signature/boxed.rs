//! `secretbox` of NaCl: XSalsa20 and Poly1305. The tag is before the ciphertext.
//!
//! It is composed here because the crate that does it changes features of crates that the engine is built with.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

pub(super) const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// The first block of the key stream is for the tag, what follows is for the text.
fn streams(key: &[u8; 32], nonce: &[u8; NONCE_BYTES]) -> (XSalsa20, Poly1305) {
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut first = Zeroizing::new([0; 32]);
    stream.apply_keystream(&mut *first);
    let tag = Poly1305::new((&*first).into());
    (stream, tag)
}

/// Encrypts a text. A nonce is used once only.
pub(super) fn seal(key: &[u8; 32], nonce: &[u8; NONCE_BYTES], text: &[u8]) -> Vec<u8> {
    let (mut stream, tag) = streams(key, nonce);
    let mut ciphertext = text.to_vec();
    stream.apply_keystream(&mut ciphertext);
    let tag = tag.compute_unpadded(&ciphertext);
    [tag.as_slice(), &ciphertext].concat()
}

/// Decrypts a text; `None` if the key is another one, or the text was changed.
pub(super) fn open(key: &[u8; 32], nonce: &[u8; NONCE_BYTES], boxed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (tag, ciphertext) = boxed.split_at_checked(TAG_BYTES)?;
    let (mut stream, expected) = streams(key, nonce);
    let expected = expected.compute_unpadded(ciphertext);
    if !bool::from(expected.as_slice().ct_eq(tag)) {
        return None;
    }
    let mut text = Zeroizing::new(ciphertext.to_vec());
    stream.apply_keystream(&mut text);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of NaCl, `tests/secretbox.c`: its key, nonce and first bytes.
    #[test]
    fn it_is_that_of_nacl() {
        let bytes = |text: &str| hex::decode(text).unwrap();
        let key = bytes("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389").try_into().unwrap();
        let nonce = bytes("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37").try_into().unwrap();
        let text = bytes(
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01\
             233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd\
             4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
        );
        let boxed = seal(&key, &nonce, &text);
        assert_eq!(hex::encode(&boxed[..32]), "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce");
        assert_eq!(open(&key, &nonce, &boxed).unwrap().as_slice(), text);
        for at in [0, 15, 16, boxed.len() - 1] {
            let mut changed = boxed.clone();
            changed[at] ^= 1;
            assert!(open(&key, &nonce, &changed).is_none());
        }
        assert!(open(&key, &nonce, &boxed[..15]).is_none() && open(&key, &nonce, &[]).is_none());
    }
}
