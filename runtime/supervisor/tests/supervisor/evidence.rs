//! What a step captures is kept, masked, with its hash in the audit log; a crash leaves nothing without one.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use ansai_audit::{Catalog, Class, RecordingId, Recordings, Retention};
use ansai_core::event::{EvidenceDrop, EvidenceRef};
use ansai_core::{Event, InstanceName, Mode, OnFailure, Outcome};
use ansai_kit::secret::SecretSource;
use ansai_kit::target::{Reach, TargetAccess};
use ansai_storage::Directory;
use ansai_supervisor::authority::{EffectiveGrants, Fixed};

use crate::killed;
use crate::scene::{ONE, Scene, all_grants, eventually};
use crate::script::{Call, Script, Step};

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { Scene::at(&place).open().run_once().await });
}

/// A scene whose one step captures this, so many times.
fn capturing(scene: &Scene, content: &[u8], lingers_ms: u64) {
    let path = scene.path("capture-journal");
    std::fs::write(path.with_extension("content"), content).unwrap();
    scene.script(&Script::sick(vec![Step::new(Call::Mark, lingers_ms, 0, path)], OnFailure::Stop));
}

/// What the audit log names, and with it what ansai removed.
fn recorded(scene: &Scene) -> (Vec<EvidenceRef>, BTreeMap<String, EvidenceDrop>) {
    let (mut named, mut dropped) = (Vec::new(), BTreeMap::new());
    for event in scene.events() {
        match event {
            Event::Outcome { evidence, .. } => named.extend(evidence),
            Event::EvidenceDropped { ids, why } => dropped.extend(ids.into_iter().map(|id| (id, why))),
            _ => {}
        }
    }
    (named, dropped)
}

fn catalog(scene: &Scene) -> Catalog {
    Catalog::open(scene.state_dir().join("evidence")).unwrap()
}

fn content(scene: &Scene, named: &EvidenceRef) -> String {
    let sha256: [u8; 32] = hex::decode(&named.sha256).unwrap().try_into().unwrap();
    let id: RecordingId = named.id.parse().unwrap();
    String::from_utf8(catalog(scene).get_verified(&id, &sha256).unwrap()).unwrap()
}

/// What is stored has a hash in the audit log, and what that names is stored.
fn all_is_recorded(scene: &Scene) {
    let (named, _) = recorded(scene);
    let mut stored: Vec<String> = catalog(scene).list().iter().map(|one| one.id.to_string()).collect();
    let mut names: Vec<String> = named.iter().map(|one| one.id.clone()).collect();
    names.sort();
    stored.sort();
    assert_eq!(stored, names);
    for one in &named {
        content(scene, one);
    }
}

#[tokio::test]
async fn it_is_kept_masked_private_and_named_in_the_log() {
    let scene = Scene::new();
    capturing(&scene, b"nginx: password=topsecret9 \xff\n", 0);
    let reports = scene.open().run_once().await;
    let step = &reports[0].findings[0].plans[0].steps[0];
    let (named, dropped) = recorded(&scene);
    assert_eq!((named.len(), &step.evidence, dropped.len()), (1, &named, 0));
    assert_eq!(content(&scene, &named[0]), "nginx: password=*** \\xFF\n");
    assert_eq!(named[0].bytes.get(), 25);
    let directory = scene.state_dir().join("evidence");
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(&directory).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(9).any(|part| part == b"topsecret"));
    }
    scene.finish().await;
}

/// A target of the instance, whose secret is in this file.
fn with_secret(file: &std::path::Path) -> Fixed {
    let secret = Some(SecretSource::File(file.to_owned()));
    let target = TargetAccess { secret, ..TargetAccess::new("main-db", "postgresql", vec![]) };
    let all = Arc::new(BTreeMap::from([("main-db".to_owned(), target)]));
    let one: InstanceName = ONE.parse().unwrap();
    let reach = Reach::new(one.clone(), all, ["main-db".to_owned()]);
    Fixed::new([(one, EffectiveGrants { reach, ..all_grants(Mode::Enforce) })])
}

