//! Private keys that are encrypted with a passphrase, in the format of cosign: a PEM text with JSON inside, scrypt, and
//! `secretbox` of NaCl.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use scrypt::Params;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::boxed::{self, NONCE_BYTES};
use super::der::{of_pem, to_pem};
use super::key::{KeyKind, NO_RANDOM, SigningKey};
use crate::{RegistryError, Result};

/// What cosign writes.
const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// What it wrote before 2.0.
const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const PLAIN_LABEL: &str = "PRIVATE KEY";
/// The cost of a new key: 64 MiB of memory. cosign reads no other block size and no other parallelism.
const LOG_N: u8 = 16;
const BLOCK_SIZE: u32 = 8;
const PARALLELISM: u32 = 1;
/// The most memory that decrypting a key may take, in bytes: four times as much as a new key.
const MOST_MEMORY: u64 = 256 << 20;
/// The most work, in bytes of memory that is filled.
const MOST_WORK: u64 = 512 << 20;
const SALT_BYTES: usize = 32;
/// The most bytes of a salt, and of an encrypted key.
const MOST_BYTES: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    /// Base64.
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Cost,
    /// Base64.
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Cost {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    /// Base64.
    nonce: String,
}

impl Cost {
    /// Its parameters for scrypt, if they are bounded: whoever wrote the file chose them.
    fn params(&self) -> Result<Params> {
        let memory = 128_u64.checked_mul(self.n).and_then(|bytes| bytes.checked_mul(u64::from(self.r)));
        let work = memory.and_then(|bytes| bytes.checked_mul(u64::from(self.p)));
        match (memory, work) {
            (Some(memory), Some(work)) if memory <= MOST_MEMORY && work <= MOST_WORK => {}
            _ => {
                let (n, r, p) = (self.n, self.r, self.p);
                return Err(refused(format!("takes too much memory or time to decrypt (scrypt N={n}, r={r}, p={p})")));
            }
        }
        let invalid = || refused("has invalid parameters of scrypt");
        if !self.n.is_power_of_two() || self.n < 2 {
            return Err(invalid());
        }
        let log_n = u8::try_from(self.n.trailing_zeros()).map_err(|_| invalid())?;
        Params::new(log_n, self.r, self.p, Params::RECOMMENDED_LEN).map_err(|_| invalid())
    }
}

fn refused(why: impl Into<String>) -> RegistryError {
    RegistryError::EncryptedKey { why: why.into() }
}

/// The key of `secretbox`.
fn derived(passphrase: &str, salt: &[u8], params: &Params) -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.as_bytes(), salt, params, &mut *key)
        .map_err(|_| refused("has invalid parameters of scrypt"))?;
    Ok(key)
}

impl SigningKey {
    /// Whether the text is an encrypted key in the format of cosign.
    pub fn is_encrypted(text: &str) -> bool {
        [LABEL, OLD_LABEL].iter().any(|label| text.contains(&format!("-----BEGIN {label}-----")))
    }

    /// Reads an encrypted key in the format of cosign. It takes up to a second, and up to 256 MiB of memory.
    ///
    /// # Errors
    /// The passphrase is wrong, or the text is not such a key, or would take too much memory or time.
    pub fn decrypt(text: &str, passphrase: &str) -> Result<SigningKey> {
        let json = [LABEL, OLD_LABEL].iter().find_map(|label| of_pem(text, label));
        let json = json.ok_or_else(|| refused("is not in the format of cosign"))?;
        let sealed: Sealed = serde_json::from_slice(&json).map_err(|_| refused("is not in the format of cosign"))?;
        if sealed.kdf.name != "scrypt" || sealed.cipher.name != "nacl/secretbox" {
            return Err(refused("is encrypted in another way than with scrypt and nacl/secretbox"));
        }
        let params = sealed.kdf.params.params()?;
        let bytes = |text: &str| STANDARD.decode(text).ok().filter(|bytes| bytes.len() <= MOST_BYTES);
        let parts = (bytes(&sealed.kdf.salt), bytes(&sealed.cipher.nonce), bytes(&sealed.ciphertext));
        let (Some(salt), Some(nonce), Some(ciphertext)) = parts else {
            return Err(refused("is not in the format of cosign"));
        };
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce);
        let (false, Ok(nonce)) = (salt.is_empty(), nonce) else {
            return Err(refused("has a salt or a nonce of another length than its format has"));
        };
        let key = derived(passphrase, &salt, &params)?;
        let der = boxed::open(&key, &nonce, &ciphertext).ok_or(RegistryError::Passphrase)?;
        SigningKey::of_der(&der).ok_or_else(|| refused("is not a key of ECDSA P-256 or Ed25519"))
    }
}

/// A private key that was just made, and is in no file yet.
pub struct NewKey(Zeroizing<Vec<u8>>);

impl NewKey {
    /// Makes a key.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate(kind: KeyKind) -> Result<NewKey> {
        SigningKey::new_der(kind).map(NewKey).ok_or_else(no_random)
    }

    /// The key itself.
    ///
    /// # Errors
    /// Never, unless it was made wrong.
    pub fn key(&self) -> Result<SigningKey> {
        SigningKey::of_der(&self.0).ok_or_else(|| RegistryError::Signing { why: "the new key is invalid".to_owned() })
    }

    /// As PEM, unencrypted (PKCS #8).
    pub fn to_pem(&self) -> Zeroizing<String> {
        to_pem(&self.0, PLAIN_LABEL)
    }

    /// As PEM, encrypted with a passphrase in the format of cosign.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn encrypted(&self, passphrase: &str) -> Result<Zeroizing<String>> {
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
        let random = SystemRandom::new();
        random.fill(&mut salt).and_then(|()| random.fill(&mut nonce)).map_err(|_| no_random())?;
        let cost = Cost { n: 1 << LOG_N, r: BLOCK_SIZE, p: PARALLELISM };
        let key = derived(passphrase, &salt, &cost.params()?)?;
        let ciphertext = boxed::seal(&key, &nonce, &self.0);
        let sealed = Sealed {
            kdf: Kdf { name: "scrypt".to_owned(), params: cost, salt: STANDARD.encode(salt) },
            cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: STANDARD.encode(nonce) },
            ciphertext: STANDARD.encode(ciphertext),
        };
        let json = serde_json::to_vec(&sealed).map_err(|error| refused(error.to_string()))?;
        Ok(to_pem(&json, LABEL))
    }
}

fn no_random() -> RegistryError {
    RegistryError::Signing { why: NO_RANDOM.to_owned() }
}
