//! What a step does and leaves alone, its undo and its crash, and the end of a quarantine.

use crate::*;

#[test]
fn what_changed_since_the_preview_is_left_alone() {
    let scene = Scene::new();
    let names = ["same", "written", "replaced", "touched", "linked", "opened", "locked", "d/gone", "e/moved", "led"];
    for name in names {
        scene.file(name, 100, 100);
    }
    let step = scene.select("remove", scene.selection(&["**"])).unwrap();
    assert_eq!(step.preview.items, 10);
    let at = |name: &str| scene.path.join(name);
    std::fs::write(at("written"), "new content").unwrap();
    std::fs::remove_file(at("replaced")).unwrap();
    scene.file("replaced", 100, 100);
    age(&at("touched"), scene.now - 101 * HOUR);
    std::fs::hard_link(at("linked"), at("another-name")).unwrap();
    let _open = std::fs::File::open(at("opened")).unwrap();
    let locked = std::fs::File::open(at("locked")).unwrap();
    rustix::fs::flock(&locked, rustix::fs::FlockOperation::LockExclusive).unwrap();
    std::fs::remove_dir_all(at("d")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::rename(at("e"), outside.path().join("e")).unwrap();
    symlink(outside.path().join("e"), at("e")).unwrap();
    // The same file elsewhere, with a link to it in its place.
    std::fs::rename(at("led"), outside.path().join("led")).unwrap();
    symlink(outside.path().join("led"), at("led")).unwrap();

    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.outcome, Outcome::Done);
    for (name, fate) in fates(&applied) {
        let expected = match name {
            "same" => {
                assert_eq!(fate, &Fate::Done);
                continue;
            }
            "opened" => "open",
            "locked" => "locked",
            "led" => "changed: another file has its name",
            "written" | "touched" => "changed: it was written to",
            _ => "changed",
        };
        assert!(matches!(fate, Fate::Skipped(why) if why.starts_with(expected)), "{name}: {fate:?}");
        assert!(name == "d/gone" || at(name).exists(), "{name}");
    }
    assert!(applied.detail.contains("9 skipped (changed, locked, open)"), "{}", applied.detail);
}

#[test]
fn the_scope_of_now_counts() {
    let scene = Scene::new();
    scene.file("a", 1, 100);
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    let scene = scene.with(&MIN_AGE_HOURS, 1000);
    assert_eq!(scene.begin(&step).unwrap().items[0].fate, Fate::Skipped("young".into()));
    let mut scene = scene;
    scene.scope = scene.scope.with_set(&ROOTS, ["/nowhere"]);
    assert!(matches!(scene.begin(&step), Err(Refusal::Denied(_))));
    assert!(scene.path.join("a").exists());
}

#[test]
fn stopping_ends_between_two_files() {
    let scene = Scene::new().with(&UNDO_HOURS, 0);
    scene.file("a", 1, 100);
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    scene.stop.store(true, Ordering::Relaxed);
    // The scan of processes does not end: nothing was changed.
    assert!(scene.begin(&step).is_err());
    assert!(scene.path.join("a").exists());
}

#[test]
fn protected_directories_are_not_touched() {
    let mut scene = Scene::new();
    scene.file("state/audit.log", 1, 100);
    scene.file("other.log", 1, 100);
    symlink(scene.path.join("state"), scene.path.join("by-another-way")).unwrap();
    for way in ["state", "by-another-way"] {
        scene.host = ansai_kit::host::Host::at("/").protecting(scene.path.join(way));
        let step = scene.select("remove", scene.selection(&["**/*.log"])).unwrap();
        assert_eq!(names(&step), ["other.log"]);
        let mut what = scene.selection(&["**"]);
        what["root"] = json!(format!("{}/state", scene.root));
        assert!(matches!(scene.select("remove", what), Err(Refusal::Denied(_))), "{way}");
    }
}

