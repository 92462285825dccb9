//! What comes from registries: manifests, configs, lists of referrers, bundles, lock files, names, and the index of a community.
//! Changed documents are read or refused by their code. What is read is written and read again as the same, and no changed
//! document has a valid signature.

mod index;

use std::sync::{Arc, Mutex};

use ansai_fuzz::random::Random;
use ansai_harness::server::oci::{LyingRegistry, Say};
use ansai_registry::{
    Claim, Client, Connection, Digest, Lock, Locked, Manifest, PublicKey, Reference, RegistryError, Signature,
    SigningKey, signers,
};
use serde_json::{Value, json};

use crate::rounds::{case, rounds};

/// Cases of one round.
const CASES: usize = 2_000;
/// Those that write a file or ask a server.
const SLOW_CASES: usize = 150;
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMliTSmRKE+mNx3Xewn675VJpC/blTkkujeFmAfVZ/9R\n-----END PRIVATE KEY-----\n";
/// Words of the formats, so that a change hits what is compared.
const WORDS: [&[u8]; 20] = [
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"[",
    b"{",
    b"\"\"",
    b"\\u0000",
    b"\xff",
    b"sha256:",
    b"..",
    b"/",
    b"@",
    b":",
    b"\n[[policy]]\n",
    b"[[[[[[[[",
    b"\"mediaType\":",
    b"\xe2\x80\xae",
    b"\x1b[2J",
    b"_",
];

fn key() -> (SigningKey, PublicKey) {
    let key = SigningKey::of_pem(KEY).unwrap();
    let public = key.public();
    (key, public)
}

/// Bits flipped, pieces moved, left out or cut off, and words of the formats put in.
fn changed(random: &mut Random, good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let end = (at + random.below(24)).min(bytes.len());
        match random.below(6) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                drop(bytes.splice(to..to, piece));
            }
            3 => bytes.truncate(at),
            _ => {
                let word = WORDS[random.below(WORDS.len())];
                drop(bytes.splice(at..end.min(at + random.below(3)), word.iter().copied()));
            }
        }
    }
    bytes
}

/// A refusal is a short line without control characters, with a code.
fn refused(error: &RegistryError) {
    let text = error.to_string();
    assert!(!error.code().word().is_empty() && !text.is_empty() && text.len() < 2_000, "{text:?}");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}

fn manifest() -> Value {
    let digest = Digest::of(b"component");
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.wasm.config.v0+json", "digest": digest, "size": 100 },
        "layers": [{ "mediaType": "application/wasm", "digest": digest, "size": 9, "annotations": { "a": "b" } }],
        "annotations": { "org.opencontainers.image.title": "web" },
    })
}

fn locked(source: &str) -> Locked {
    Locked {
        source: source.to_owned(),
        resolved: "registry.example/acme/web:1.0.0".to_owned(),
        digest: Digest::of(b"manifest"),
        component: Digest::of(b"component"),
        version: "1.0.0".to_owned(),
        imports: vec!["ansai:disk/disk-probe".to_owned()],
        scopes: [("ansai:files/files-probe".to_owned(), json!([{ "roots": ["/var/log"], "max_files": 5 }]))].into(),
        signers: Vec::new(),
    }
}

#[test]
fn changed_manifests_are_refused_or_read() {
    let good = manifest().to_string().into_bytes();
    rounds("manifests", |seed| {
        let mut read = 0;
        for index in 0..CASES {
            let bytes = changed(&mut Random::new(seed, index as u64), &good);
            case(index, || match Manifest::parse(&bytes) {
                Ok(manifest) => {
                    read += 1;
                    let component = manifest.component().unwrap();
                    assert!(component.size <= ansai_registry::MOST_COMPONENT_BYTES);
                    let again = serde_json::to_vec(&manifest).unwrap();
                    assert_eq!(Manifest::parse(&again), Ok(manifest));
                }
                Err(problem) => assert!(problem.to_string().len() < 500),
            });
        }
        assert!(read > 0, "none of {CASES} was read");
    });
}

#[test]
fn changed_names_are_refused_or_read() {
    let good = [
        "registry.example/acme/disk-space:1.2.0".to_owned(),
        "localhost:5000/disk-space@^1.2, <2".to_owned(),
        format!("127.0.0.1:5000/a/b/c:tag@{}", Digest::of(b"a")),
    ];
    rounds("names", |seed| {
        let mut read = 0;
        for index in 0..CASES {
            let mut random = Random::new(seed, index as u64);
            let chosen = good[random.below(good.len())].as_bytes();
            let bytes = changed(&mut random, chosen);
            let Ok(text) = String::from_utf8(bytes) else { continue };
            case(index, || match text.parse::<Reference>() {
                Ok(reference) => {
                    read += 1;
                    let shown = reference.to_string();
                    assert_eq!(shown.parse::<Reference>().unwrap(), reference, "{shown}");
                    // A tag may have dots, which lead nowhere.
                    let repository = reference.repository();
                    assert!(repository.is_ascii() && !repository.contains(".."), "{shown}");
                }
                Err(error) => refused(&error),
            });
        }
        assert!(read > 0, "none of {CASES} was read");
    });
}

