//! `rotate` and its undo.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod files_scene;

use ansai_core::{Outcome, Refusal, Reversibility};
use ansai_kit::action::{Fate, Item, Proposed};
use ansai_local::files::fields::{PERMANENT, UNDO_HOURS};
use files_scene::*;
use serde_json::json;

fn propose(scene: &Scene, keep: u32) -> Result<Proposed, Refusal> {
    scene.propose("rotate", json!({ "what": scene.selection(&["**"]), "keep": keep, "reason": "" }), &[])
}

fn sizes(scene: &Scene) -> Vec<(String, usize)> {
    let name = |path: &std::path::Path| path.strip_prefix(&scene.path).unwrap().to_str().unwrap().to_owned();
    scene.tree().into_iter().map(|(path, data)| (name(&path), data.5.len())).collect()
}

fn expect(scene: &Scene, expected: &[(&str, usize)]) {
    let expected: Vec<(String, usize)> = expected.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    assert_eq!(sizes(scene), expected);
}

#[test]
fn names_move_on_and_back() {
    let scene = Scene::new();
    mode(&scene.file("a.log", 10, 100), 0o640);
    scene.file("a.log.1", 20, 200);
    scene.file("a.log.2", 30, 300);
    scene.file("a.log.4", 50, 500);
    let before = scene.tree();
    let step = propose(&scene, 5).unwrap();
    assert_eq!((step.preview.items, step.preview.frees_now_bytes), (3, 0));
    assert_eq!(step.preview.reversible, Reversibility::Fully);
    assert_eq!(left(&step.preview), [("already-rotated".to_owned(), 3)].into());
    assert_eq!(scene.tree(), before);
    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.outcome, Outcome::Done, "{applied:?}");
    expect(&scene, &[("a.log", 0), ("a.log.1", 10), ("a.log.2", 20), ("a.log.3", 30), ("a.log.4", 50)]);
    let tree = scene.tree();
    assert_eq!(tree[&scene.path.join("a.log")].0 & 0o7777, 0o640);
    let resolved = scene.resolve(&step).unwrap();
    assert_eq!(resolved.items, applied.items);
    assert_eq!(scene.undo(&step, &applied.items).unwrap().items[0].fate, Fate::Done);
    assert_eq!(scene.tree(), before);
}

#[test]
fn what_falls_off_the_end_is_gone_and_undo_restores_the_others() {
    let scene = Scene::new();
    for (name, size) in [("a", 10), ("a.1", 5000), ("a.2", 9000), ("a.3", 13000)] {
        scene.file(name, size, 100);
    }
    let step = propose(&scene, 2).unwrap();
    assert_eq!((step.preview.frees_now_bytes, step.preview.reversible), (12288 + 16384, Reversibility::Partly));
    let applied = scene.begin(&step).unwrap();
    expect(&scene, &[("a", 0), ("a.1", 10), ("a.2", 5000)]);
    assert_eq!(applied.items[0].freed_bytes, 12288 + 16384);
    let undone = scene.undo(&step, &applied.items).unwrap();
    assert_eq!(undone.outcome, Outcome::Done, "{undone:?}");
    expect(&scene, &[("a", 10), ("a.1", 5000)]);
    let fates: Vec<(&str, bool)> = undone.items.iter().map(|item| (&*item.target, item.fate == Fate::Done)).collect();
    assert_eq!(fates, [("a", true), ("a.2", false), ("a.3", false)]);
    let lost = |item: &Item| matches!(&item.fate, Fate::Skipped(why) if why.starts_with("irreversible"));
    assert!(undone.items[1..].iter().all(lost), "{undone:?}");
    // A second undo finds nothing that it may rename.
    scene.undo(&step, &applied.items).unwrap();
    expect(&scene, &[("a", 10), ("a.1", 5000)]);
}

