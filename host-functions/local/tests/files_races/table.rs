//! Each change at one exact moment: between preview and act, while the act scans open files (the root is open by then,
//! no target is), and between act and undo.

use std::any::Any;
use std::path::Path;

use ansai_core::Refusal;
use ansai_harness::Tree;
use ansai_kit::action::{Applied, Fate};
use ansai_local::files::fields::ROOTS;
use serde_json::json;

use crate::arena::{Arena, exchange};
use crate::changes::{Stop, TO_A_FILE, TO_THE_DIRECTORY, to_a_file, to_the_directory};
use crate::verb::Verb;

/// Files with these names must not change; the directories around them may.
fn others(tree_before: &Tree, tree_after: &Tree, about: &[&str]) -> Vec<String> {
    let changes = Tree::diff(tree_before, tree_after);
    let about = |path: &Path| {
        about.iter().any(|part| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(part)))
    };
    changes.iter().filter(|change| about(change.path())).map(|change| format!("{change:?}")).collect()
}

fn fate<'a>(applied: &'a Applied, target: &str) -> &'a Fate {
    &applied.items.iter().find(|item| item.target == target).unwrap().fate
}

fn is_left(fate: &Fate) -> bool {
    matches!(fate, Fate::Skipped(why) if ["changed", "open", "locked", "several-links", "setuid"].iter().any(|reason| why.starts_with(reason)))
}

/// Changes a checked file and then lets ansai act, in both moments. What `change` returns is kept until the end.
fn at_both_moments(
    verb: Verb,
    change: &dyn Fn(&Arena) -> Option<Box<dyn Any>>,
    check: &dyn Fn(&Arena, &Tree, &Applied, &str),
) {
    for moment in ["after the preview", "while it begins"] {
        let mut arena = Arena::new(verb);
        arena.refill(1);
        let step = verb.propose(&arena.scene, &["d/f?"]).unwrap();
        let (kept, before, applied) = if moment == "after the preview" {
            let kept = change(&arena);
            let before = Tree::snapshot(&arena.ground.root);
            (kept, before, arena.scene.begin(&step).unwrap())
        } else {
            let stop = Stop::at_the_maps(&arena.ground);
            std::thread::scope(|threads| {
                let begun = threads.spawn(|| arena.scene.begin(&step).unwrap());
                let (kept, before) = stop.meanwhile(|| (change(&arena), Tree::snapshot(&arena.ground.root)));
                (kept, before, begun.join().unwrap())
            })
        };
        check(&arena, &before, &applied, moment);
        drop(kept);
    }
}

#[test]
fn a_file_that_changes_is_left_as_it_is() {
    for (what, verb) in TO_A_FILE.iter().flat_map(|what| Verb::ALL.map(|verb| (*what, verb))) {
        let change = |arena: &Arena| to_a_file(what, &arena.ground, &arena.ground.file(1));
        at_both_moments(verb, &change, &|arena, before, applied, moment| {
            let note = format!("{what}, {verb:?}, {moment}");
            assert!(is_left(fate(applied, "d/f1")), "{note}: {:?}", fate(applied, "d/f1"));
            assert_eq!((fate(applied, "d/f0"), fate(applied, "d/f2")), (&Fate::Done, &Fate::Done), "{note}");
            let changes = others(before, &Tree::snapshot(&arena.ground.root), &["f1", "x1", "l1", ".ansai-r"]);
            assert!(changes.is_empty(), "{note}: {changes:?}");
            let _ = std::fs::remove_file(arena.ground.file(1));
            arena.assert_precious(&note);
        });
    }
}

/// The last but one file of a rotation, which is removed.
#[test]
fn a_file_that_changes_keeps_its_whole_row() {
    for what in TO_A_FILE.iter().filter(|what| **what != "replaced by its twin") {
        let change = |arena: &Arena| to_a_file(what, &arena.ground, &arena.ground.dir.join("f1.1"));
        at_both_moments(Verb::Rotate, &change, &|arena, before, applied, moment| {
            let note = format!("{what}, {moment}");
            assert!(is_left(fate(applied, "d/f1")), "{note}: {:?}", fate(applied, "d/f1"));
            assert_eq!(fate(applied, "d/f0"), &Fate::Done, "{note}");
            let changes = others(before, &Tree::snapshot(&arena.ground.root), &["f1", "x1", "l1", ".ansai-r"]);
            assert!(changes.is_empty(), "{note}: {changes:?}");
        });
    }
}

#[test]
fn a_directory_that_changes_is_not_acted_in() {
    for (what, verb) in TO_THE_DIRECTORY.iter().flat_map(|what| Verb::ALL.map(|verb| (*what, verb))) {
        let change = |arena: &Arena| -> Option<Box<dyn Any>> {
            to_the_directory(what, &arena.ground);
            None
        };
        at_both_moments(verb, &change, &|arena, before, applied, moment| {
            let note = format!("{what}, {verb:?}, {moment}");
            assert!(applied.items.iter().all(|item| is_left(&item.fate)), "{note}: {applied:?}");
            let changes = others(before, &Tree::snapshot(&arena.ground.root), &["f", "x", "d", "away", ".ansai"]);
            assert!(changes.is_empty(), "{note}: {changes:?}");
            arena.assert_precious(&note);
        });
    }
}

