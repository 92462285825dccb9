//! `vacuum` while somebody changes the journal.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use ansai_kit::action::Fate;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::changes::{CHANGES, Stop, make};
use crate::gate::{Chance, Ending, Gate, tries};
use crate::scene::{Scene, Verb, archived, skipped};

#[test]
fn what_changes_while_the_step_begins_is_skipped() {
    for (what, reason) in CHANGES {
        let scene = Scene::new();
        let file = scene.archived(1);
        let step = scene.vacuum();
        let stop = Stop::at_the_maps(&scene);
        let (applied, _kept) = std::thread::scope(|threads| {
            let begun = threads.spawn(|| scene.begin(&step));
            let kept = stop.meanwhile(|| make(what, &file, &scene.path("aside")));
            (begun.join().unwrap(), kept)
        });
        assert!(skipped(&applied).starts_with(reason), "{what}: {applied:?}");
        assert!(file.symlink_metadata().is_ok(), "{what}");
        assert_eq!(std::fs::read_dir(scene.machine()).unwrap().count(), 1, "{what}: a name of ours is left");
    }
}

#[test]
fn a_file_that_changes_places_is_never_mistaken_for_another() {
    let scene = Scene::in_dir(ansai_harness::scene::memory_dir());
    let (file, twin) = (scene.machine().join(archived(1)), scene.path("twin"));
    let (gate, mut removed, rounds) = (Gate::default(), 0, tries());
    std::thread::scope(|threads| {
        let _ending = Ending(&gate);
        threads.spawn(|| {
            let mut chance = Chance::new(7);
            gate.serve(|| {
                while gate.is_open() {
                    let _ = renameat_with(CWD, &file, CWD, &twin, RenameFlags::EXCHANGE);
                    chance.wait(&gate);
                }
            });
        });
        // On a busy machine the other thread can win many times in a row.
        for round in 0..100 * rounds {
            if round >= rounds && removed > 0 {
                break;
            }
            scene.archived(1);
            std::fs::write(&twin, [b't'; 8192]).unwrap();
            let nobodys = twin.metadata().unwrap().ino();
            let step = scene.vacuum();
            assert_eq!(step.preview.items, 1);
            let id = format!("round{round}");
            let applied = gate.during(|| Verb::Vacuum.begin(&scene.host, &id, &step).unwrap());
            removed += applied.items.iter().filter(|item| item.fate == Fate::Done).count();
            let names = std::fs::read_dir(scene.machine()).unwrap().map(|entry| entry.unwrap().path());
            let there: Vec<_> = names.chain([twin.clone()]).collect();
            let is_there = |path: &PathBuf| path.symlink_metadata().is_ok_and(|data| data.ino() == nobodys);
            assert!(there.iter().any(is_there), "round {round}: a file that nobody previewed is gone: {applied:?}");
            for path in there {
                let _ = std::fs::remove_file(path);
            }
        }
    });
    assert!(removed > 0 || rounds < 100, "nothing was ever removed: the race proves nothing");
}
