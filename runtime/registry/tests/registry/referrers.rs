//! Signatures through the API of referrers, in a registry that has it, and lists of referrers that lie.

use std::sync::Arc;

use ansai_harness::server::referrers::ReferrersRegistry;
use ansai_registry::{About, Claim, Client, Connection, Descriptor, Reference, SigningKey, signers};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::{Value, json};

use crate::artifact::{COMPONENT, store};
use crate::signature::locked;

fn key() -> SigningKey {
    SigningKey::of_pem(&KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem()).unwrap()
}

struct Published {
    registry: ReferrersRegistry,
    client: Client,
    reference: Reference,
    manifest: Descriptor,
    claim: Claim,
}

fn published() -> Published {
    let registry = ReferrersRegistry::start();
    let client = Client::new(&registry.host(), &Connection { plain: true, ..Connection::default() }, None).unwrap();
    let reference: Reference = format!("{}/acme/web:1.0.0", registry.host()).parse().unwrap();
    let about = About { name: "web".to_owned(), version: "1.0.0".to_owned(), description: String::new() };
    client.publish(&reference, COMPONENT, &about).unwrap();
    let place = tempfile::tempdir().unwrap();
    let manifest = client.fetch(&reference, &store(place.path())).unwrap().manifest;
    let claim = Claim::of(&reference, &locked(&manifest.digest));
    Published { registry, client, reference, manifest, claim }
}

#[test]
fn the_api_of_referrers_is_used_where_it_exists() {
    let it = published();
    let keys = [key(), key()];
    for key in &keys {
        it.client.sign(&it.reference, &it.manifest, &it.claim, key).unwrap();
    }
    let fallback = format!("acme/web/manifests/sha256-{}", it.manifest.digest.hex());
    let paths = it.registry.paths();
    assert!(!paths.contains(&fallback) && paths.contains(&format!("{fallback}.sig")), "{paths:?}");
    let found = it.client.signatures(&it.reference, &it.manifest.digest).unwrap();
    assert_eq!(found.len(), 4, "two keys, both forms");
    assert_eq!(signers(&it.claim, &found, &keys.map(|key| key.public())).len(), 2);
}

/// Would break: a connection, with its handshake of TLS, for each signature that is read.
#[test]
fn one_connection_reads_all_signatures() {
    let it = published();
    for key in [key(), key(), key()] {
        it.client.sign(&it.reference, &it.manifest, &it.claim, &key).unwrap();
    }
    let before = it.registry.connections();
    assert_eq!(it.client.signatures(&it.reference, &it.manifest.digest).unwrap().len(), 6);
    assert_eq!(it.client.signatures(&it.reference, &it.manifest.digest).unwrap().len(), 6);
    assert!(it.registry.connections() <= before + 1, "{before} {}", it.registry.connections());
}

/// Would break: signatures that pile up until older ones are not read any more. Two signatures of ECDSA are never the same.
#[test]
fn a_key_signs_once() {
    let it = published();
    let ecdsa = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    for key in [key(), SigningKey::of_pem(&ecdsa).unwrap()] {
        let sign = |claim: &Claim| {
            it.client.sign(&it.reference, &it.manifest, claim, &key).unwrap();
            it.client.signatures(&it.reference, &it.manifest.digest).unwrap().len()
        };
        let first = sign(&it.claim);
        assert_eq!(sign(&it.claim), first);
        // Another claim is signed.
        assert_eq!(sign(&Claim { capabilities: "ab".to_owned(), ..it.claim.clone() }), first + 2);
    }
}

/// Would break: a signature that a wrong descriptor hides, or one that counts twice or for another manifest.
#[test]
fn lists_of_referrers_that_lie() {
    let it = published();
    let (first, second) = (key(), key());
    it.client.sign(&it.reference, &it.manifest, &it.claim, &first).unwrap();
    let other: Reference = format!("{}/acme/web:1.1.0", it.registry.host()).parse().unwrap();
    let about = About { name: "web".to_owned(), version: "1.1.0".to_owned(), description: String::new() };
    let published = it.client.publish(&other, b"other", &about).unwrap();
    let place = tempfile::tempdir().unwrap();
    let of_other = it.client.fetch(&other, &store(place.path())).unwrap().manifest;
    assert_eq!(of_other.digest, published.digest);
    // Signed for the first manifest, attached to the other one.
    it.client.sign(&other, &of_other, &it.claim, &second).unwrap();
    let keys = [first.public(), second.public()];
    let count = |lie: fn(&mut Vec<Value>)| {
        it.registry.lie(Arc::new(lie));
        // Only bundles: the other form does not come from this list.
        let found = it.client.signatures(&it.reference, &it.manifest.digest).unwrap();
        let bundles = found.iter().filter(|one| matches!(one, ansai_registry::Signature::Bundle(_))).cloned();
        signers(&it.claim, &bundles.collect::<Vec<_>>(), &keys).len()
    };
    assert_eq!(count(|_| {}), 1);
    // cosign writes this one.
    assert_eq!(count(|all| all[0]["artifactType"] = json!("application/vnd.oci.empty.v1+json")), 1);
    assert_eq!(count(|all| all[0]["artifactType"] = json!(7)), 1);
    assert_eq!(count(|all| all[0]["mediaType"] = json!("text/html")), 1);
    assert_eq!(count(|all| all[0]["size"] = json!(1)), 1, "the manifest itself has its digest");
    assert_eq!(count(|all| all.push(all[0].clone())), 1);
    assert_eq!(count(|all| all.splice(0..0, (0..200).map(|_| json!({ "digest": "sha256:../x" }))).for_each(drop)), 1);
    // More artifacts of others than signatures are read.
    let others = |all: &mut Vec<Value>| {
        let digest = format!("sha256:{}", "0".repeat(64));
        let other = json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 9 });
        all.resize(all.len() + 100, other);
    };
    assert_eq!(count(others), 1);
    assert_eq!(count(|all| all[0]["digest"] = json!(format!("sha256:{}", "0".repeat(64)))), 0);
    assert_eq!(count(Vec::clear), 0);
    let elsewhere = it.client.signatures(&other, &of_other.digest).unwrap();
    assert!(signers(&Claim { digest: of_other.digest.clone(), ..it.claim.clone() }, &elsewhere, &keys).is_empty());
}
