//! The index of policies: signed, read from files and web servers, never older than before, and pages in which texts of authors are
//! texts.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ansai_core::codes;
use ansai_harness::browser::Browser;
use ansai_harness::server::oci::{LyingRegistry, Say};
use ansai_registry::index::{
    Chaos, ChaosFile, FILE_NAME, Index, Known, Listed, MOST_BYTES, Place, Scenarios, Signer, Version, pages,
};
use ansai_registry::{Connection, Limits, PublicKey, SigningKey};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};

use crate::artifact::store;

fn key() -> (SigningKey, [PublicKey; 1]) {
    let key = SigningKey::of_pem(&KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem()).unwrap();
    let public = key.public();
    (key, [public])
}

fn version(version: &str) -> Version {
    Version {
        version: version.to_owned(),
        digest: Some(format!("sha256:{}", "1".repeat(64))),
        component: "2".repeat(64),
        bytes: 164 << 10,
        imports: vec!["ansai:disk/disk-probe@0.2.0".to_owned()],
        abilities: vec!["see how full file systems are".to_owned()],
        languages: vec!["Rust".to_owned()],
        signers: vec![Signer { name: "acme".to_owned(), key: "key".to_owned() }],
        is_reproduced: true,
        scenarios: Some(Scenarios { count: 3, passed: 3 }),
        chaos: None,
    }
}

/// What a policy did about two faults.
fn chaos() -> Chaos {
    let file = json!({ "format": 1, "measured": "2026-11-30, AMD EPYC, 2 cores", "faults": [
        { "policy": "disk-space", "fault": "disk-fill", "what": "an upload fills a file system to 92 %", "found_ms": 34_000,
          "healed_ms": 34_000, "damage": 0, "false_alarms": 0 },
        { "policy": "disk-space", "fault": "memory-leak", "what": "the application leaks 8 MB an hour",
          "found_ms": 111_600_000, "healed_ms": null, "is_simulated": true, "damage": 0, "false_alarms": 1 },
    ] });
    ChaosFile::read(file.to_string().as_bytes()).unwrap().of("disk-space").unwrap()
}

fn listed(name: &str, description: &str) -> Listed {
    Listed {
        name: name.to_owned(),
        repository: Some(format!("registry.example/acme/{name}")),
        description: description.to_owned(),
        versions: vec![version("1.1.0"), version("1.0.0")],
    }
}

fn index(serial: u64) -> Index {
    let policies = vec![listed("web-log", "Frees space of logs"), listed("disk-space", "Cleans what fills a disk")];
    Index::new(serial, "Policies", policies)
}

