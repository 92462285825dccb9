//! `list-held`: a quarantine that cannot be read is counted, and hides no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use std::path::{Path, PathBuf};

use ansai_core::Reversibility;
use ansai_local::files::fields::ROOTS;
use files_scene::*;
use serde_json::{Value, json};

/// A separate host with a mount table and two granted directories, `/data` and `/other`.
fn scene() -> Scene {
    let mut scene = Scene::fixture();
    let host = host(&scene);
    std::fs::write(host.join("proc/1/mountinfo"), "1 0 0:99999 / / rw - ext4 /dev/a rw\n").unwrap();
    std::fs::create_dir(host.join("other")).unwrap();
    scene.scope = scene.scope.with_set(&ROOTS, ["/data", "/other"]);
    scene
}

fn host(scene: &Scene) -> PathBuf {
    scene.path.parent().unwrap().to_owned()
}

/// Quarantines one file of this directory of the host in a step of this name.
fn quarantine(scene: &mut Scene, directory: &str, step_id: &str) {
    let path = host(scene).join(&directory[1..]).join(format!("{step_id}.log"));
    std::fs::write(&path, [1; 4096]).unwrap();
    age(&path, scene.now - 100 * HOUR);
    let mut what = scene.selection(&["*.log"]);
    what["root"] = json!(directory);
    let step = scene.select("remove", what).unwrap();
    assert_eq!(names(&step), [format!("{step_id}.log")]);
    scene.step_id = step_id.into();
    scene.begin(&step).unwrap();
    assert!(!path.exists());
}

fn index(scene: &Scene, directory: &str, step_id: &str) -> PathBuf {
    host(scene).join(&directory[1..]).join(".ansai-quarantine").join(step_id).join("index.json")
}

/// Files, `complete` and `skipped`.
fn held(scene: &Scene) -> (u64, bool, u64) {
    let held = scene.probe("list-held", json!({})).unwrap();
    let files = held["entries"].as_array().unwrap().iter().map(|one| one["files"].as_u64().unwrap()).sum();
    (files, held["complete"].as_bool().unwrap(), held["skipped"].as_u64().unwrap())
}

#[test]
fn a_step_that_cannot_be_read_hides_no_other() {
    let mut scene = scene();
    assert_eq!(held(&scene), (0, true, 0));
    for step_id in ["plan1-0", "plan2-0", "plan3-0"] {
        quarantine(&mut scene, "/data", step_id);
    }
    assert_eq!(held(&scene), (3, true, 0));
    std::fs::write(index(&scene, "/data", "plan2-0"), "{").unwrap();
    assert_eq!(held(&scene), (2, false, 1));
    std::fs::remove_file(index(&scene, "/data", "plan1-0")).unwrap();
    assert_eq!(held(&scene), (1, false, 2));
    // What is deleted for good is then not all that there may be.
    let reclaim = json!({ "mount": "/", "enough-bytes": 0, "reason": "a test" });
    let preview = scene.propose("reclaim", reclaim, &[]).unwrap().preview;
    assert_eq!((preview.items, preview.complete, preview.reversible), (1, false, Reversibility::None));
    let expire = json!({ "root": "/data", "reason": "a test" });
    assert!(!scene.propose("expire-held", expire, &[]).unwrap().preview.complete);
}

#[test]
fn a_quarantine_that_cannot_be_read_hides_no_other() {
    let mut scene = scene();
    quarantine(&mut scene, "/data", "plan1-0");
    quarantine(&mut scene, "/other", "plan2-0");
    assert_eq!(held(&scene), (2, true, 0));
    // Others could have put files into it.
    mode(&host(&scene).join("other/.ansai-quarantine"), 0o755);
    assert_eq!(held(&scene), (1, false, 1));
    mode(&host(&scene).join("other/.ansai-quarantine"), 0o700);
    assert_eq!(held(&scene), (2, true, 0));
}

/// Would break: an expiry by the roots of whoever the quarantine was moved to.
#[test]
fn a_quarantine_that_was_moved_below_another_root_is_left_alone() {
    let mut scene = scene();
    quarantine(&mut scene, "/data", "plan1-0");
    let file = index(&scene, "/data", "plan1-0");
    let mut content: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    content["until"] = json!(1);
    std::fs::write(&file, content.to_string()).unwrap();
    let expire = |root: &str| {
        let preview = scene.propose("expire-held", json!({ "root": root, "reason": "a test" }), &[]).unwrap().preview;
        (preview.items, preview.complete)
    };
    assert_eq!((expire("/data"), expire("/other")), ((1, true), (0, true)));
    let host = host(&scene);
    std::fs::rename(host.join("data/.ansai-quarantine"), host.join("other/.ansai-quarantine")).unwrap();
    assert_eq!((expire("/data"), expire("/other")), ((0, true), (0, false)));
}

#[test]
fn what_has_no_quarantine_is_not_counted() {
    let mut scene = scene();
    quarantine(&mut scene, "/data", "plan1-0");
    let host = host(&scene);
    // A mount point can be a file, or hidden by another mount.
    std::fs::write(host.join("data/file"), "").unwrap();
    let table = "1 0 0:9 / / rw - ext4 /dev/a rw\n2 1 0:9 /f /data/file rw - ext4 /dev/a rw\n3 1 0:8 / /data/gone rw - xfs /dev/b rw\n";
    std::fs::write(host.join("proc/1/mountinfo"), table).unwrap();
    // A granted directory need not exist.
    std::fs::remove_dir(host.join("other")).unwrap();
    // A step that just begins has no index, and neither has what is not a step.
    std::fs::create_dir(host.join("data/.ansai-quarantine/plan9-0")).unwrap();
    std::fs::write(host.join("data/.ansai-quarantine/note"), "").unwrap();
    assert_eq!(held(&scene), (1, true, 0));
}

#[test]
fn without_the_mount_table_the_list_is_not_complete() {
    let mut scene = scene();
    quarantine(&mut scene, "/data", "plan1-0");
    std::fs::remove_file(host(&scene).join("proc/1/mountinfo")).unwrap();
    assert_eq!(held(&scene), (1, false, 0));
}

#[test]
fn a_file_that_is_restored_or_replaced_is_not_held() {
    let mut scene = scene();
    quarantine(&mut scene, "/data", "plan1-0");
    let file = index(&scene, "/data", "plan1-0").with_file_name("0");
    let is = |expected: (u64, bool, u64)| assert_eq!(held(&scene), expected);
    std::fs::rename(&file, Path::new(&file).with_file_name("elsewhere")).unwrap();
    is((0, true, 0));
    std::fs::write(&file, "another file").unwrap();
    is((0, true, 0));
    let answer: Value = scene.probe("list-held", json!({})).unwrap();
    assert_eq!(answer["entries"], json!([]));
}
