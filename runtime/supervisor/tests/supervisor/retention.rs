//! The audit log within its bounds: what is dropped verifies with the archive, and what an undo needs stays.

use ansai_audit::{Beginning, PendingDrop, Reader, Verifier};
use ansai_config::AuditLog;
use ansai_core::{Event, OnFailure, Outcome, Status};
use ansai_storage::Directory;

use crate::scene::Scene;
use crate::script::{Script, Step, observation};

const MOST_BYTES: u64 = 64 << 10;

fn small() -> Scene {
    let mut scene = Scene::new();
    let archive = Some(scene.path("archive"));
    scene.audit = AuditLog { keep: None, max_bytes: MOST_BYTES, archive };
    scene
}

fn log(scene: &Scene) -> Directory {
    Directory::open(scene.state_dir().join("audit")).unwrap()
}

fn bytes(scene: &Scene) -> u64 {
    let names = log(scene).names().unwrap().into_iter().filter(|name| name.ends_with(".log"));
    names.map(|name| log(scene).metadata(name).unwrap().length).sum()
}

fn well(scene: &Scene) {
    scene.script(&Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)])));
}

async fn run(scene: &Scene, times: usize) {
    for _ in 0..times {
        scene.open().run_once().await;
    }
}

#[tokio::test]
async fn the_log_stays_within_its_bounds_and_nothing_is_lost() {
    let scene = small();
    well(&scene);
    run(&scene, 100).await;
    assert!(bytes(&scene) <= MOST_BYTES, "{} bytes", bytes(&scene));
    let beginning = Beginning::read(&log(&scene)).unwrap().unwrap();
    let recorded = scene.events().into_iter().rev().find_map(|event| match event {
        Event::AuditDropped { first, archived, .. } => Some((first, archived)),
        _ => None,
    });
    assert_eq!(recorded, Some((beginning.dropped.first, true)));
    let mut verifier = Verifier::default();
    verifier.archive(Directory::open(scene.path("archive")).unwrap());
    let verified = verifier.run(log(&scene), |_| ()).unwrap();
    assert_eq!((verified.beginning, verified.records), (None, verified.head.sequence));
}

/// A crash after the drop was signed, and one after it was recorded: the next run finishes it, and records it once.
#[tokio::test]
async fn an_interrupted_drop_is_finished() {
    let scene = small();
    well(&scene);
    run(&scene, 100).await;
    let dropped = |scene: &Scene| scene.events().iter().filter(|one| matches!(one, Event::AuditDropped { .. })).count();
    let archive = Directory::open(scene.path("archive")).unwrap();
    for name in archive.names().unwrap().into_iter().filter(|name| name.ends_with(".log")) {
        // What a crash before the removal leaves.
        let content = archive.read(&name, 1 << 20).unwrap().unwrap().bytes;
        log(&scene).replace(&name, &content, ansai_storage::WriteOptions::default()).unwrap();
    }
    assert!(PendingDrop::interrupted(&log(&scene)).unwrap().is_some());
    let before = dropped(&scene);
    run(&scene, 1).await;
    assert!(PendingDrop::interrupted(&log(&scene)).unwrap().is_none());
    assert!(dropped(&scene) <= before + 1, "only what this run drops itself");
}

#[tokio::test]
async fn another_beginning_beside_the_log_is_not_opened() {
    let scene = small();
    well(&scene);
    run(&scene, 100).await;
    let older = log(&scene).read("beginning", 1_000).unwrap().unwrap().bytes;
    run(&scene, 100).await;
    let newest = log(&scene).read("beginning", 1_000).unwrap().unwrap().bytes;
    assert_ne!(older, newest);
    // With everything that the older one names: only the log itself says that there was a later one.
    let archive = Directory::open(scene.path("archive")).unwrap();
    for name in archive.names().unwrap().into_iter().filter(|name| name.ends_with(".log")) {
        let content = archive.read(&name, 1 << 20).unwrap().unwrap().bytes;
        log(&scene).replace(&name, &content, ansai_storage::WriteOptions::default()).unwrap();
    }
    log(&scene).replace("beginning", &older, ansai_storage::WriteOptions::default()).unwrap();
    let refused = scene.open_with(crate::scene::fixed(ansai_core::Mode::Enforce)).err().unwrap().to_string();
    assert!(refused.contains("an older one"), "{refused}");
    log(&scene).replace("beginning", &newest, ansai_storage::WriteOptions::default()).unwrap();
    scene.open();
}

#[tokio::test]
async fn what_an_undo_needs_stays() {
    let scene = small();
    scene.script(&Script::sick(vec![Step::mark(scene.path("mark"))], OnFailure::Stop));
    let reports = scene.open().run_once().await;
    let plan = reports[0].findings[0].plans[0].plan.clone();
    well(&scene);
    run(&scene, 100).await;
    assert!(bytes(&scene) > MOST_BYTES, "the log waits");
    let first = Reader::open(log(&scene)).unwrap().next().unwrap().unwrap().sequence;
    assert_eq!(first, 1, "the plan is in the first segment");
    let undone = scene.open().undo(&plan, None, "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Reverted), "{}", undone[0].detail);
    assert!(!scene.path("mark").exists());
}

/// The files of a plan, and what its steps captured, go with the last record of it.
#[tokio::test]
async fn plan_files_go_with_their_records() {
    let scene = small();
    // It cannot be undone.
    std::fs::write(scene.path("capture-file.content"), "captured").unwrap();
    scene.script(&Script::sick(vec![Step::reload(scene.path("capture-file"))], OnFailure::Stop));
    let plan = scene.open().run_once().await[0].findings[0].plans[0].plan.clone();
    let file = scene.state_dir().join(format!("plans/{plan}.plan.zst"));
    let evidence = || ansai_audit::Catalog::open(scene.state_dir().join("evidence")).unwrap().list().len();
    assert_eq!((file.exists(), evidence()), (true, 1));
    well(&scene);
    run(&scene, 100).await;
    assert!(bytes(&scene) <= MOST_BYTES && !file.exists());
    assert_eq!(evidence(), 0);
    let of_plan = |name: &String| name.starts_with(&plan);
    let plans = Directory::open(scene.state_dir().join("plans")).unwrap();
    assert_eq!(plans.names().unwrap().into_iter().filter(of_plan).count(), 0);
}
