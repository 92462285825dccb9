//! Who vouches for a policy, what is revoked, and which versions were seen.

use ansai_core::{Code, Timestamp, codes};
use ansai_registry::{
    Claim, Digest, Judgement, ListProblem, Lists, NamedKey, PublicKey, Reference, RevocationList, RevocationSource,
    RevokedDigest, RevokedKey, RevokedVersions, Signature, SigningKey, Subject, TrustError, TrustPolicy, TrustRule,
    Update, Versions,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::json;

use crate::artifact::store;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const LATER: Timestamp = Timestamp::from_millis(1_800_000_001_000);

fn pair() -> (SigningKey, PublicKey) {
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    (SigningKey::of_pem(&pair.serialize_pem()).unwrap(), PublicKey::of_pem(&pair.public_key_pem()).unwrap())
}

fn named(file: &str, key: &PublicKey) -> NamedKey {
    NamedKey { path: file.into(), key: Ok(key.clone()) }
}

fn claim() -> Claim {
    Claim {
        repository: "registry.example/acme/web".to_owned(),
        digest: Digest::of(b"manifest"),
        name: "web".to_owned(),
        version: "1.2.0".to_owned(),
        capabilities: "ab".to_owned(),
    }
}

fn rule(keys: &[NamedKey], minimum: usize) -> TrustRule {
    let names = vec!["acme/*".parse().unwrap(), "registry.example/acme/*".parse().unwrap()];
    TrustRule { names, keys: keys.to_vec(), minimum, all_of: Vec::new(), revocations: None }
}

fn judge(
    rules: &[TrustRule],
    signatures: &[Signature],
    pinned: &[String],
    lists: &Lists,
) -> Result<Judgement, TrustError> {
    let names = ["registry.example/acme/web".to_owned(), "acme/web".to_owned()];
    let reference = "registry.example/acme/web:1.2.0";
    let subject = Subject { reference, names: &names, claim: &claim(), signatures, pinned_signers: pinned };
    TrustPolicy(rules.to_vec()).judge(&subject, lists, NOW)
}

fn code(judged: Result<Judgement, TrustError>) -> Code {
    judged.expect_err("must be refused").code()
}

#[test]
fn a_policy_is_vouched_for_by_every_rule_that_covers_it() {
    let ((a, a_public), (b, b_public), (c, _)) = (pair(), pair(), pair());
    let keys = [named("a.pub", &a_public), named("b.pub", &b_public)];
    let lists = Lists::default();
    let signed = |keys: &[&SigningKey]| -> Vec<Signature> {
        keys.iter().flat_map(|key| key.signatures(&claim()).unwrap()).collect()
    };
    let one = |signatures: &[Signature]| judge(&[rule(&keys, 1)], signatures, &[], &lists);
    let Ok(Judgement::Verified { signers, lists: problems }) = one(&signed(&[&c, &b])) else { panic!("b is enough") };
    assert_eq!((signers.len(), signers[0].path.to_str(), problems.len()), (1, Some("b.pub"), 0));
    // Either form is enough.
    for form in signed(&[&a]) {
        assert!(one(&[form]).is_ok());
    }
    let two = |signatures: &[Signature]| judge(&[rule(&keys, 2)], signatures, &[], &lists);
    assert!(two(&signed(&[&a, &b])).is_ok());
    assert_eq!(code(two(&signed(&[&a]))), codes::TOO_FEW_SIGNERS);
    // One key in two files is one key.
    let twice = rule(&[keys[0].clone(), named("copy.pub", &a_public)], 2);
    assert_eq!(code(judge(&[twice], &signed(&[&a]), &[], &lists)), codes::TOO_FEW_SIGNERS);
    let all = TrustRule { all_of: vec![keys[1].clone()], ..rule(&keys[..1], 1) };
    assert!(judge(std::slice::from_ref(&all), &signed(&[&a, &b]), &[], &lists).is_ok());
    for signatures in [signed(&[&a]), signed(&[&b])] {
        assert_eq!(code(judge(std::slice::from_ref(&all), &signatures, &[], &lists)), codes::TOO_FEW_SIGNERS);
    }
    // A rule more never permits more.
    let both = [rule(&keys[..1], 1), rule(&keys[1..], 1)];
    assert!(judge(&both, &signed(&[&a, &b]), &[], &lists).is_ok());
    assert_eq!(code(judge(&both, &signed(&[&a]), &[], &lists)), codes::SIGNED_BY_OTHER_KEY);
    let elsewhere = TrustRule { names: vec!["other/*".parse().unwrap()], ..rule(&keys, 1) };
    assert_eq!(judge(&[elsewhere], &[], &[], &lists), Ok(Judgement::Uncovered));
    let missing = NamedKey { path: "gone.pub".into(), key: Err("no such file".to_owned()) };
    assert_eq!(code(judge(&[rule(&[keys[0].clone(), missing], 1)], &signed(&[&a]), &[], &lists)), codes::TRUST_KEY);
}

#[test]
fn each_way_to_be_refused_has_its_code() {
    let ((key, public), (other, _)) = (pair(), pair());
    let rules = [rule(&[named("a.pub", &public)], 1)];
    let lists = Lists::default();
    let of = |signatures: &[Signature]| code(judge(&rules, signatures, &[], &lists));
    assert_eq!(of(&[]), codes::NOT_SIGNED);
    assert_eq!(code(judge(&rules, &[], &["hint".to_owned()], &lists)), codes::SIGNATURE_STRIPPED);
    assert_eq!(of(&other.signatures(&claim()).unwrap()), codes::SIGNED_BY_OTHER_KEY);
    assert_eq!(of(&[Signature::Bundle(b"{".to_vec())]), codes::SIGNED_BY_OTHER_KEY);
    type Change = fn(&mut Claim);
    let changes: [(Change, Code); 4] = [
        (|claim| claim.name = "other".to_owned(), codes::SIGNED_OTHER_NAME),
        (|claim| claim.version = "1.1.0".to_owned(), codes::SIGNED_OTHER_VERSION),
        (|claim| claim.digest = Digest::of(b"x"), codes::SIGNED_OTHER_CONTENT),
        (|claim| claim.capabilities = "cd".to_owned(), codes::SIGNED_OTHER_CAPABILITIES),
    ];
    for (change, expected) in changes {
        let mut changed = claim();
        change(&mut changed);
        for form in key.signatures(&changed).unwrap() {
            assert_eq!(of(&[form]), expected);
        }
        // A good one is not hidden by a bad one.
        let both: Vec<_> =
            key.signatures(&changed).unwrap().into_iter().chain(key.signatures(&claim()).unwrap()).collect();
        assert!(judge(&rules, &both, &[], &lists).is_ok());
    }
    // The repository is not compared, so that copies keep their signatures.
    let moved = Claim { repository: "other.example/x".to_owned(), ..claim() };
    assert!(judge(&rules, &key.signatures(&moved).unwrap(), &[], &lists).is_ok());
}

/// A DSSE envelope of any payload, as another tool with the same key could make it.
fn forged(pair: &ring::signature::Ed25519KeyPair, kind: &str, payload: &str) -> serde_json::Value {
    let signed = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
    let signature = STANDARD.encode(pair.sign(signed.as_bytes()));
    json!({ "payload": STANDARD.encode(payload), "payloadType": kind, "signatures": [{ "sig": signature }] })
}

#[test]
fn other_statements_of_a_trusted_key_vouch_for_nothing() {
    let made = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let pair = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(&made.serialize_der()).unwrap();
    let public = PublicKey::of_pem(&made.public_key_pem()).unwrap();
    let rules = [rule(&[named("a.pub", &public)], 1)];
    let statement = |predicate: &str, subjects: usize| {
        let subject = json!({
            "name": "x",
            "digest": { "sha256": claim().digest.hex() },
            "annotations": { "name": "web", "version": "1.2.0", "capabilities": "ab" },
        });
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": vec![subject; subjects],
            "predicateType": predicate,
            "predicate": {},
        })
        .to_string()
    };
    let bundle = |kind: &str, payload: &str| {
        let envelope = forged(&pair, kind, payload);
        let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
        Signature::Bundle(json!({ "mediaType": kind, "dsseEnvelope": envelope }).to_string().into_bytes())
    };
    let of = |signature: Signature| judge(&rules, &[signature], &[], &Lists::default());
    let (in_toto, sign) = ("application/vnd.in-toto+json", "https://sigstore.dev/cosign/sign/v1");
    assert!(of(bundle(in_toto, &statement(sign, 1))).is_ok());
    for (predicate, subjects) in [("https://slsa.dev/provenance/v1", 1), (sign, 2), (sign, 0)] {
        assert_eq!(code(of(bundle(in_toto, &statement(predicate, subjects)))), codes::SIGNED_OTHER_STATEMENT);
    }
    // It was signed when it was pinned: provenance that is left is no reason to say something else.
    let provenance = bundle(in_toto, &statement("https://slsa.dev/provenance/v1", 1));
    let pinned = ["hint".to_owned()];
    let of_pinned = |signatures: &[Signature]| code(judge(&rules, signatures, &pinned, &Lists::default()));
    assert_eq!(of_pinned(std::slice::from_ref(&provenance)), codes::SIGNATURE_STRIPPED);
    let other = bundle(in_toto, &statement(sign, 1).replace("1.2.0", "1.1.0"));
    assert_eq!(of_pinned(&[provenance, other]), codes::SIGNED_OTHER_VERSION);
    // A list of revocations is no signature of a policy, and the other way round.
    let list = "application/vnd.ansai.revocations.v1+json";
    assert_eq!(code(of(bundle(list, &statement(sign, 1)))), codes::SIGNED_BY_OTHER_KEY);
    let source = RevocationSource { address: "/x".to_owned(), keys: vec![named("a.pub", &public)] };
    let read = |envelope: serde_json::Value| RevocationList::read(envelope.to_string().as_bytes(), &source);
    let payload = r#"{"format":1,"name":"acme","serial":1,"expires":5}"#;
    assert!(read(forged(&pair, list, payload)).is_ok());
    assert_eq!(read(forged(&pair, in_toto, payload)).unwrap_err().code(), codes::REVOCATIONS_INVALID);
    for bad in [
        r#"{"format":2,"name":"acme","serial":1,"expires":5}"#,
        r#"{"format":1,"name":"acme","serial":1}"#,
        r#"{"format":1,"name":"acme","serial":1,"expires":5,"more":[]}"#,
        r#"{"format":1,"name":"acme","serial":-1,"expires":5}"#,
        "[]",
    ] {
        assert_eq!(read(forged(&pair, list, bad)).unwrap_err().code(), codes::REVOCATIONS_INVALID, "{bad}");
    }
    for bad in [&b"x"[..], &b"{}"[..], &vec![b' '; (1 << 20) + 1][..]] {
        assert_eq!(RevocationList::read(bad, &source).unwrap_err().code(), codes::REVOCATIONS_INVALID);
    }
}

