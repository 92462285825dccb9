//! Files with certificates and keys.

use ansai_certificates::{Bundle, BundleError, Pairing, pairing};
use ansai_harness::pki::{Authority, LONG};
use proptest::prelude::*;

#[test]
fn a_file_holds_certificates_among_other_things() {
    let root = Authority::root("Root", LONG);
    let one = root.issue(&["a.example"], LONG);
    let read = |text: &str| Bundle::read(text.as_bytes()).map(|bundle| bundle.certificates.len());
    assert_eq!(read(&format!("{}{}", one.pem, root.pem)), Ok(2));
    assert_eq!(read(&format!("garbage\n{}{}\0\u{1b}[2J\n{}", one.key, one.pem, root.pem)), Ok(2), "with its key");
    assert_eq!(Bundle::read(&one.der).map(|bundle| bundle.certificates.len()), Ok(1), "DER");
    assert_eq!(read(""), Err(BundleError::NoCertificate));
    assert_eq!(read(&one.key), Err(BundleError::NoCertificate));
    let cut = &one.pem[..one.pem.len() / 2];
    assert_eq!(read(cut), Err(BundleError::Damaged(1)));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(read(&format!("{}{broken}", one.pem)), Err(BundleError::Damaged(2)));
    let cut = [0x30, 0x82, 1, 0, 1];
    assert_eq!(Bundle::read(&cut), Err(BundleError::Damaged(1)));
}

#[test]
fn ten_thousand_certificates_are_counted() {
    let root = Authority::root("Root", LONG);
    let bundle = Bundle::read(root.pem.repeat(10_000).as_bytes()).unwrap();
    assert_eq!((bundle.certificates.len(), bundle.omitted), (32, 9_968));
}

/// An encrypted key, and keys of kinds that are not known: made by `openssl`.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBAAAAAAAAAAAAAAAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
const OLD_ENCRYPTED: &str = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";

#[test]
fn a_key_is_compared_and_never_guessed() {
    let root = Authority::root("Root", LONG);
    let (one, other) = (root.issue(&["a.example"], LONG), root.issue(&["a.example"], LONG));
    let pair = |key: &str| pairing(&one.der, key.as_bytes());
    assert_eq!(pair(&one.key), Pairing::Matches);
    assert_eq!(pair(&other.key), Pairing::Differs);
    assert_eq!(pair(&format!("{}{}", other.key, one.key)), Pairing::Differs, "servers take the first");
    assert_eq!(pair(&format!("{}{}{}", one.pem, root.pem, one.key)), Pairing::Matches, "in one file");
    for unknown in ["", "garbage", &one.pem, ENCRYPTED, OLD_ENCRYPTED, &one.key[..one.key.len() / 2]] {
        assert_eq!(pair(unknown), Pairing::Unknown, "{unknown}");
    }
    assert_eq!(pairing(b"\x30\x82", one.key.as_bytes()), Pairing::Unknown);
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes: Vec<u8>, text in "(-----BEGIN (CERTIFICATE|PRIVATE KEY)-----)?[A-Za-z0-9+/=\n]{0,200}(-----END (CERTIFICATE|PRIVATE KEY)-----)?") {
        for input in [bytes.as_slice(), text.as_bytes()] {
            let _ = Bundle::read(input);
            let _ = ansai_certificates::describe(input);
            let _ = pairing(input, input);
        }
    }
}
