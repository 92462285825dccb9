//! Encrypted keys in the format of cosign: read, written, and refused if they are hostile.

use ansai_core::codes;
use ansai_registry::{KeyKind, NewKey, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::memory::most_kib;

const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";

fn pem(json: &[u8], label: &str) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(json))
}

/// The JSON inside an encrypted key.
fn inside(text: &str) -> Value {
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    serde_json::from_slice(&STANDARD.decode(body).unwrap()).unwrap()
}

#[test]
fn a_new_key_is_decrypted_with_its_passphrase_only() {
    for kind in [KeyKind::P256, KeyKind::Ed25519] {
        let new = NewKey::generate(kind).unwrap();
        let public = new.key().unwrap().public();
        assert_eq!(SigningKey::of_pem(&new.to_pem()).unwrap().public(), public);
        let text = new.encrypted("öffne dich").unwrap();
        assert!(SigningKey::is_encrypted(&text) && !SigningKey::is_encrypted(&new.to_pem()));
        assert!(SigningKey::of_pem(&text).is_none(), "an encrypted key is no plain one");
        assert_eq!(SigningKey::decrypt(&text, "öffne dich").unwrap().public(), public);
        assert_eq!(SigningKey::decrypt(&text, "").unwrap_err().code(), codes::KEY_PASSPHRASE);
        // What cosign wrote before 2.0.
        let old = pem(inside(&text).to_string().as_bytes(), "ENCRYPTED COSIGN PRIVATE KEY");
        assert_eq!(SigningKey::decrypt(&old, "öffne dich").unwrap().public(), public);
        // Nothing of it is the same twice.
        let again = inside(&new.encrypted("öffne dich").unwrap());
        let first = inside(&text);
        assert!(first["kdf"]["salt"] != again["kdf"]["salt"] && first["cipher"]["nonce"] != again["cipher"]["nonce"]);
    }
}

#[test]
fn hostile_files_are_refused_before_they_cost_anything() {
    let honest = inside(&NewKey::generate(KeyKind::P256).unwrap().encrypted("p").unwrap());
    let most = most_kib();
    let change = |at: &str, value: Value| {
        let mut changed = honest.clone();
        *changed.pointer_mut(at).unwrap() = value;
        (at.to_owned(), pem(changed.to_string().as_bytes(), LABEL))
    };
    let cost = |n: u64, r: u32, p: u32| change("/kdf/params", json!({ "N": n, "r": r, "p": p }));
    let cases = [
        cost(1 << 40, 8, 1),
        cost(u64::MAX, u32::MAX, u32::MAX),
        cost(1 << 19, 8, 1),
        cost(1 << 16, 8, 1 << 20),
        cost(2, 8, u32::MAX),
        cost(1 << 20, 1 << 10, 1),
        cost(0, 8, 1),
        cost(1, 8, 1),
        cost(65_535, 8, 1),
        cost(1 << 16, 0, 1),
        cost(1 << 16, 8, 0),
        change("/kdf/params/N", json!(-1)),
        change("/kdf/name", json!("argon2")),
        change("/kdf/salt", json!("")),
        change("/kdf/salt", json!("§")),
        change("/kdf/salt", json!("A".repeat(8000))),
        change("/cipher/name", json!("none")),
        change("/cipher/nonce", json!("AAAA")),
        change("/cipher/nonce", json!("")),
        change("/ciphertext", json!("A".repeat(8000))),
        change("/ciphertext", json!(7)),
        ("no JSON".to_owned(), pem(b"\xff\x00", LABEL)),
        ("nested".to_owned(), pem("[".repeat(10_000).as_bytes(), LABEL)),
        ("no end".to_owned(), format!("-----BEGIN {LABEL}-----\nAAAA")),
        ("empty".to_owned(), String::new()),
    ];
    for (what, text) in cases {
        let refused = SigningKey::decrypt(&text, "p").unwrap_err();
        assert_eq!(refused.code(), codes::BAD_KEY, "{what}: {refused}");
        assert!(refused.to_string().len() < 200, "{refused}");
    }
    assert!(most_kib() - most < 32 << 10, "no memory is taken for them");
    // What is changed without its key is like a wrong passphrase.
    for (what, text) in [change("/ciphertext", json!("")), change("/ciphertext", json!("AAAAAAAAAAAAAAAAAAAAAAAA"))] {
        assert_eq!(SigningKey::decrypt(&text, "p").unwrap_err().code(), codes::KEY_PASSPHRASE, "{what}");
    }
}

#[test]
fn a_key_elsewhere_signs_only_if_its_signatures_are_valid() {
    let new = NewKey::generate(KeyKind::P256).unwrap();
    let public = new.key().unwrap().public();
    let claim = ansai_registry::Claim::of(
        &"registry.example/acme/web:1.0.0".parse().unwrap(),
        &crate::signature::locked(&ansai_registry::Digest::of(b"manifest")),
    );
    for said in
        [Ok(String::new()), Ok("QUJD".to_owned()), Ok("\u{1b}[2J".to_owned()), Err("the device is gone".to_owned())]
    {
        let key = SigningKey::elsewhere(public.clone(), move |_| said.clone());
        assert_eq!(key.public(), public);
        let refused = key.signatures(&claim).unwrap_err();
        assert_eq!(refused.code(), codes::SIGNING_FAILED);
        assert!(!refused.to_string().contains('\u{1b}'), "{refused}");
    }
}
