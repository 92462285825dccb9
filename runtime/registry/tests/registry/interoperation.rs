//! Other tools: cosign and oras of Debian, and `@sigstore/verify` of npm. They agree with us about what we write, and we read what
//! they write.

use std::path::{Path, PathBuf};

use ansai_core::codes;
use ansai_harness::Invocation;
use ansai_harness::pki::{Authority, LONG};
use ansai_harness::server::oci::{DockerRegistry, LOGIN};
use ansai_harness::server::referrers::ReferrersRegistry;
use ansai_harness::server::{Packages, node_tools, packages};
use ansai_registry::{
    About, Claim, Client, Connection, Descriptor, Digest, KeyKind, Login, NewKey, Provenance, PublicKey, Reference,
    Signature, SigningKey, provenances, signers,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use serde_json::json;
use zeroize::Zeroizing;

use crate::artifact::{COMPONENT, store};
use crate::signature::locked;

const DEBIAN: [&str; 2] = ["cosign/trixie", "oras/trixie"];

/// A pair of keys, as files and as we read them.
struct Pair {
    file: PathBuf,
    key: SigningKey,
    public: PublicKey,
}

fn pair(place: &Path, name: &str, kind: &'static SignatureAlgorithm) -> Pair {
    let pair = KeyPair::generate_for(kind).unwrap();
    let file = place.join(format!("{name}.pub"));
    std::fs::write(&file, pair.public_key_pem()).unwrap();
    let key = SigningKey::of_pem(&pair.serialize_pem()).unwrap();
    Pair { file, public: key.public(), key }
}

/// docker-registry with a policy, and the programs that reach it.
struct Bench {
    place: tempfile::TempDir,
    programs: Packages,
    registry: DockerRegistry,
    client: Client,
    reference: Reference,
    manifest: Descriptor,
    claim: Claim,
}

impl Bench {
    fn new() -> Option<Bench> {
        let programs = packages(&DEBIAN)?;
        let place = tempfile::tempdir().unwrap();
        let authority = Authority::root("test", LONG);
        let registry = DockerRegistry::start(place.path(), &authority.issue(&["localhost"], LONG))?;
        let ca = place.path().join("ca.pem");
        std::fs::write(&ca, &authority.pem).unwrap();
        let auth = STANDARD.encode(format!("{}:{}", LOGIN.0, LOGIN.1));
        let logins = json!({ "auths": { registry.host.clone(): { "auth": auth } } });
        std::fs::write(place.path().join("config.json"), logins.to_string()).unwrap();
        let connection = Connection { authorities: Some(ca), ..Connection::default() };
        let login = Login { user: LOGIN.0.to_owned(), secret: Zeroizing::new(LOGIN.1.to_owned()) };
        let client = Client::new(&registry.host, &connection, Some(login)).unwrap();
        let reference: Reference = format!("{}/acme/web:1.0.0", registry.host).parse().unwrap();
        let about = About { name: "web".to_owned(), version: "1.0.0".to_owned(), description: String::new() };
        client.publish(&reference, COMPONENT, &about).unwrap();
        let manifest = client.fetch(&reference, &store(&place.path().join("state"))).unwrap().manifest;
        let claim = Claim::of(&reference, &locked(&manifest.digest));
        Some(Bench { place, programs, registry, client, reference, manifest, claim })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// A program that knows the login and the authority.
    fn program(&self, name: &str) -> Invocation {
        self.programs
            .program(name)
            .env("SSL_CERT_FILE", self.at("ca.pem"))
            .env("DOCKER_CONFIG", self.place.path())
            .env("COSIGN_PASSWORD", "")
            .current_dir(self.place.path())
    }

    /// Whether cosign says that this key has signed it.
    fn cosign_verifies(&self, key: &Path, version: &str) -> bool {
        let claim = format!("version={version}");
        let capabilities = format!("capabilities={}", self.claim.capabilities);
        let ran = self
            .program("cosign")
            .args(["verify", "--insecure-ignore-tlog=true", "--private-infrastructure", "-a", "name=web"])
            .args(["-a", &claim, "-a", &capabilities, "--key"])
            .arg(key)
            .arg(self.reference.to_string())
            .run();
        assert!(ran.code == 0 || ran.stderr.contains("no matching signatures"), "{}", ran.stderr);
        ran.code == 0
    }

    fn signers<'a>(&self, client: &Client, reference: &Reference, keys: &'a [PublicKey]) -> Vec<&'a PublicKey> {
        signers(&self.claim, &client.signatures(reference, &self.manifest.digest).unwrap(), keys)
    }
}

