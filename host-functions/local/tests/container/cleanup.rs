//! What is removed from a real Docker, and what stays.

use ansai_core::{Outcome, Refusal};
use ansai_harness::server::ContainerEngine;
use ansai_harness::{Ext4, Invocation, requires_root};
use ansai_local::container::fields::DANGLING_ONLY;

use super::scene::{Scene, measured};

const OLD: &str = "2020-01-01T00:00:00Z";

/// Would break: an image of a stopped container, a young one, a kept tag or a named volume that is removed.
#[test]
fn only_what_nothing_uses_is_removed() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(256);
    let Some(engine) = ContainerEngine::docker(Some(disk.path())) else { return };
    let mut scene = Scene::new(&engine.socket());
    assert_eq!(scene.probe("look", None).unwrap()["mount"], disk.path().to_str().unwrap());
    let dangling = engine.load_image(None, OLD, 8);
    let today = Invocation::of("date").args(["-u", "+%FT%TZ"]).run().code(0).stdout;
    let young = engine.load_image(None, today.trim(), 1);
    let stopped = engine.load_image(None, OLD, 1);
    engine.run(&["create", "--network", "none", "--name", "stopped", &stopped, "true"]);
    let tagged: Vec<String> = (1..=4)
        .map(|n| engine.load_image(Some(&format!("localhost:5000/app:{n}")), &format!("2020-0{n}-01T00:00:00Z"), 1))
        .collect();

    let later = taken_later(&engine, &scene, &dangling);
    let step = scene.remove_images(true).unwrap();
    let preview = &step.previewed.preview;
    assert_eq!((preview.items, preview.mount.as_deref()), (1, disk.path().to_str()), "{preview:#?}");
    assert!(preview.frees_now_bytes >= 8 << 20);
    let before = disk.used_share();
    let applied = step.finish().unwrap();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:#?}");
    assert!(
        measured(&applied, "freed-bytes") >= 7 << 20 && applied.detail.contains("(measured)"),
        "{}",
        applied.detail
    );
    assert!(disk.used_share() < before);
    assert!(!engine.has_image(&dangling) && later);
    for id in tagged.iter().chain([&young, &stopped]) {
        assert!(engine.has_image(id), "{id}");
    }
    assert!(matches!(step.act(|action, doing| action.undo(doing, &[])), Err(Refusal::Unsupported(_))));
    assert_eq!(step.act(|action, doing| action.resolve(doing)).unwrap().outcome, Outcome::Done);

    // Of `app`, 3 and 4 are kept. Docker does not know when the others were loaded, but when one was tagged.
    scene.permit(&DANGLING_ONLY, false);
    assert_eq!(scene.remove_images(false).unwrap().previewed.preview.items, 2);
    engine.run(&["tag", &tagged[0], "localhost:5000/app:new"]);
    engine.run(&["rmi", "localhost:5000/app:new"]);
    assert_eq!(scene.remove_images(false).unwrap().previewed.preview.items, 1);
    scene.later = 200;
    engine.run(&["tag", &tagged[1], "localhost:5000/app:two"]);
    let step = scene.remove_images(false).unwrap();
    // 2 has another tag. What was young is old by now.
    let left_out: Vec<&str> = step.previewed.preview.left_out.iter().map(|one| one.reason.as_str()).collect();
    assert!(left_out.contains(&"kept-tag") && left_out.contains(&"several-tags"), "{left_out:?}");
    step.finish().unwrap();
    let left: Vec<bool> = tagged.iter().map(|id| engine.has_image(id)).collect();
    assert_eq!(left, [false, true, true, true]);
    assert!(!engine.has_image(&young) && engine.has_image(&stopped));
}

/// A container that is made after the preview keeps its image; the image is left to be removed afterwards.
fn taken_later(engine: &ContainerEngine, scene: &Scene, image: &str) -> bool {
    let step = scene.remove_images(true).unwrap();
    engine.run(&["create", "--network", "none", "--name", "late", image, "true"]);
    let applied = step.finish().unwrap();
    engine.run(&["rm", "late"]);
    applied.outcome == Outcome::Done && measured(&applied, "removed-images") == 0 && engine.has_image(image)
}

/// Would break: data that somebody named, or that a stopped container still has.
#[test]
fn volumes_without_a_name_are_removed_if_the_operator_opts_in() {
    let Some(engine) = ContainerEngine::docker(None) else { return };
    let mut scene = Scene::new(&engine.socket());
    engine.run(&["volume", "create", "kept"]);
    // It looks like one that Docker named, and somebody has given it a label.
    let lookalike = "ab".repeat(32);
    engine.run(&["volume", "create", "--label", "owner=ann", &lookalike]);
    engine.container("stopped", &["-v", "/data"], &["true"]);
    engine.container("gone", &["-v", "/data"], &["sh", "-c", "echo data > /data/x"]);
    engine.run(&["wait", "gone"]);
    engine.run(&["rm", "gone"]);
    assert_eq!(scene.list("list-volumes").len(), 4);
    assert!(matches!(scene.remove_volumes().map(|_| ()), Err(Refusal::Denied(_))));
    scene.opt_in();
    assert_eq!(scene.remove_volumes().unwrap().previewed.preview.items, 0, "they are young");
    scene.later = 200;
    let applied = {
        let step = scene.remove_volumes().unwrap();
        assert_eq!(step.previewed.preview.items, 1);
        step.finish().unwrap()
    };
    assert_eq!((applied.outcome, measured(&applied, "removed-volumes")), (Outcome::Done, 1), "{applied:#?}");
    let names: Vec<String> =
        scene.list("list-volumes").iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.contains(&"kept".to_owned()) && names.contains(&lookalike) && names.len() == 3, "{names:?}");
}
