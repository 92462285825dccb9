//! Mounts that come and go over the selected files, in a mount namespace of the test.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use ansai_harness::Tree;
use ansai_kit::action::Fate;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};

use crate::arena::{Arena, FILES, Ground};
use crate::changes::Stop;
use crate::files_scene::is_root;
use crate::gate::{Chance, Gate, tries};
use crate::racers::{Adversary, race};
use crate::verb::Verb;

/// Runs one of the tests below in its own mount namespace: nobody else sees its mounts, and they end with it.
fn alone(test: &str) {
    if !is_root() {
        return;
    }
    let program = std::env::current_exe().unwrap();
    let ran = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(program)
        .args(["--exact", test, "--ignored"])
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_directory_that_is_mounted_over() {
    alone("mounts::mounts_race");
}

#[test]
fn what_is_mounted_between_two_steps() {
    alone("mounts::mounts_table");
}

const HOWS: &[&str] = &["precious directory", "other directory below the root", "memory", "precious file", "itself"];

/// Mounts something over `d` or `d/f1`; returns what to unmount.
fn cover(ground: &Ground, how: &str) -> std::path::PathBuf {
    let (directory, file) = (ground.dir.clone(), ground.file(1));
    match how {
        "precious directory" => mount_bind(&ground.precious, &directory).unwrap(),
        "other directory below the root" => {
            std::fs::create_dir_all(ground.root.join("e")).unwrap();
            mount_bind(ground.root.join("e"), &directory).unwrap();
        }
        "memory" => {
            mount("none", &directory, "tmpfs", MountFlags::empty(), None).unwrap();
            std::fs::write(directory.join("f1"), "x").unwrap();
        }
        "precious file" => mount_bind(ground.precious.join("f1"), &file).unwrap(),
        // The same inode by another mount.
        "itself" => mount_bind(&file, &file).unwrap(),
        other => panic!("{other}"),
    }
    if ["precious file", "itself"].contains(&how) { file } else { directory }
}

#[test]
#[ignore = "run by what_is_mounted_between_two_steps, in a namespace"]
fn mounts_table() {
    for (how, verb) in HOWS.iter().flat_map(|how| Verb::ALL.map(|verb| (*how, verb))) {
        for moment in ["before the preview", "before it begins", "while it begins"] {
            let mut arena = Arena::new(verb);
            arena.refill(1);
            let note = format!("{how}, {verb:?}, {moment}");
            let early = (moment == "before the preview").then(|| cover(&arena.ground, how));
            let step = verb.propose(&arena.scene, &["d/f1"]).unwrap();
            if early.is_some() {
                assert_eq!(step.preview.items, 0, "{note}");
            }
            let applied = match (moment, early) {
                ("while it begins", _) => {
                    let stop = Stop::at_the_maps(&arena.ground);
                    std::thread::scope(|threads| {
                        let begun = threads.spawn(|| arena.scene.begin(&step).unwrap());
                        let point = stop.meanwhile(|| cover(&arena.ground, how));
                        let applied = begun.join().unwrap();
                        unmount(point, UnmountFlags::DETACH).unwrap();
                        applied
                    })
                }
                (_, early) => {
                    let point = early.unwrap_or_else(|| cover(&arena.ground, how));
                    let covering = Tree::snapshot(&point);
                    let applied = arena.scene.begin(&step).unwrap();
                    assert!(Tree::diff(&covering, &Tree::snapshot(&point)).is_empty(), "{note}");
                    unmount(point, UnmountFlags::DETACH).unwrap();
                    applied
                }
            };
            assert!(applied.items.iter().all(|item| item.fate != Fate::Done), "{note}: {applied:?}");
            assert!(arena.lost().is_empty(), "{note}");
            arena.assert_precious(&note);
        }
    }
}

#[test]
#[ignore = "run by a_directory_that_is_mounted_over, in a namespace"]
fn mounts_race() {
    let attack = |ground: &Ground, gate: &Gate, chance: &mut Chance| {
        while gate.is_open() {
            if mount_bind(&ground.precious, &ground.dir).is_ok() {
                chance.wait(gate);
                unmount(&ground.dir, UnmountFlags::DETACH).unwrap();
            }
            chance.wait(gate);
        }
    };
    let clean = |_: &Arena, _: &BTreeSet<u64>| {};
    let proof = &["done", "changed: its directory is another one"];
    for verb in Verb::ALL {
        let adversary =
            Adversary { attack: &attack, clean: &clean, proof, head_start: Duration::from_millis(2), links: false };
        race(Arena::new(verb), verb, (tries() / 20).max(FILES), &adversary);
    }
}