#[test]
fn a_list_revokes_versions_digests_and_keys_and_only_grows() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let ((key, public), (other, other_public), (list_key, list_public)) = (pair(), pair(), pair());
    let source =
        RevocationSource { address: "/acme.revocations".to_owned(), keys: vec![named("list.pub", &list_public)] };
    let keys = [named("a.pub", &public), named("b.pub", &other_public)];
    let rules = [TrustRule { revocations: Some(source.clone()), ..rule(&keys, 1) }];
    let signatures = key.signatures(&claim()).unwrap();
    let lists = Lists::of(&store);
    let of = || judge(&rules, &signatures, &[], &lists);
    let missing = ListProblem::Missing { address: source.address.clone() };
    assert!(matches!(of(), Ok(Judgement::Verified { lists, .. }) if lists.first() == Some(&missing)));

    let update = |list: &RevocationList, key: &SigningKey, now| {
        lists.update(&source, &list.signed(key).unwrap(), now).unwrap().map_err(|error| error.code())
    };
    let mut list = RevocationList::new("acme", LATER);
    assert_eq!(update(&list, &other, NOW), Err(codes::REVOCATIONS_UNSIGNED));
    assert_eq!(update(&list, &list_key, LATER), Err(codes::REVOCATIONS_EXPIRED));
    assert_eq!(update(&list, &list_key, NOW), Ok(Update::New { serial: 1 }));
    assert_eq!(update(&list, &list_key, NOW), Ok(Update::Known { serial: 1 }));
    assert!(matches!(of(), Ok(Judgement::Verified { lists, .. }) if lists.is_empty()));
    let reason = || "deletes too much".to_owned();
    list.versions.push(RevokedVersions::of("web", "<1.1.0", &reason()).unwrap());
    assert_eq!(update(&list, &list_key, NOW), Err(codes::REVOCATIONS_OLDER), "the serial stays");
    list.serial = 2;
    list.versions.push(RevokedVersions::of("other", "*", &reason()).unwrap());
    assert_eq!(update(&list, &list_key, NOW), Ok(Update::New { serial: 2 }));
    assert!(of().is_ok(), "another version, another name");
    let grown =
        RevocationList { serial: 3, versions: vec![RevokedVersions::of("web", "<1.2.1", "").unwrap()], ..list.clone() };
    assert_eq!(update(&grown, &list_key, NOW), Err(codes::REVOCATIONS_SHRUNKEN));
    let renamed = RevocationList { serial: 3, name: "beta".to_owned(), ..list.clone() };
    assert_eq!(update(&renamed, &list_key, NOW), Err(codes::REVOCATIONS_INVALID));
    assert!(of().is_ok(), "what is refused changes nothing");

    let mut by_key = RevocationList { serial: 9, ..list.clone() };
    by_key.keys.push(RevokedKey { key: public.hint(), reason: reason() });
    assert_eq!(update(&by_key, &list_key, NOW), Ok(Update::New { serial: 9 }));
    assert_eq!(code(of()), codes::KEY_REVOKED);
    // The other key still counts.
    let both: Vec<_> = signatures.iter().cloned().chain(other.signatures(&claim()).unwrap()).collect();
    assert!(judge(&rules, &both, &[], &lists).is_ok());
    let mut by_digest = RevocationList { serial: 10, ..by_key.clone() };
    by_digest.digests.push(RevokedDigest { digest: claim().digest, reason: reason() });
    assert_eq!(update(&by_digest, &list_key, NOW), Ok(Update::New { serial: 10 }));
    assert_eq!(code(judge(&rules, &both, &[], &lists)), codes::REVOKED);
    assert_eq!(update(&by_key, &list_key, NOW), Err(codes::REVOCATIONS_OLDER));
    // Another process, such as the daemon, sees the kept list, and a changed one when it looks again.
    let daemon = Lists::of(&store);
    assert_eq!(daemon.get(&source).unwrap().serial, 10);
    assert!(!daemon.refresh());
    let mut own = RevocationList { serial: 11, ..by_digest.clone() };
    own.keys.push(RevokedKey { key: list_public.hint(), reason: reason() });
    assert_eq!(update(&own, &list_key, NOW), Ok(Update::New { serial: 11 }));
    assert!(daemon.refresh());
    assert_eq!(daemon.get(&source).unwrap().serial, 11);
    // A key that the kept list revokes signs no further one.
    let next = RevocationList { serial: 12, ..own.clone() };
    assert_eq!(update(&next, &list_key, NOW), Err(codes::REVOCATIONS_UNSIGNED));
    // A file that was changed is none.
    let file = std::fs::read_dir(place.path().join("registry/revocations")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, "{}").unwrap();
    assert!(daemon.refresh());
    assert!(matches!(daemon.get(&source), Err(ListProblem::Missing { .. })));
}