#[test]
fn one_file_in_use_keeps_the_whole_row() {
    let scene = Scene::new();
    for name in ["a", "a.1", "b", "b.1", "c", "c.1"] {
        scene.file(name, 10, 100);
    }
    let _open = std::fs::File::open(scene.path.join("b.1")).unwrap();
    std::fs::hard_link(scene.path.join("c.1"), scene.path.join("c.1.2")).unwrap();
    let step = propose(&scene, 3).unwrap();
    assert_eq!(names(&step), ["a", "a.1"]);
    assert_eq!((left(&step.preview)["open"], left(&step.preview)["several-links"]), (2, 3));
    std::fs::write(scene.path.join("a.1"), "new").unwrap();
    let before = scene.tree();
    let applied = scene.begin(&step).unwrap();
    assert!(matches!(&applied.items[0].fate, Fate::Skipped(why) if why.starts_with("changed")), "{applied:?}");
    assert_eq!(scene.tree(), before);
}

#[test]
fn undo_keeps_what_was_written_since() {
    let scene = Scene::new();
    scene.file("a", 10, 100);
    let step = propose(&scene, 3).unwrap();
    let applied = scene.begin(&step).unwrap();
    std::fs::write(scene.path.join("a"), "written").unwrap();
    let before = scene.tree();
    let undone = scene.undo(&step, &applied.items).unwrap();
    assert!(matches!(&undone.items[0].fate, Fate::Skipped(why) if why.starts_with("changed")), "{undone:?}");
    assert_eq!(scene.tree(), before);
}

#[test]
fn a_crash_is_settled() {
    let scene = Scene::new();
    for (name, size) in [("a", 10), ("a.1", 20), ("b", 30)] {
        scene.file(name, size, 100);
    }
    let before = scene.tree();
    let step = propose(&scene, 3).unwrap();
    let at = |name: &str| scene.path.join(name);
    // A crash between two renames of the first group, and right before the new file of the second.
    std::fs::rename(at("a.1"), at("a.2")).unwrap();
    std::fs::write(at(".ansai-plan7-0-0"), "").unwrap();
    std::fs::rename(at("b"), at("b.1")).unwrap();
    std::fs::write(at(".ansai-plan7-0-2"), "").unwrap();
    let resolved = scene.resolve(&step).unwrap();
    assert_eq!(fates(&resolved), [("b", &Fate::Done)]);
    expect(&scene, &[("a", 10), ("a.1", 20), ("b", 0), ("b.1", 30)]);
    scene.undo(&step, &resolved.items).unwrap();
    assert_eq!(scene.tree(), before);
}

#[test]
fn keep_has_a_range() {
    let scene = Scene::new();
    for keep in [0, 1001] {
        assert!(matches!(propose(&scene, keep), Err(Refusal::Invalid(_))));
    }
}

/// What a rotation drops cannot be undone, and `undo_hours` promises that removed files can: the grant must say so.
#[test]
fn what_falls_off_is_deleted_only_where_the_grant_says_so() {
    for (is_permanent, hours, drops) in [(false, 24, false), (true, 24, true), (false, 0, true), (true, 0, true)] {
        let scene = Scene::new().switched(&PERMANENT, is_permanent).with(&UNDO_HOURS, hours);
        for name in ["a.log", "a.log.1", "a.log.2", "b.log"] {
            scene.file(name, 10, 100);
        }
        let step = propose(&scene, 2).unwrap();
        let expected: &[&str] = if drops { &["a.log", "a.log.1", "a.log.2", "b.log"] } else { &["b.log"] };
        assert_eq!(names(&step), expected, "{is_permanent} {hours}");
        assert_eq!(left(&step.preview).contains_key("permanent-not-granted"), !drops);
        // A grant that was withdrawn after the preview.
        let scene = scene.switched(&PERMANENT, false).with(&UNDO_HOURS, 24);
        let before = scene.tree();
        match drops {
            true => {
                assert!(matches!(scene.begin(&step), Err(Refusal::Denied(_))));
                assert_eq!(scene.tree(), before);
            }
            false => assert_eq!(scene.begin(&step).unwrap().outcome, Outcome::Done),
        }
    }
}

#[test]
fn a_group_counts_with_all_its_files_and_only_if_it_was_rotated() {
    let scene = Scene::new();
    for name in ["a.log", "a.log.1", "b.log"] {
        scene.file(name, 10, 100);
    }
    let step = propose(&scene, 5).unwrap();
    assert_eq!(scene.amounts(&step, None)[0], 3);
    std::fs::write(scene.path.join("a.log"), "new").unwrap();
    let applied = scene.begin(&step).unwrap();
    assert_eq!(scene.amounts(&step, Some(&applied.items))[0], 1);
}