#[test]
fn a_changed_bundle_has_no_signature_of_another_claim() {
    let (key, public) = key();
    let claim = Claim::of(&"registry.example/acme/web:1.0.0".parse().unwrap(), &locked("a"));
    let other = Claim { digest: Digest::of(b"other"), ..claim.clone() };
    let [Signature::Bundle(good), Signature::Simple { payload: original, signature }] = key.signatures(&claim).unwrap()
    else {
        panic!("two forms")
    };
    let keys = [public];
    rounds("bundles", |seed| {
        let mut good_still = 0;
        for index in 0..CASES / 2 {
            let mut random = Random::new(seed, index as u64);
            let bundle = Signature::Bundle(changed(&mut random, &good));
            let payload = changed(&mut random, &original);
            let is_same = payload == original;
            let simple = Signature::Simple { payload, signature: signature.clone() };
            case(index, || {
                good_still += signers(&claim, std::slice::from_ref(&bundle), &keys).len();
                assert_eq!(signers(&claim, std::slice::from_ref(&simple), &keys).len(), usize::from(is_same));
                assert!(signers(&other, &[bundle.clone(), simple.clone()], &keys).is_empty());
            });
        }
        // A change of what nobody reads, such as the hint.
        assert!(good_still > 0);
    });
}

#[test]
fn changed_lock_files_are_refused_or_read() {
    let place = tempfile::tempdir().unwrap();
    let (configuration, file) = (place.path().join("ansai.toml"), place.path().join("ansai.lock"));
    let mut lock = Lock::of(&configuration).unwrap();
    lock.set(["registry.example/acme/web@^1", "registry.example/acme/web:1.0.0"].map(locked));
    lock.write().unwrap();
    let good = std::fs::read(&file).unwrap();
    rounds("lock files", |seed| {
        let mut read = 0;
        for index in 0..SLOW_CASES {
            std::fs::write(&file, changed(&mut Random::new(seed, index as u64), &good)).unwrap();
            case(index, || match Lock::of(&configuration) {
                Ok(lock) => {
                    read += 1;
                    lock.write().unwrap();
                    assert_eq!(Lock::of(&configuration).unwrap(), lock);
                }
                Err(error) => refused(&error),
            });
        }
        assert!(read > 0, "none of {SLOW_CASES} was read");
    });
}

/// The list, and the manifests of signatures that it leads to.
#[test]
fn changed_lists_of_referrers_are_left_out_or_read() {
    let (key, public) = key();
    let subject = Digest::of(b"manifest");
    let claim = Claim::of(&"registry.example/acme/web:1.0.0".parse().unwrap(), &locked("a"));
    let [Signature::Bundle(bundle), _] = key.signatures(&claim).unwrap() else { panic!("the bundle is first") };
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let attached = json!({
        "schemaVersion": 2,
        "artifactType": kind,
        "layers": [{ "mediaType": kind, "digest": Digest::of(&bundle), "size": bundle.len() }],
        "subject": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject, "size": 8 },
    });
    let attached = attached.to_string().into_bytes();
    let list = json!({ "manifests": [{ "mediaType": "x", "digest": Digest::of(&attached), "size": attached.len() }] });
    let list = list.to_string().into_bytes();
    let served = Arc::new(Mutex::new((list.clone(), attached.clone())));
    let now = served.clone();
    let registry = LyingRegistry::start(Arc::new(move |_, path, _| {
        let (list, attached) = now.lock().unwrap().clone();
        let body = match path {
            path if path.contains("/referrers/") => list,
            path if path.contains("/blobs/") => bundle.clone(),
            path if path.ends_with(".sig") => return Say::Answer(404, String::new(), Vec::new()),
            _ => attached,
        };
        Say::Answer(200, String::new(), body)
    }));
    let client = Client::new(&registry.host(), &Connection { plain: true, ..Connection::default() }, None).unwrap();
    let reference: Reference = format!("{}/acme/web:1.0.0", registry.host()).parse().unwrap();
    let keys = [public];
    rounds("lists of referrers", |seed| {
        let mut read = 0;
        for index in 0..SLOW_CASES {
            let mut random = Random::new(seed, index as u64);
            let parts = (changed(&mut random, &list), changed(&mut random, &attached));
            *served.lock().unwrap() = if random.once_in(2) { parts } else { (list.clone(), parts.1) };
            case(index, || match client.signatures(&reference, &subject) {
                Ok(found) => read += signers(&claim, &found, &keys).len(),
                Err(error) => refused(&error),
            });
        }
        assert!(read > 0, "none of {SLOW_CASES} was read");
    });
}