#[test]
fn a_crash_is_resolved_by_looking() {
    let scene = Scene::new();
    for name in ["a", "b", "c"] {
        scene.file(name, 100, 100);
    }
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    assert!(scene.resolve(&step).unwrap().items.is_empty());
    scene.begin(&step).unwrap();
    // As after a crash before the last file.
    let held = scene.path.join(".ansai-quarantine/plan7-0");
    std::fs::rename(held.join("2"), scene.path.join("c")).unwrap();
    let resolved = scene.resolve(&step).unwrap();
    assert_eq!(fates(&resolved), [("a", &Fate::Done), ("b", &Fate::Done)]);
    scene.undo(&step, &resolved.items).unwrap();
    assert_eq!(scene.tree().len(), 3);

    let scene = scene.with(&UNDO_HOURS, 0);
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    std::fs::remove_file(scene.path.join("b")).unwrap();
    assert_eq!(fates(&scene.resolve(&step).unwrap()), [("b", &Fate::Done)]);
}

#[test]
fn what_is_held_is_given_up_earliest_end_first() {
    let mut scene = Scene::new();
    for (number, name) in ["a", "b", "c"].iter().enumerate() {
        scene.file(name, 4096, 100);
        let step = scene.select("remove", scene.selection(&["*"])).unwrap();
        scene.step_id = format!("plan{number}");
        scene.now += HOUR;
        assert_eq!(scene.begin(&step).unwrap().items[0].fate, Fate::Done);
    }
    let held = scene.probe("list-held", json!({})).unwrap();
    assert_eq!((&held["complete"], &held["skipped"]), (&json!(true), &json!(0)));
    let held = &held["entries"][0];
    assert_eq!((&held["files"], &held["bytes"]), (&json!(3), &json!(12288)));
    let mount = held["mount"].clone();
    let reclaim = |enough: u64| json!({ "mount": mount, "enough-bytes": enough, "reason": "" });
    let first = scene.propose("reclaim", reclaim(4096), &[]).unwrap();
    assert_eq!(first.preview.sample, [format!("{}/a", scene.root)]);
    assert_eq!((first.preview.frees_now_bytes, first.preview.reversible), (4096, Reversibility::None));
    let second = scene.propose("reclaim", reclaim(4097), std::slice::from_ref(&first)).unwrap();
    assert_eq!(names(&second).len(), 2);
    let elsewhere = json!({ "mount": "/nowhere", "enough-bytes": 0, "reason": "" });
    assert_eq!(scene.propose("reclaim", elsewhere, &[]).unwrap().preview.items, 0);
    assert!(scene.resolve(&first).unwrap().items.is_empty());
    assert_eq!(scene.begin(&first).unwrap().items[0].freed_bytes, 4096);
    assert_eq!(scene.resolve(&first).unwrap().items.len(), 1);
    assert!(matches!(scene.undo(&first, &[]), Err(Refusal::Unsupported(_))));
}

#[test]
fn what_is_held_is_removed_when_its_time_is_over_and_not_before() {
    let mut scene = Scene::new();
    for (number, name) in ["a", "b"].iter().enumerate() {
        scene.file(name, 4096, 100);
        let step = scene.select("remove", scene.selection(&["*"])).unwrap();
        scene.step_id = format!("plan{number}");
        scene.now += HOUR;
        assert_eq!(scene.begin(&step).unwrap().items[0].fate, Fate::Done);
    }
    let expired =
        |scene: &Scene, root: &str| scene.propose("expire-held", json!({ "root": root, "reason": "" }), &[]).unwrap();
    assert_eq!(expired(&scene, &scene.root).preview.items, 0);
    assert_eq!(expired(&scene, &format!("{}/none", scene.root)).preview.items, 0, "a root that does not exist");
    scene.now += 23 * HOUR;
    let step = expired(&scene, &scene.root);
    assert_eq!(step.preview.sample, [format!("{}/a", scene.root)]);
    assert_eq!((step.preview.frees_now_bytes, step.preview.reversible), (4096, Reversibility::None));
    // Everything may change until it acts.
    scene.now -= HOUR;
    assert_eq!(fates(&scene.begin(&step).unwrap())[0].1, &Fate::Skipped("not expired".into()));
    scene.now += HOUR;
    assert!(matches!(scene.resolve(&step), Err(Refusal::Other(_))), "after a crash it is unknown");
    assert_eq!(fates(&scene.begin(&step).unwrap())[0].1, &Fate::Done);
    assert_eq!(fates(&scene.begin(&step).unwrap())[0].1, &Fate::Skipped("gone".into()));
    assert!(matches!(scene.undo(&step, &[]), Err(Refusal::Unsupported(_))));
    scene.now += HOUR;
    let step = expired(&scene, &scene.root);
    scene.scope = ansai_core::Scope::default();
    assert_eq!(fates(&scene.begin(&step).unwrap())[0].1, &Fate::Skipped("no longer granted".into()));
    assert_eq!(std::fs::read_dir(scene.path.join(".ansai-quarantine")).unwrap().count(), 1);
}