#[test]
fn a_range_with_a_revoked_version_has_its_prereleases_too() {
    let (key, public) = pair();
    let place = tempfile::tempdir().unwrap();
    let lists = Lists::of(&store(place.path()));
    let source = RevocationSource { address: "/l".to_owned(), keys: vec![named("a.pub", &public)] };
    let mut list = RevocationList::new("acme", LATER);
    list.versions.push(RevokedVersions::of("web", "^1.2", "bad").unwrap());
    lists.update(&source, &list.signed(&key).unwrap(), NOW).unwrap().unwrap();
    let rules = TrustPolicy(vec![TrustRule { revocations: Some(source), ..rule(&[named("a.pub", &public)], 1) }]);
    for (version, is_revoked) in [("1.2.0", true), ("1.3.0-rc.1", true), ("1.1.9", false), ("2.0.0-rc.1", false)] {
        let claim = Claim { version: version.to_owned(), ..claim() };
        let (names, signatures) = (["acme/web".to_owned()], key.signatures(&claim).unwrap());
        let subject =
            Subject { reference: "r", names: &names, claim: &claim, signatures: &signatures, pinned_signers: &[] };
        let judged = rules.judge(&subject, &lists, NOW);
        assert_eq!(judged.is_err_and(|error| error.code() == codes::REVOKED), is_revoked, "{version}");
    }
    // Past its end it still revokes, and says so.
    let claim = Claim { version: "1.1.0".to_owned(), ..claim() };
    let (names, signatures) = (["acme/web".to_owned()], key.signatures(&claim).unwrap());
    let subject =
        Subject { reference: "r", names: &names, claim: &claim, signatures: &signatures, pinned_signers: &[] };
    let Ok(Judgement::Verified { lists, .. }) = rules.judge(&subject, &lists, LATER) else { panic!("it runs on") };
    assert!(matches!(lists.as_slice(), [ListProblem::Expired { serial: 1, .. }]));
}

