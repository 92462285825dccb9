//! Signatures: what they cover, what is refused, and what a real registry keeps of them.

use std::collections::BTreeMap;

use ansai_harness::pki::{Authority, LONG};
use ansai_harness::server::oci::{DockerRegistry, LOGIN};
use ansai_registry::{
    About, Claim, Client, Connection, Digest, Locked, Login, PublicKey, Reference, Signature, SigningKey, signers,
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use serde_json::json;
use zeroize::Zeroizing;

use crate::artifact::{COMPONENT, store};

fn pair(kind: &'static SignatureAlgorithm) -> (SigningKey, PublicKey) {
    let pair = KeyPair::generate_for(kind).unwrap();
    let signing = SigningKey::of_pem(&pair.serialize_pem()).unwrap();
    let public = PublicKey::of_pem(&pair.public_key_pem()).unwrap();
    assert_eq!(signing.public(), public);
    assert_eq!(PublicKey::of_pem(&public.to_pem()), Some(public.clone()));
    (signing, public)
}

fn locked(digest: &Digest) -> Locked {
    Locked {
        source: String::new(),
        resolved: String::new(),
        digest: digest.clone(),
        component: Digest::of(COMPONENT),
        version: "1.0.0".to_owned(),
        imports: Vec::new(),
        scopes: BTreeMap::from([("ansai:files/files-probe".to_owned(), json!([{ "roots": ["/var/log"] }]))]),
    }
}

fn place(text: &str) -> Reference {
    text.parse().unwrap()
}

#[test]
fn keys_of_other_kinds_are_refused() {
    for text in [
        "",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ] {
        assert!(PublicKey::of_pem(text).is_none() && SigningKey::of_pem(text).is_none(), "{text}");
    }
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    assert!(PublicKey::of_pem(&p384.public_key_pem()).is_none());
    assert!(SigningKey::of_pem(&p384.serialize_pem()).is_none());
}

#[test]
fn signatures_go_through_a_registry_and_cover_exactly_one_policy() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::root("test", LONG);
    let Some(registry) = DockerRegistry::start(directory.path(), &authority.issue(&["localhost"], LONG)) else {
        return;
    };
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let trusting = Connection { authorities: Some(ca), ..Connection::default() };
    let login = Login { user: LOGIN.0.to_owned(), secret: Zeroizing::new(LOGIN.1.to_owned()) };
    let client = Client::new(&registry.host, &trusting, Some(login)).unwrap();
    let reference = place(&format!("{}/acme/web:1.0.0", registry.host));
    let about = About { name: "web".to_owned(), version: "1.0.0".to_owned(), description: String::new() };
    client.publish(&reference, COMPONENT, &about).unwrap();
    let fetched = client.fetch(&reference, &store(&directory.path().join("state"))).unwrap();
    let digest = fetched.manifest.digest.clone();
    let claim = Claim::of(&reference, &locked(&digest));
    assert!(client.signatures(&reference, &digest).unwrap().is_empty());

    let (p256, ed25519, other) = (pair(&PKCS_ECDSA_P256_SHA256), pair(&PKCS_ED25519), pair(&PKCS_ED25519));
    for (key, _) in [&p256, &ed25519] {
        client.sign(&reference, &fetched.manifest, &claim, key).unwrap();
    }
    let found = client.signatures(&reference, &digest).unwrap();
    assert_eq!(found.len(), 4, "two keys, both forms");
    let keys = [p256.1.clone(), ed25519.1.clone(), ed25519.1.clone(), other.1.clone()];
    assert_eq!(signers(&claim, &found, &keys), [&p256.1, &ed25519.1]);
    for form in
        [|one: &Signature| matches!(one, Signature::Bundle(_)), |one: &Signature| !matches!(one, Signature::Bundle(_))]
    {
        let of_form: Vec<Signature> = found.iter().filter(|one| form(one)).cloned().collect();
        assert_eq!(signers(&claim, &of_form, &keys).len(), 2);
    }

    // Every part of the claim counts.
    let none = |claim: &Claim| assert!(signers(claim, &found, &keys).is_empty(), "{claim:?}");
    none(&Claim { digest: Digest::of(b"other"), ..claim.clone() });
    none(&Claim { name: "other".to_owned(), ..claim.clone() });
    none(&Claim { version: "1.0.1".to_owned(), ..claim.clone() });
    let mut wider = locked(&digest);
    wider.scopes.insert("ansai:files/files-probe".to_owned(), json!([{ "roots": ["/"] }]));
    none(&Claim::of(&reference, &wider));
    // A copy in another registry keeps its signatures.
    assert_eq!(signers(&Claim::of(&place("mirror.example/x/web:1.0.0"), &locked(&digest)), &found, &keys).len(), 2);
}

#[test]
fn every_changed_byte_of_a_signature_is_noticed() {
    let (key, public) = pair(&PKCS_ED25519);
    let claim = Claim::of(&place("registry.example/acme/web:1.0.0"), &locked(&Digest::of(b"manifest")));
    let keys = [public];
    for good in key.signatures(&claim).unwrap() {
        let count = |one: Signature| signers(&claim, &[one], &keys).len();
        assert_eq!(count(good.clone()), 1);
        match good {
            Signature::Simple { payload, signature } => {
                for at in 0..payload.len() {
                    let mut payload = payload.clone();
                    payload[at] ^= 1;
                    assert_eq!(count(Signature::Simple { payload, signature: signature.clone() }), 0, "{at}");
                }
                for at in 0..signature.len() {
                    let mut signature = signature.clone();
                    signature[at] ^= 1;
                    assert_eq!(count(Signature::Simple { payload: payload.clone(), signature }), 0, "{at}");
                }
            }
            Signature::Bundle(bytes) => {
                let bundle: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                for (pointer, value) in [
                    ("/mediaType", json!("application/vnd.dev.sigstore.bundle.v0.2+json")),
                    ("/dsseEnvelope/payloadType", json!("text/plain")),
                    ("/dsseEnvelope/payload", json!("e30=")),
                    ("/dsseEnvelope/payload", json!(7)),
                    ("/dsseEnvelope/signatures", json!([])),
                    ("/dsseEnvelope/signatures/0/sig", json!("AAAA")),
                    ("/dsseEnvelope", json!({ "messageSignature": {} })),
                ] {
                    let mut changed = bundle.clone();
                    *changed.pointer_mut(pointer).unwrap() = value;
                    assert_eq!(count(Signature::Bundle(changed.to_string().into_bytes())), 0, "{pointer}");
                }
                assert_eq!(count(Signature::Bundle(bytes[1..].to_vec())), 0);
            }
        }
    }
}