#[test]
fn cosign_verifies_what_we_sign_and_we_verify_what_it_signs() {
    let Some(bench) = Bench::new() else { return };
    let [p256, other] = ["p256", "other"].map(|name| pair(bench.place.path(), name, &PKCS_ECDSA_P256_SHA256));
    let ed25519 = pair(bench.place.path(), "ed25519", &PKCS_ED25519);
    for pair in [&p256, &ed25519] {
        bench.client.sign(&bench.reference, &bench.manifest, &bench.claim, &pair.key).unwrap();
        assert!(bench.cosign_verifies(&pair.file, "1.0.0"));
    }
    assert!(!bench.cosign_verifies(&p256.file, "1.0.1"), "another version");
    assert!(!bench.cosign_verifies(&other.file, "1.0.0"), "another key");

    bench.program("cosign").args(["generate-key-pair", "--output-key-prefix", "cosign"]).run().expect_code(0);
    let cosign = PublicKey::of_pem(&std::fs::read_to_string(bench.at("cosign.pub")).unwrap()).unwrap();
    let digest = format!("{}/{}@{}", bench.registry.host, bench.reference.repository(), bench.manifest.digest);
    let capabilities = format!("capabilities={}", bench.claim.capabilities);
    let sign = bench.program("cosign").args(["sign", "--key", "cosign.key", "--tlog-upload=false", "--yes"]);
    let annotations = ["-a", "name=web", "-a", "version=1.0.0", "-a", &capabilities];
    sign.args(annotations).arg(digest).run().expect_code(0);
    let keys = [p256.public, ed25519.public, cosign, other.public];
    assert_eq!(bench.signers(&bench.client, &bench.reference, &keys).len(), 3);
}

#[test]
fn cosign_and_we_read_each_others_encrypted_keys() {
    let Some(bench) = Bench::new() else { return };
    let read = |name: &str| std::fs::read_to_string(bench.at(name)).unwrap();
    let cosign = |name: &str, passphrase: &str| bench.program(name).env("COSIGN_PASSWORD", passphrase);
    cosign("cosign", "sésame").args(["generate-key-pair", "--output-key-prefix", "theirs"]).run().expect_code(0);
    assert!(SigningKey::is_encrypted(&read("theirs.key")));
    let theirs = SigningKey::decrypt(&read("theirs.key"), "sésame").unwrap();
    assert_eq!(Some(theirs.public()), PublicKey::of_pem(&read("theirs.pub")));
    assert_eq!(SigningKey::decrypt(&read("theirs.key"), "sesame").unwrap_err().code(), codes::KEY_PASSPHRASE);
    bench.client.sign(&bench.reference, &bench.manifest, &bench.claim, &theirs).unwrap();
    assert!(bench.cosign_verifies(&bench.at("theirs.pub"), "1.0.0"));

    for (name, kind) in [("p256", KeyKind::P256), ("ed25519", KeyKind::Ed25519)] {
        let ours = NewKey::generate(kind).unwrap();
        let file = format!("{name}.key");
        std::fs::write(bench.at(&file), ours.encrypted("sésame").unwrap().as_bytes()).unwrap();
        let digest = format!("{}/{}@{}", bench.registry.host, bench.reference.repository(), bench.manifest.digest);
        let capabilities = format!("capabilities={}", bench.claim.capabilities);
        let sign = cosign("cosign", "sésame").args(["sign", "--key", &file, "--tlog-upload=false", "--yes"]);
        let sign = sign.args(["-a", "name=web", "-a", "version=1.0.0", "-a", &capabilities]).arg(digest);
        sign.run().expect_code(0);
        let public = ours.key().unwrap().public();
        assert_eq!(bench.signers(&bench.client, &bench.reference, &[public]).len(), 1, "{name}");
    }
}

/// cosign 3 of the next Debian reads and writes only bundles.
#[test]
fn cosign_3_verifies_what_we_sign_and_we_verify_what_it_signs() {
    let Some(mut bench) = Bench::new() else { return };
    let Some(programs) = packages(&["cosign/forky"]) else { return };
    bench.programs = programs;
    let [p256, other] = ["p256", "other"].map(|name| pair(bench.place.path(), name, &PKCS_ECDSA_P256_SHA256));
    let ed25519 = pair(bench.place.path(), "ed25519", &PKCS_ED25519);
    let verifies = |key: &Path, version: &str| {
        let claim = format!("version={version}");
        let capabilities = format!("capabilities={}", bench.claim.capabilities);
        let verify = bench.program("cosign").args(["verify", "--insecure-ignore-tlog=true", "-a", "name=web"]);
        let ran =
            verify.args(["-a", &claim, "-a", &capabilities, "--key"]).arg(key).arg(bench.reference.to_string()).run();
        assert!(ran.code == 0 || ran.stderr.contains("no matching"), "{}", ran.stderr);
        ran.code == 0
    };
    for pair in [&p256, &ed25519] {
        bench.client.sign(&bench.reference, &bench.manifest, &bench.claim, &pair.key).unwrap();
        assert!(verifies(&pair.file, "1.0.0"));
    }
    assert!(!verifies(&p256.file, "1.0.1"), "another version");
    assert!(!verifies(&other.file, "1.0.0"), "another key");

    // With a key that we made and encrypted.
    let ours = NewKey::generate(KeyKind::P256).unwrap();
    std::fs::write(bench.at("ours.key"), ours.encrypted("sésame").unwrap().as_bytes()).unwrap();
    let digest = format!("{}/{}@{}", bench.registry.host, bench.reference.repository(), bench.manifest.digest);
    let capabilities = format!("capabilities={}", bench.claim.capabilities);
    let sign = bench.program("cosign").env("COSIGN_PASSWORD", "sésame").args(["sign", "--key", "ours.key", "--yes"]);
    let sign =
        sign.args(["--tlog-upload=false", "--use-signing-config=false", "-a", "name=web", "-a", "version=1.0.0"]);
    sign.args(["-a", &capabilities]).arg(digest).run().expect_code(0);
    let keys = [p256.public, ed25519.public, ours.key().unwrap().public(), other.public];
    assert_eq!(bench.signers(&bench.client, &bench.reference, &keys).len(), 3);
}