/// Would break: figures that stop or swell an index, and an index of before that cannot be read any more.
#[test]
fn figures_of_a_chaos_board_are_read_and_hostile_ones_refused() {
    let board = chaos();
    assert_eq!(board.summary(), "heals 1 of 2 faults");
    assert_eq!((board.faults[0].found(), board.faults[0].healed()), ("34 s".to_owned(), "34 s".to_owned()));
    assert_eq!(
        (board.faults[1].found(), board.faults[1].healed()),
        ("1 d 7 h (simulated)".to_owned(), "no".to_owned())
    );
    let (key, keys) = key();
    let mut with = listed("disk-space", "");
    with.versions[0].chaos = Some(board);
    let sealed = Index::new(1, "Policies", vec![with.clone(), listed("web", "")]).seal(&key).unwrap();
    assert_eq!(Index::open(&sealed, &keys).unwrap().policies[0], with);
    assert!(
        serde_json::from_value::<Version>(serde_json::to_value(version("1.0.0")).unwrap()).unwrap().chaos.is_none()
    );

    let fault = |more: &str| {
        format!(
            r#"{{"policy":"a","fault":"f","what":"w","found_ms":1,"healed_ms":2,"damage":0,"false_alarms":0{more}}}"#
        )
    };
    let file = |faults: &str| format!(r#"{{"format":1,"measured":"m","faults":[{faults}]}}"#);
    assert!(ChaosFile::read(file(&fault("")).as_bytes()).unwrap().of("b").is_none());
    for (what, text) in [
        ("no JSON", "\u{0}".to_owned()),
        ("another format", file("").replace("\"format\":1", "\"format\":2")),
        ("unknown key", file(&fault(r#","x":1"#))),
        ("negative", file(&fault("").replace("\"found_ms\":1", "\"found_ms\":-1"))),
        ("infinite", file(&fault("").replace("\"found_ms\":1", "\"found_ms\":1e999"))),
        ("healed before it was found", file(&fault("").replace("\"found_ms\":1", "\"found_ms\":3"))),
        ("many", file(&vec![fault(""); 101].join(","))),
        ("large", file(&fault("").replace("\"w\"", &format!("\"{}\"", "w".repeat(70_000))))),
        ("nested", "[".repeat(10_000)),
    ] {
        let why = ChaosFile::read(text.as_bytes()).unwrap_err();
        assert!(why.len() < 300 && !why.contains(char::is_control), "{what}: {why}");
    }
    let evil = ChaosFile::read(file(&fault("").replace("\"w\"", r#""\u001b[2J<b>""#)).as_bytes()).unwrap();
    assert!(!evil.of("a").unwrap().faults[0].what.contains('\u{1b}'));
}

#[test]
fn only_what_the_key_has_signed_is_read() {
    let ((key, keys), (_, others)) = (key(), self::key());
    let sealed = index(1).seal(&key).unwrap();
    assert_eq!(Index::open(&sealed, &keys).unwrap(), index(1));
    assert_eq!(Index::open(&sealed, &others).unwrap_err(), "is not signed by its key");
    assert_eq!(Index::open(&sealed, &[]).unwrap_err(), "is not signed by its key");
    let envelope: Value = serde_json::from_slice(&sealed).unwrap();
    let other = serde_json::to_vec(&index(2)).unwrap();
    let other = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, other);
    for (pointer, value, why) in [
        ("/payload", json!(other), "is not signed by its key"),
        ("/signatures", json!([]), "is not signed by its key"),
        ("/signatures/0/sig", json!("AAAA"), "is not signed by its key"),
        ("/payloadType", json!("application/vnd.in-toto+json"), "is not a signed index"),
        ("/payload", json!(7), "is not a signed index"),
        ("/signatures", json!(7), "is not a signed index"),
        ("/signatures", json!([{}, {}, {}, {}, {}, {}, {}, {}, { "sig": "AAAA" }]), "is not signed by its key"),
    ] {
        let mut changed = envelope.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_eq!(Index::open(changed.to_string().as_bytes(), &keys).unwrap_err(), why, "{pointer}");
    }
    // What is besides is ignored, not kept.
    let mut more = envelope.clone();
    more["x"] = json!(vec![json!([]); 1_000]);
    more["signatures"][0]["keyid"] = json!("acme");
    assert_eq!(Index::open(more.to_string().as_bytes(), &keys).unwrap(), index(1));
    let newer = Index { format: 2, ..index(1) };
    let why = Index::open(&newer.seal(&key).unwrap(), &keys).unwrap_err();
    assert_eq!(why, "has format 2; this ansai reads format 1");
    let huge = vec![b' '; usize::try_from(MOST_BYTES).unwrap() + 1];
    assert!(Index::open(&huge, &keys).unwrap_err().contains("larger"));
}

#[test]
fn words_find_policies_and_names_first() {
    let index = index(1);
    let names = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        index.search(&words).iter().map(|one| one.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["SPACE"]), ["disk-space", "web-log"]);
    assert_eq!(names(&["log"]), ["web-log"]);
    assert_eq!(names(&["disk", "cleans"]), ["disk-space"]);
    assert_eq!(names(&["rust", "file systems"]), ["disk-space", "web-log"]);
    assert_eq!(names(&["nothing"]), Vec::<String>::new());
    assert_eq!(names(&[]).len(), 2);
    assert_eq!(index.named("registry.example/acme/web-log").len(), 1);
    assert_eq!(index.named("web").len(), 0);
}

#[test]
fn an_index_comes_from_a_file_or_a_web_server_and_is_never_older_than_before() {
    let (key, keys) = key();
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory.path().join("state"));
    let file = directory.path().join(FILE_NAME);
    let served = Arc::new(Mutex::new(Vec::new()));
    let now = served.clone();
    let server = LyingRegistry::start(Arc::new(move |_, path, _| match path {
        "/policies/index.json" => Say::Answer(200, String::new(), now.lock().unwrap().clone()),
        "/away" => Say::Answer(302, "location: http://169.254.169.254/index.json\r\n".to_owned(), Vec::new()),
        "/silent" => Say::Raw(Box::new(|_| std::thread::sleep(Duration::from_secs(3)))),
        "/packed" => Say::Answer(200, "content-encoding: gzip\r\n".to_owned(), vec![1]),
        _ => Say::Answer(404, String::new(), Vec::new()),
    }));
    let at = |path: &str| Place::from(format!("http://{}{path}", server.host()).as_str());
    for place in [Place::from(file.to_str().unwrap()), at("/policies/index.json")] {
        let publish = |serial: u64| {
            let sealed = index(serial).seal(&key).unwrap();
            std::fs::write(&file, &sealed).unwrap();
            *served.lock().unwrap() = sealed;
        };
        let read = || {
            let index = place.read(&Connection::default(), &keys)?;
            Known::of(&store)?.accept(&store, &place, &index).map(|()| index.serial)
        };
        publish(3);
        assert_eq!(read().unwrap(), 3);
        assert_eq!(read().unwrap(), 3);
        publish(2);
        let older = read().unwrap_err();
        assert_eq!(older.code(), codes::BAD_INDEX);
        assert!(older.to_string().contains("has serial 2, and this host has read serial 3"), "{older}");
        publish(4);
        assert_eq!(read().unwrap(), 4);
        let foreign = place.read(&Connection::default(), &self::key().1).unwrap_err();
        assert_eq!(foreign.code(), codes::BAD_INDEX);
    }
    let refused = |place: Place| place.read(&Connection::default(), &keys).unwrap_err().code();
    assert_eq!(refused(at("/none")), codes::NOT_IN_REGISTRY);
    assert_eq!(refused(at("/away")), codes::REGISTRY_REDIRECT);
    assert_eq!(refused(at("/packed")), codes::REGISTRY_ENCODING);
    // The limit is that of a small answer, not that of a component.
    let limits = Limits { answer: Duration::from_millis(500), ..Limits::default() };
    let late = at("/silent").read(&Connection { limits, ..Connection::default() }, &keys).unwrap_err();
    assert_eq!(late.code(), codes::REGISTRY_TIMEOUT);
    assert_eq!(refused(Place::from("http://192.0.2.1/index.json")), codes::REGISTRY_WITHOUT_TLS);
    assert_eq!(refused(Place::from("/nonexistent/index.json")), codes::BAD_INDEX);
    std::fs::write(directory.path().join("state/registry/indexes.json"), "[").unwrap();
    assert_eq!(Known::of(&store).unwrap_err().code(), codes::REGISTRY_FILE);
}

/// Would break: a description that is markup, or a name that leaves the directory.
#[test]
fn pages_show_texts_of_authors_as_text() {
    let evil = "</title><script>alert(1)</script>\" onclick='x' & \u{202e}\u{1b}[2J\n";
    let mut policy = listed("../../etc/passwd", evil);
    policy.repository = Some("registry.example:5000/../<b>".to_owned());
    policy.versions[0].version = evil.to_owned();
    policy.versions[0].component = evil.to_owned();
    policy.versions[0].signers[0].name = evil.to_owned();
    policy.versions[0].languages = vec![evil.to_owned()];
    policy.versions[0].abilities = vec![evil.to_owned()];
    policy.versions[0].imports = vec![evil.to_owned()];
    let mut board = chaos();
    (board.measured, board.faults[0].fault, board.faults[1].what) = (evil.to_owned(), evil.to_owned(), evil.to_owned());
    policy.versions[0].chaos = Some(board);
    let twice = Listed { repository: Some("REGISTRY.example/5000/../<b>".to_owned()), ..policy.clone() };
    let local = Listed { repository: None, name: "index".to_owned(), ..policy.clone() };
    let found = pages(&Index::new(1, evil, vec![policy, twice, local]));
    assert_eq!(found.len(), 4);
    let mut names: Vec<String> = found.iter().map(|page| page.name.to_lowercase()).collect();
    names.dedup();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 4, "{names:?}");
    for page in &found {
        assert!(!page.text.contains("<pre>"), "a place that is none is not offered for copying");
        assert!(
            page.name.ends_with(".html") && !page.name.contains('/') && !page.name.starts_with('.'),
            "{}",
            page.name
        );
        assert!(!page.text.contains("<script") && !page.text.contains("<b>"), "{}", page.text);
        assert!(!page.text.contains("onclick='") && !page.text.contains('\u{1b}') && !page.text.contains('\u{202e}'));
        assert!(page.text.contains("default-src 'none'"));
    }
}

/// Would break: pages that cannot be read on a phone or in the dark.
#[test]
fn pages_look_as_they_did() {
    let Some(browser) = Browser::new() else { return };
    let mut failing =
        listed("web-log", "Frees the space of log files that a web server keeps open after they were removed");
    failing.versions[0].scenarios = Some(Scenarios { count: 12, passed: 11 });
    failing.versions[0].languages = vec!["Go".to_owned()];
    let mut unsigned =
        listed("database-backup", "Warns of backups that are missing, too small, or older than they should be");
    unsigned
        .versions
        .iter_mut()
        .for_each(|one| (one.signers, one.is_reproduced, one.scenarios) = (Vec::new(), false, None));
    let mut measured = listed("disk-space", "Cleans what fills a disk: old logs, caches, images");
    measured.versions[0].chaos = Some(chaos());
    let policies = vec![measured, failing, unsigned];
    let found = pages(&Index::new(7, "Policies of ACME", policies));
    let page = |name: &str| found.iter().find(|page| page.name.contains(name)).unwrap().text.as_str();
    let (overview, policy) = (page("index"), page("disk-space"));
    let dark = "--blink-settings=preferredColorScheme=0";
    let kept = [
        ("overview", overview, (1_000, 560), None),
        ("overview-phone", overview, (390, 760), None),
        ("overview-phone-dark", overview, (390, 760), Some(dark)),
        ("policy", policy, (1_000, 1_300), None),
        ("policy-phone", policy, (390, 1_700), None),
        ("policy-dark", policy, (1_000, 1_300), Some(dark)),
    ];
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry/pictures");
    let wrong = browser.differing(&pictures, &kept);
    assert!(wrong.is_empty(), "{wrong:#?}\nlook at them, then ANSAI_WRITE_REFERENCE=1 keeps them");
}