#[test]
fn an_older_version_is_not_the_newest_of_a_range() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let reference = |selector: &str| format!("registry.example/acme/web{selector}").parse::<Reference>().unwrap();
    let seen = |wanted: &str, version: &str| Versions::remember(&store, &reference(wanted), version, false).unwrap();
    let check = |wanted: &str, version: &str| {
        let found = reference(&format!(":{version}"));
        Versions::of(&store).unwrap().check(&reference(wanted), &found, version).map_err(|error| error.code())
    };
    seen("@^1", "1.3.0");
    seen("@^2", "2.0.0");
    assert_eq!(check("@^1", "1.2.9"), Err(codes::ROLLED_BACK));
    assert_eq!(check("@^1", "1.3.0"), Ok(()));
    assert_eq!(check("@^1", "1.4.0"), Ok(()), "versions stay side by side");
    assert_eq!(check("@~1.2", "1.2.9"), Ok(()), "nothing newer is permitted");
    assert_eq!(check(":latest", "1.3.0"), Err(codes::ROLLED_BACK));
    assert_eq!(check(":1.0.0", "1.0.0"), Ok(()), "a person wants exactly this one");
    assert_eq!(check(&format!("@{}", Digest::of(b"")), "1.0.0"), Ok(()));
    // On purpose.
    Versions::remember(&store, &reference("@^1"), "1.2.0", true).unwrap();
    assert_eq!((check("@^1", "1.2.0"), check("@^1", "1.1.0")), (Ok(()), Err(codes::ROLLED_BACK)));
    assert_eq!(check("@^2", "2.0.0"), Ok(()));
    for minor in 0..200 {
        seen("@^3", &format!("3.{minor}.0"));
    }
    assert_eq!(check("@^3", "3.198.0"), Err(codes::ROLLED_BACK));
    std::fs::write(place.path().join("registry/versions.json"), "[]").unwrap();
    assert_eq!(
        Versions::of(&store).unwrap_err().code(),
        codes::REGISTRY_FILE,
        "a damaged file forgets nothing silently"
    );
}

#[test]
fn signatures_are_kept_beside_a_policy_and_bounded() {
    let place = tempfile::tempdir().unwrap();
    let store = store(place.path());
    let made = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let key = SigningKey::of_pem(&made.serialize_pem()).unwrap();
    let digest = claim().digest;
    assert!(store.signatures(&digest).unwrap().is_empty());
    let good = key.signatures(&claim()).unwrap();
    // Those that count come first; what a registry adds without end is left out.
    let flood = (0..100).map(|_| Signature::Bundle(vec![b'x'; 60 << 10]));
    let all: Vec<Signature> = good.iter().cloned().chain(flood).collect();
    store.keep_signatures(&digest, &all).unwrap();
    let kept = store.signatures(&digest).unwrap();
    assert_eq!(kept[..2], good[..]);
    let file = place.path().join("registry/signatures").join(format!("{}.json", digest.hex()));
    assert!(std::fs::metadata(&file).unwrap().len() <= 256 << 10);
    std::fs::write(&file, "no list").unwrap();
    assert!(store.signatures(&digest).unwrap().is_empty());
    // They are removed with the policy.
    store.sweep(&[]).unwrap();
    assert!(!file.exists());
}