#[test]
fn sigstore_verifies_every_bundle_that_we_write() {
    let Some(modules) = node_tools("sigstore") else { return };
    let place = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry/sigstore/verify.mjs");
    let verify = |bundle: &[u8], key: &Path| {
        let file = place.path().join("bundle.json");
        std::fs::write(&file, bundle).unwrap();
        Invocation::of("node").arg(&script).arg(&modules).arg(&file).arg(key).run()
    };
    let digest = Digest::of(b"manifest");
    let claim = Claim::of(&"registry.example/acme/web:1.0.0".parse().unwrap(), &locked(&digest));
    let other = pair(place.path(), "other", &PKCS_ED25519);
    for kind in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
        let pair = pair(place.path(), "key", kind);
        let [Signature::Bundle(bundle), _] = pair.key.signatures(&claim).unwrap() else {
            panic!("the bundle is first")
        };
        let verified = verify(&bundle, &pair.file);
        verified.expect_code(0);
        assert!(verified.stdout.contains(digest.hex()), "{}", verified.stdout);
        assert!(verify(&bundle, &other.file).expect_code(1).stderr.contains("signature verification failed"));
        let mut changed: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
        changed["dsseEnvelope"]["payload"] = json!(STANDARD.encode(b"{}"));
        verify(changed.to_string().as_bytes(), &pair.file).expect_code(1);
    }
}

#[test]
fn oras_copies_signatures_to_a_registry_with_referrers_and_back() {
    let Some(bench) = Bench::new() else { return };
    let pairs = [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519].map(|kind| pair(bench.place.path(), "key", kind));
    for pair in &pairs {
        bench.client.sign(&bench.reference, &bench.manifest, &bench.claim, &pair.key).unwrap();
    }
    let provenance = Provenance {
        sources: None,
        tools: vec!["rustc 1.95.0".to_owned()],
        ansai: "0.1.0".to_owned(),
        is_reproduced: true,
    };
    let attested = (&bench.claim, &provenance);
    bench.client.attest(&bench.reference, &bench.manifest, attested, &pairs[0].key).unwrap();
    let keys = pairs.map(|pair| pair.public);
    let has_provenance = |client: &Client, at: &Reference| {
        let found = client.signatures(at, &bench.manifest.digest).unwrap();
        provenances(&bench.claim, &found, &keys).iter().any(|(said, key)| *said == provenance && *key == &keys[0])
    };
    assert!(has_provenance(&bench.client, &bench.reference));
    let copy = |from: &str, to: &str, flags: &[&str]| {
        let run = bench.program("oras").args(["cp", "-r", from, to]).args(flags).run();
        run.expect_code(0);
    };
    let registry = ReferrersRegistry::start();
    let there: Reference = format!("{}/copies/web:1.0.0", registry.host()).parse().unwrap();
    copy(&bench.reference.to_string(), &there.to_string(), &["--from-plain-http=false", "--to-plain-http"]);
    let plain = Connection { plain: true, ..Connection::default() };
    let client = Client::new(&registry.host(), &plain, None).unwrap();
    let fetched = client.fetch(&there, &store(&bench.at("other-state"))).unwrap();
    assert_eq!((&fetched.manifest.digest, &fetched.component.digest), (&bench.manifest.digest, &Digest::of(COMPONENT)));
    assert_eq!(bench.signers(&client, &there, &keys).len(), 2);
    assert!(has_provenance(&client, &there));

    // Back to one without the API: oras writes the tag, and describes in it what it likes.
    let back: Reference = format!("{}/back/web:1.0.0", bench.registry.host).parse().unwrap();
    copy(&there.to_string(), &back.to_string(), &["--from-plain-http", "--to-plain-http=false"]);
    assert_eq!(bench.signers(&bench.client, &back, &keys).len(), 2);
    assert!(has_provenance(&bench.client, &back));
}