/// Would break: a secret that cannot be read and is therefore kept in clear.
#[tokio::test]
async fn while_a_secret_is_unknown_nothing_is_kept() {
    for is_known in [false, true] {
        let scene = Scene::new();
        capturing(&scene, b"login with hunter22-hunter22", 0);
        let secret = scene.path("secret");
        std::fs::write(&secret, "hunter22-hunter22").unwrap();
        let mode = if is_known { 0o600 } else { 0o644 };
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        let reports = scene.open_with(with_secret(&secret)).unwrap().run_once().await;
        let step = &reports[0].findings[0].plans[0].steps[0];
        let (named, _) = recorded(&scene);
        if is_known {
            assert_eq!(content(&scene, &named[0]), "login with ***");
        } else {
            let why =
                "the secret of target `main-db` cannot be masked: it cannot be read: secret-exposed (unmasked-secret)";
            assert!(step.detail.contains(why), "{}", step.detail);
            assert_eq!((named, catalog(&scene).list().len(), step.outcome), (vec![], 0, Some(Outcome::Done)));
        }
        scene.finish().await;
    }
}

/// Would break: adopting what nothing proves, or a step that fails because an earlier run kept something.
#[tokio::test]
async fn what_a_crash_left_without_a_record_is_removed_and_captured_again() {
    let scene = Scene::new();
    capturing(&scene, b"what was there", 600_000);
    let killed = killed::start("evidence::the_process_that_is_killed", &scene);
    eventually(|| scene.text("history").contains("mark").then_some(())).await;
    drop(killed);
    let intent = |event| match event {
        Event::Intent(intent) => Some(intent.plan),
        _ => None,
    };
    let plan = scene.events().into_iter().find_map(intent).unwrap();
    // As if it was killed after the file was written, and before the outcome was recorded. Somebody changed the file.
    let directory = Directory::open(scene.state_dir().join("evidence")).unwrap();
    let mut store = Recordings::open(directory, Retention::default()).unwrap();
    let id = |number| format!("0123456789abcdef.{plan}.0.{number}");
    for number in [0, 5] {
        store.put(&id(number).parse().unwrap(), "one", Class::Evidence, b"forged").unwrap();
    }
    drop(store);

    scene.open().recover().await;
    let (named, dropped) = recorded(&scene);
    assert_eq!((named.len(), dropped.len()), (1, 2));
    assert!(dropped.values().all(|why| *why == EvidenceDrop::Unrecorded));
    assert_eq!(content(&scene, &named[0]), "what was there", "the action found it again");
    all_is_recorded(&scene);
    scene.finish().await;
}

/// Killed somewhere from the first file on: before the record, most of the time.
#[tokio::test]
async fn a_crash_between_the_files_and_the_record_leaves_nothing_unrecorded() {
    for _ in 0..3 {
        let scene = Scene::new();
        let path = scene.path("capture-many");
        std::fs::write(path.with_extension("content"), "a line with password=topsecret9\n".repeat(60_000)).unwrap();
        scene.script(&Script::sick(vec![Step::mark(&path)], OnFailure::Stop));
        let killed = killed::start("evidence::the_process_that_is_killed", &scene);
        let directory = scene.state_dir().join("evidence");
        let first = || {
            let files = std::fs::read_dir(&directory).ok()?;
            files.flatten().any(|one| one.file_name().to_string_lossy().ends_with(".zst")).then_some(())
        };
        eventually(first).await;
        drop(killed);
        scene.open().recover().await;
        all_is_recorded(&scene);
        assert!(recorded(&scene).0.iter().all(|one| !content(&scene, one).contains("topsecret")));
        scene.finish().await;
    }
}

#[tokio::test]
async fn an_item_that_was_changed_is_detected() {
    let scene = Scene::new();
    capturing(&scene, b"what was there", 0);
    scene.open().run_once().await;
    let (named, _) = recorded(&scene);
    let id: RecordingId = named[0].id.parse().unwrap();
    let mut files = std::fs::read_dir(scene.state_dir().join("evidence")).unwrap().flatten().map(|one| one.path());
    let file = files.find(|path| path.to_string_lossy().contains(&named[0].id)).unwrap();
    let other = zstd::bulk::compress(b"what was them", 3).unwrap();
    std::fs::write(&file, other).unwrap();
    let sha256: [u8; 32] = hex::decode(&named[0].sha256).unwrap().try_into().unwrap();
    let refused = catalog(&scene).get_verified(&id, &sha256);
    assert!(matches!(refused, Err(ansai_audit::GetError::Tampered { .. })), "{refused:?}");
    scene.finish().await;
}
