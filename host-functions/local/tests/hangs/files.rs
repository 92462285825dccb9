//! Probes and actions on files: below a dead mount they are refused, beside it they answer as before.

use std::sync::Arc;

use ansai_core::Refusal;
use ansai_harness::fuse::Options;
use ansai_harness::{Fuse, with_own_mounts};
use serde_json::{Value, json};

use crate::files_scene::Scene;
use crate::{probe, returns};

const VERBS: [&str; 3] = ["remove", "compress", "rotate"];

fn is_silent<T: std::fmt::Debug>(answer: &Result<T, Refusal>) {
    assert!(matches!(answer, Err(Refusal::TimedOut(_) | Refusal::Unavailable(_))), "{answer:?}");
}

/// Every probe of files, by its name and arguments.
fn probes(scene: &Scene) -> Vec<(&'static str, Value)> {
    let query = json!({ "what": scene.query(&["**"]), "cursor": null });
    vec![
        ("largest-directories", json!({ "root": scene.root, "depth": 1, "cursor": null })),
        ("list-files", query.clone()),
        ("measure-files", query),
        ("locate", json!({ "root": scene.root })),
    ]
}

#[test]
fn every_probe_and_preview_of_files_on_a_dead_mount_is_refused() {
    with_own_mounts("files::every_probe_and_preview_of_files_on_a_dead_mount_is_refused", || {
        let fuse = Fuse::dead();
        for root in [fuse.path().to_owned(), fuse.path().join("directory")] {
            let scene = Arc::new(Scene::at(&root));
            for (function, arguments) in probes(&scene) {
                let scene = scene.clone();
                is_silent(&returns(move || scene.probe(function, arguments)));
            }
            for verb in VERBS {
                let scene = scene.clone();
                let proposed = returns(move || scene.select(verb, scene.selection(&["**"])).map(|_| ()));
                assert!(proposed.is_err(), "{verb}: {proposed:?}");
            }
            let held = scene.clone();
            let list = returns(move || held.probe("list-held", json!({})));
            assert!(!list.as_ref().is_ok_and(|list| list["complete"] == true), "{list:?}");
        }
        fuse.revive();
    });
}

#[test]
fn files_beside_a_dead_mount_are_as_they_were() {
    with_own_mounts("files::files_beside_a_dead_mount_are_as_they_were", || {
        let scene = Scene::new();
        scene.file("a.log", 4096, 1000);
        scene.file("d/b.log", 4096, 1000);
        let point = scene.path.join("mounted");
        std::fs::create_dir(&point).unwrap();
        let fuse = Fuse::with(Options { point: Some(point), ..Options::default() });
        // The process that has a file there open is this one.
        let _held = std::fs::File::open(fuse.path().join("file")).unwrap();
        let scene = Arc::new(scene);
        let answers = |scene: &Arc<Scene>| -> Vec<Value> {
            let ask = |(function, arguments)| {
                let scene = scene.clone();
                returns(move || scene.probe(function, arguments)).unwrap()
            };
            probes(scene).into_iter().map(ask).collect()
        };
        let before = answers(&scene);
        fuse.die();
        assert_eq!(answers(&scene), before);
        let acting = scene.clone();
        let applied = returns(move || {
            let step = acting.select("remove", acting.selection(&["*.log"])).unwrap();
            acting.begin(&step).unwrap()
        });
        assert_eq!(applied.items.len(), 1, "{applied:?}");
        assert!(!scene.path.join("a.log").exists(), "{applied:?}");
        fuse.revive();
    });
}

#[test]
fn a_mount_that_dies_after_the_preview_is_not_acted_on() {
    with_own_mounts("files::a_mount_that_dies_after_the_preview_is_not_acted_on", || {
        let fuse = Fuse::new();
        let scene = Arc::new(Scene::at(fuse.path()));
        let acting = scene.clone();
        let step = returns(move || acting.select("remove", acting.selection(&["**"]))).unwrap();
        fuse.die();
        is_silent(&returns(move || scene.begin(&step)));
        fuse.revive();
    });
}

/// Would break: a root that is opened on the thread that asks.
#[test]
fn a_mount_that_dies_between_the_look_and_the_use_keeps_one_thread_waiting() {
    with_own_mounts("files::a_mount_that_dies_between_the_look_and_the_use_keeps_one_thread_waiting", || {
        let fuse = Fuse::new();
        let scene = Arc::new(Scene::at(fuse.path()));
        let (_, query) = probes(&scene).remove(1);
        let asked = (scene.clone(), query.clone());
        assert!(returns(move || asked.0.probe("list-files", asked.1)).is_ok());
        fuse.die_when_opened();
        for _ in 0..3 {
            let asked = (scene.clone(), query.clone());
            is_silent(&returns(move || asked.0.probe("list-files", asked.1)));
        }
        let waiting = std::fs::read_dir("/proc/self/task").unwrap().filter(|task| {
            let name = std::fs::read_to_string(task.as_ref().unwrap().path().join("comm")).unwrap_or_default();
            name.trim() == "ansai-detached"
        });
        assert_eq!(waiting.count(), 1, "nobody asks again");
    });
}

/// What is not about files either: nothing else on this machine is kept waiting.
#[test]
fn all_other_probes_answer_beside_a_dead_mount() {
    with_own_mounts("files::all_other_probes_answer_beside_a_dead_mount", || {
        let fuse = Fuse::new();
        let _held = std::fs::File::open(fuse.path().join("file")).unwrap();
        fuse.die();
        for function in ["load", "cpu", "memory", "uptime"] {
            assert!(probe("ansai:system/system-probe", function).is_ok(), "{function}");
        }
        let _ = probe("ansai:journal/journal-probe", "usage");
        let _ = probe("ansai:packages/package-cache-probe", "list-caches");
        assert!(probe("ansai:files/files-probe", "list-deleted-open").is_ok());
        fuse.revive();
    });
}