#[test]
fn targets_that_lead_out_are_not_followed() {
    let scene = Scene::new().with(&UNDO_HOURS, 0);
    scene.file("a", 1, 100);
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    std::fs::write(&victim, "x").unwrap();
    let step = scene.select("remove", scene.selection(&["*"])).unwrap();
    for path in ["../victim", "/etc/passwd", "a/../../x", "\\x2e\\x2e/victim"] {
        let mut targets: serde_json::Value = serde_json::from_str(step.targets.get()).unwrap();
        targets["files"][0]["path"] = json!(path);
        let forged = ansai_kit::action::Proposed { targets: raw(&targets), ..step.clone() };
        assert!(matches!(scene.begin(&forged).unwrap().items[0].fate, Fate::Failed(_)), "{path}");
    }
    assert!(victim.exists() && scene.path.join("a").exists());
    let mut targets: serde_json::Value = serde_json::from_str(step.targets.get()).unwrap();
    targets["more"] = json!(1);
    let forged = ansai_kit::action::Proposed { targets: raw(&targets), ..step };
    assert!(matches!(scene.begin(&forged), Err(Refusal::Invalid(_))));
}

/// A bound of 0 permits nothing, not even files without content.
#[test]
fn no_file_is_within_a_bound_of_zero() {
    for field in ["files", "bytes"] {
        let scene = Scene::new();
        for name in ["empty.log", "full.log", "empty.log.1"] {
            scene.file(name, if name.starts_with("full") { 100_000 } else { 0 }, 100);
        }
        let scene = match field {
            "files" => scene.with(&MAX_FILES, 0),
            _ => scene.with(&MAX_BYTES, 0),
        };
        for verb in ["remove", "compress", "rotate"] {
            let mut arguments = json!({ "what": scene.selection(&["**"]), "reason": "" });
            if verb == "rotate" {
                arguments["keep"] = 5.into();
            }
            let step = scene.propose(verb, arguments, &[]).unwrap();
            assert_eq!(step.preview.items, 0, "{verb} {field}");
        }
    }
}

/// What a step leaves alone is not used; what it tried and could not do is.
#[test]
fn a_step_uses_what_it_did_not_leave_alone() {
    let scene = Scene::new();
    for name in ["a", "b", "c"] {
        scene.file(name, 4096, 100);
    }
    let step = scene.select("remove", scene.selection(&["**"])).unwrap();
    assert_eq!(scene.amounts(&step, None), [3, 3 * 4096]);
    std::fs::write(scene.path.join("b"), "new").unwrap();
    let applied = scene.begin(&step).unwrap();
    assert_eq!(scene.amounts(&step, Some(&applied.items)), [2, 2 * 4096]);
    let failed: Vec<Item> =
        applied.items.into_iter().map(|item| Item { fate: Fate::Failed("no".into()), ..item }).collect();
    assert_eq!(scene.amounts(&step, Some(&failed)), [3, 3 * 4096]);
}
