//! Signatures: what they cover, what is refused, and what a real registry keeps of them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use ansai_core::codes;
use ansai_harness::pki::{Authority, LONG};
use ansai_harness::server::oci::{DockerRegistry, LOGIN, LyingRegistry, Say};
use ansai_registry::{
    About, Claim, Client, Connection, Descriptor, Digest, Locked, Login, PublicKey, Reference, Signature, SigningKey,
    signers,
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use serde_json::json;
use zeroize::Zeroizing;

use crate::artifact::{COMPONENT, Content, MANIFEST_TYPE, client_of, reference, registry, store};

const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn pair(kind: &'static SignatureAlgorithm) -> (SigningKey, PublicKey) {
    let pair = KeyPair::generate_for(kind).unwrap();
    let signing = SigningKey::of_pem(&pair.serialize_pem()).unwrap();
    let public = PublicKey::of_pem(&pair.public_key_pem()).unwrap();
    assert_eq!(signing.public(), public);
    assert_eq!(PublicKey::of_pem(&public.to_pem()), Some(public.clone()));
    (signing, public)
}

pub(crate) fn locked(digest: &Digest) -> Locked {
    Locked {
        source: String::new(),
        resolved: String::new(),
        digest: digest.clone(),
        component: Digest::of(COMPONENT),
        version: "1.0.0".to_owned(),
        imports: Vec::new(),
        scopes: BTreeMap::from([("ansai:files/files-probe".to_owned(), json!([{ "roots": ["/var/log"] }]))]),
        signers: Vec::new(),
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
    // What a key has signed already is not signed again.
    for (key, _) in [&p256, &ed25519, &p256, &ed25519] {
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
fn a_broken_signature_hides_no_good_one() {
    let (key, public) = pair(&PKCS_ED25519);
    let manifest = Digest::of(b"manifest");
    let claim = Claim::of(&place("registry.example/acme/web:1.0.0"), &locked(&manifest));
    let [Signature::Bundle(good), _] = key.signatures(&claim).unwrap() else { panic!("the bundle is the first form") };
    let mut content = Content::new();
    let mut listed = vec![json!({ "mediaType": MANIFEST_TYPE, "digest": "sha512:00", "size": 1 })];
    let mut attach = |bytes: &[u8], served: Option<&[u8]>| {
        let attached = json!({
            "schemaVersion": 2,
            "artifactType": BUNDLE_TYPE,
            "layers": [{ "mediaType": BUNDLE_TYPE, "digest": Digest::of(bytes), "size": bytes.len() }],
            "subject": { "mediaType": MANIFEST_TYPE, "digest": manifest, "size": 8 },
        });
        let attached = attached.to_string().into_bytes();
        let digest = Digest::of(&attached);
        listed.push(json!({ "mediaType": MANIFEST_TYPE, "digest": digest, "size": attached.len() }));
        content.insert(format!("manifests/{digest}"), attached);
        content.extend(served.map(|served| (format!("blobs/{}", Digest::of(bytes)), served.to_vec())));
    };
    attach(b"changed", Some(b"CHANGED"));
    attach(b"longer", Some(b"longer than it is announced"));
    attach(b"missing", None);
    // More than are read: the newest are at the end.
    (0..40_u8).for_each(|number| attach(&[number], None));
    attach(&good, Some(&good));
    attach(b"newest", Some(b"NEWEST"));
    content.insert(format!("referrers/{manifest}"), json!({ "manifests": listed }).to_string().into_bytes());
    let lying = registry(content, |_, _| None);
    let found = client_of(&lying).signatures(&reference(&lying.host(), ":1.0.0"), &manifest).unwrap();
    let keys = [public];
    assert_eq!(signers(&claim, &found, &keys), [&keys[0]]);
}

#[test]
fn signatures_that_cannot_be_read_are_not_overwritten() {
    let (key, _) = pair(&PKCS_ED25519);
    let manifest = Descriptor::of(MANIFEST_TYPE, b"manifest");
    let claim = Claim::of(&place("registry.example/acme/web:1.0.0"), &locked(&manifest.digest));
    for ending in ["", ".sig"] {
        let tag = format!("/v2/web/manifests/sha256-{}{ending}", manifest.digest.hex());
        let written = Arc::new(Mutex::new(Vec::new()));
        let (keep, unreadable) = (written.clone(), tag.clone());
        let lying = LyingRegistry::start(Arc::new(move |method, path, headers| match method {
            "HEAD" => Say::Answer(200, String::new(), Vec::new()),
            "PUT" => {
                keep.lock().unwrap().push(path.to_owned());
                let length = headers.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                let length = length.and_then(|text| text.parse().ok()).unwrap_or(0);
                Say::Raw(Box::new(move |stream| {
                    let _ = stream.read_exact(&mut vec![0; length]);
                    let _ = stream.write_all(b"HTTP/1.1 201 X\r\ncontent-length: 0\r\n\r\n");
                }))
            }
            _ if path == unreadable => Say::Answer(200, String::new(), b"{".to_vec()),
            _ => Say::Answer(404, String::new(), Vec::new()),
        }));
        let refused = client_of(&lying).sign(&reference(&lying.host(), ":1.0.0"), &manifest, &claim, &key).unwrap_err();
        assert_eq!(refused.code(), codes::REGISTRY_ANSWER, "{refused}");
        let written = written.lock().unwrap();
        assert!(!written.is_empty() && !written.contains(&tag), "{written:?}");
    }
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