#[test]
fn a_root_that_changes_is_not_acted_in() {
    for (way, verb) in ["link", "directory"].iter().flat_map(|way| Verb::ALL.map(|verb| (*way, verb))) {
        for moment in ["after the preview", "while it begins"] {
            let mut arena = Arena::new(verb);
            arena.refill(1);
            let step = verb.propose(&arena.scene, &["d/f?"]).unwrap();
            let other = arena.ground.workshop.join("other");
            match way {
                "link" => std::os::unix::fs::symlink(&arena.ground.precious, &other).unwrap(),
                _ => std::fs::create_dir_all(other.join("d")).unwrap(),
            }
            let before = Tree::snapshot(&arena.ground.root);
            if moment == "after the preview" {
                assert!(exchange(&arena.ground.root, &other));
                let refused = arena.scene.begin(&step);
                assert!(matches!(refused, Err(Refusal::Changed(_) | Refusal::Invalid(_))), "{way}: {refused:?}");
                assert_eq!(Tree::diff(&before, &Tree::snapshot(&other)).len(), 1, "only that it was renamed");
            } else {
                // The root is open: ansai acts on the checked files, whatever their path is now.
                let stop = Stop::at_the_maps(&arena.ground);
                std::thread::scope(|threads| {
                    let begun = threads.spawn(|| arena.scene.begin(&step));
                    stop.meanwhile(|| assert!(exchange(&arena.ground.root, &other)));
                    let _ = begun.join().unwrap();
                });
            }
            assert!(exchange(&arena.ground.root, &other));
            arena.assert_precious(&format!("{way}, {verb:?}, {moment}"));
        }
    }
}

#[test]
fn what_changed_since_is_not_undone_over() {
    for verb in [Verb::Hold, Verb::Compress, Verb::Rotate] {
        // The name that the undo needs is taken, or leads to another file.
        let made = match verb {
            Verb::Compress => "f1.gz",
            _ => "f1",
        };
        for what in TO_A_FILE.iter().filter(|what| verb != Verb::Hold || **what == "a pipe") {
            let mut arena = Arena::new(verb);
            arena.refill(1);
            let globs = &["d/f?"];
            let step = match verb {
                // Nothing is removed.
                Verb::Rotate => arena.scene.propose(
                    "rotate",
                    json!({ "what": arena.scene.selection(globs), "keep": 5, "reason": "" }),
                    &[],
                ),
                verb => verb.propose(&arena.scene, globs),
            }
            .unwrap();
            let applied = arena.scene.begin(&step).unwrap();
            let name = arena.ground.dir.join(made);
            if verb == Verb::Hold {
                std::fs::write(&name, "a new file").unwrap();
            }
            // Neither loses the content of the file.
            let harmless = ["linked", "given another mode", "given other times"];
            if harmless.contains(what) || (*what).starts_with("truncated") {
                continue;
            }
            // If the new file is gone, the names that are free are restored, as after an interrupted undo.
            if verb == Verb::Rotate && ["gone", "called otherwise"].contains(what) {
                continue;
            }
            let kept = to_a_file(what, &arena.ground, &name);
            let before = Tree::snapshot(&arena.ground.root);
            let undone = arena.scene.undo(&step, &applied.items).unwrap();
            let note = format!("{what}, {verb:?}: {undone:?}");
            let one = undone.items.iter().find(|item| item.target.starts_with("d/f1")).unwrap();
            assert_ne!(one.fate, Fate::Done, "{note}");
            assert!(undone.items.iter().filter(|item| item.fate == Fate::Done).count() == 7, "{note}");
            let changes = others(&before, &Tree::snapshot(&arena.ground.root), &["f1", "x1", "l1", ".ansai-r"]);
            assert!(changes.is_empty(), "{note}: {changes:?}");
            drop(kept);
            let _ = std::fs::remove_file(&name);
            arena.assert_precious(&note);
        }
    }
}

#[test]
fn nothing_is_undone_through_a_link() {
    for verb in [Verb::Hold, Verb::Compress, Verb::Rotate] {
        let mut arena = Arena::new(verb);
        arena.refill(1);
        let step = verb.propose(&arena.scene, &["d/f?"]).unwrap();
        let applied = arena.scene.begin(&step).unwrap();
        to_the_directory("a link to the precious files", &arena.ground);
        let undone = arena.scene.undo(&step, &applied.items).unwrap();
        assert!(undone.items.iter().all(|item| item.fate != Fate::Done), "{verb:?}: {undone:?}");
        arena.assert_precious(&format!("{verb:?}"));
    }
}

#[test]
fn a_grant_that_has_become_narrower_has_no_place_to_hold() {
    let mut arena = Arena::new(Verb::Hold);
    arena.refill(1);
    let mut what = arena.scene.selection(&["f?"]);
    what["root"] = json!("/data/d");
    let step = arena.scene.select("remove", what).unwrap();
    arena.scene.scope = arena.scene.scope.clone().with_set(&ROOTS, ["/data/d"]);
    let before = Tree::snapshot(&arena.ground.root);
    assert!(matches!(arena.scene.begin(&step), Err(Refusal::Denied(_))));
    assert!(Tree::diff(&before, &Tree::snapshot(&arena.ground.root)).is_empty());
}
