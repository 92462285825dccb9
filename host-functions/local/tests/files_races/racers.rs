//! Adversaries that change files as fast as they can while ansai scans, previews, acts and undoes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, symlink};
use std::sync::Mutex;
use std::time::Duration;

use ansai_harness::{Ext4, requires_root};
use ansai_kit::action::{Applied, Fate, Proposed};
use rustix::fs::{CWD, FileType, Mode, RenameFlags};
use serde_json::Value;

use crate::arena::{Arena, BYTES, FILES, Ground, exchange, files};
use crate::changes::Waiting;
use crate::files_scene::Scene;
use crate::gate::{Chance, Ending, Gate, tries};
use crate::verb::Verb;

/// The fates of the files, with the number of each.
pub(crate) type Fates = BTreeMap<String, usize>;

/// Between the last check and the act.
const JUST_NOW: &str = "changed: another file took its name just now";

/// An adversary, and the fates that prove that it interfered.
pub(crate) struct Adversary<'a> {
    /// What it does while it is active.
    pub(crate) attack: &'a (dyn Fn(&Ground, &Gate, &mut Chance) + Sync),
    /// Checks and repairs the precious files after each round.
    pub(crate) clean: &'a dyn Fn(&Arena, &BTreeSet<u64>),
    /// Beginnings of fates that must occur.
    pub(crate) proof: &'a [&'a str],
    /// The longest time it needs to start: ansai waits for a random part of it before it begins.
    pub(crate) head_start: Duration,
    /// Whether a removed file may still have another name.
    pub(crate) links: bool,
}

/// One verb against one adversary.
pub(crate) fn race(mut arena: Arena, verb: Verb, tries: usize, adversary: &Adversary<'_>) -> Fates {
    let (gate, mut fates) = (Gate::default(), Fates::new());
    let proven = |fates: &Fates| adversary.proof.iter().all(|proof| fates.keys().any(|fate| fate.starts_with(proof)));
    let ground = arena.ground.clone();
    std::thread::scope(|threads| {
        let _ending = Ending(&gate);
        let (gate, attack) = (&gate, adversary.attack);
        threads.spawn(move || {
            let mut chance = Chance::new(verb as u64);
            gate.serve(|| attack(&ground, gate, &mut chance));
        });
        // More rounds if the adversary has not hit the right moment yet.
        for round in 0..30 * tries.max(1000) / FILES {
            if round * FILES >= tries && proven(&fates) {
                break;
            }
            fight(&mut arena, gate, verb, round, adversary, &mut fates);
        }
    });
    arena.assert_precious(&format!("{verb:?}"));
    assert!(proven(&fates), "{verb:?}: that proves nothing: {fates:?}");
    fates
}

fn fight(arena: &mut Arena, gate: &Gate, verb: Verb, round: usize, adversary: &Adversary<'_>, fates: &mut Fates) {
    arena.refill(round);
    let scene = &arena.scene;
    // In every second round the adversary is active from the beginning and during the undo.
    let long = round % 2 == 1;
    let propose = || verb.propose(scene, &["d/f?"]);
    let step = if long { gate.during(propose) } else { propose() }.unwrap();
    let begin = || {
        std::thread::sleep(adversary.head_start * (round as u32 % 16) / 16);
        scene.begin(&step)
    };
    let applied = gate.during(begin).unwrap();
    for item in &applied.items {
        let fate = match &item.fate {
            Fate::Done => "done".to_owned(),
            Fate::Skipped(why) => why.clone(),
            Fate::Failed(why) => format!("failed: {why}"),
        };
        *fates.entry(fate).or_default() += 1;
    }
    let removed = removed(verb, &step, &applied);
    (adversary.clean)(arena, &removed);
    let expected: BTreeSet<String> = removed.iter().map(|inode| arena.token_of(*inode).to_owned()).collect();
    let kept = verb == Verb::Compress;
    let expected = if kept { BTreeSet::new() } else { expected };
    let check = |when: &str| {
        let lost = arena.lost();
        let right = if adversary.links { lost.is_subset(&expected) } else { lost == expected };
        assert!(right, "{verb:?} {round} {when}: {lost:?} are gone, {expected:?} should be: {applied:?}");
    };
    check("begun");
    let freed: u64 = applied.items.iter().map(|item| item.freed_bytes).sum();
    let each = if kept { BYTES / 2 } else { BYTES };
    assert_eq!(freed, removed.len() as u64 * each, "{verb:?} {round}: {applied:?}");
    if long && verb != Verb::Unlink {
        let undone = gate.during(|| scene.undo(&step, &applied.items));
        assert!(undone.is_ok() || removed.is_empty(), "{undone:?}");
        (adversary.clean)(arena, &BTreeSet::new());
        check("undone");
    }
}

/// The inodes that were removed permanently, according to the outcome.
fn removed(verb: Verb, step: &Proposed, applied: &Applied) -> BTreeSet<u64> {
    let targets: Value = serde_json::from_str(step.targets.get()).unwrap();
    let done: BTreeSet<&str> =
        applied.items.iter().filter(|item| item.fate == Fate::Done).map(|item| item.target.as_str()).collect();
    let (mut gone, mut first) = (BTreeSet::new(), "");
    for file in targets["files"].as_array().unwrap() {
        let fallen = file["slot"].as_u64().is_some();
        if !fallen {
            first = file["path"].as_str().unwrap();
        }
        let goes = match verb {
            Verb::Unlink | Verb::Compress => true,
            Verb::Hold => false,
            Verb::Rotate => fallen,
        };
        if goes && done.contains(first) {
            gone.insert(file["ino"].as_u64().unwrap());
        }
    }
    gone
}

/// Attacks every second file at about the time it is treated, which the file before it shows.
fn one_by_one(ground: &Ground, gate: &Gate, chance: &mut Chance, strike: impl Fn(usize) -> bool) {
    for number in (1..FILES).step_by(2) {
        while !ground.is_treated(number - 1) {
            if !gate.is_open() {
                return;
            }
            std::hint::spin_loop();
        }
        chance.wait(gate);
        if !gate.is_open() {
            return;
        }
        chance.learn(strike(number));
    }
    while gate.is_open() {
        std::hint::spin_loop();
    }
}

fn nothing(_: &Arena, _: &BTreeSet<u64>) {}

fn all_verbs(adversary: &Adversary<'_>) {
    for verb in Verb::ALL {
        race(Arena::new(verb), verb, tries() / 4, adversary);
    }
}

#[test]
fn a_directory_that_becomes_a_link_and_back() {
    let attack = |ground: &Ground, gate: &Gate, chance: &mut Chance| {
        let link = ground.workshop.join("link");
        let _ = symlink(&ground.precious, &link);
        while gate.is_open() {
            exchange(&ground.dir, &link);
            chance.wait(gate);
            exchange(&ground.dir, &link);
            chance.wait(gate);
        }
    };
    let proof = &["done", "changed: its directory is another one"];
    all_verbs(&Adversary { attack: &attack, clean: &nothing, proof, head_start: Duration::ZERO, links: false });
}

fn exchange_names(ground: &Ground, gate: &Gate, chance: &mut Chance) {
    one_by_one(ground, gate, chance, |number| exchange(&ground.file(number), &ground.dir.join(format!("x{number}"))));
}

#[test]
fn a_file_that_takes_the_name_of_another() {
    all_verbs(&Adversary {
        attack: &exchange_names,
        clean: &nothing,
        proof: &["done", JUST_NOW],
        head_start: Duration::ZERO,
        links: false,
    });
}

#[test]
fn a_file_that_takes_the_name_of_another_on_a_disk() {
    if !requires_root() {
        return;
    }
    // Large enough for blocks of 4 KiB.
    let disk = Ext4::new(600);
    let adversary = Adversary {
        attack: &exchange_names,
        clean: &nothing,
        proof: &["done", "changed: another file"],
        head_start: Duration::ZERO,
        links: false,
    };
    for verb in Verb::ALL {
        let dir = tempfile::tempdir_in(disk.path()).unwrap();
        race(Arena::of(verb.scene(Scene::fixture_in(dir))), verb, tries() / 10, &adversary);
    }
}

#[test]
fn a_file_that_takes_the_name_of_the_compressed_one() {
    let attack = |ground: &Ground, gate: &Gate, chance: &mut Chance| {
        one_by_one(ground, gate, chance, |number| {
            let (packed, other) = (ground.dir.join(format!("f{number}.gz")), ground.dir.join(format!("x{number}")));
            while gate.is_open() && !exchange(&packed, &other) {
                std::hint::spin_loop();
            }
            true
        });
    };
    let proof = &["done", "changed: somebody replaced the new file"];
    race(
        Arena::new(Verb::Compress),
        Verb::Compress,
        tries(),
        &Adversary { attack: &attack, clean: &nothing, proof, head_start: Duration::ZERO, links: false },
    );
}

#[test]
fn a_file_that_is_written_to() {
    // Inodes that were written to while they had a name.
    let written = Mutex::new(BTreeSet::new());
    let attack = |ground: &Ground, gate: &Gate, chance: &mut Chance| {
        let waits = if chance.below(2) == 0 { libc::O_NONBLOCK } else { 0 };
        one_by_one(ground, gate, chance, |number| {
            let name = if number % 4 == 1 { ground.file(number) } else { ground.dir.join(format!("f{number}.1")) };
            let Ok(mut file) = OpenOptions::new().append(true).custom_flags(waits).open(name) else { return false };
            let data = file.metadata().unwrap();
            file.write_all(b"one more line").unwrap();
            if data.nlink() > 0 {
                written.lock().unwrap().insert(data.ino());
            }
            data.nlink() > 0
        });
    };
    let clean = |arena: &Arena, removed: &BTreeSet<u64>| {
        let mut written = written.lock().unwrap();
        let both: Vec<&str> = written.intersection(removed).map(|inode| arena.token_of(*inode)).collect();
        assert!(both.is_empty(), "{both:?} were written to, and removed");
        if !removed.is_empty() {
            written.clear();
        }
    };
    for verb in [Verb::Unlink, Verb::Hold, Verb::Compress, Verb::Rotate] {
        let proof: &[&str] = if verb == Verb::Rotate { &["done", "changed", "open"] } else { &["done", "changed"] };
        let adversary = Adversary { attack: &attack, clean: &clean, proof, head_start: Duration::ZERO, links: false };
        let fates = race(Arena::new(verb), verb, tries() / 4, &adversary);
        assert!(fates.keys().all(|fate| !fate.starts_with("failed")), "{verb:?}: to be left, not to fail: {fates:?}");
        written.lock().unwrap().clear();
    }
}

#[test]
fn a_precious_file_that_is_linked_in() {
    let attack = |ground: &Ground, gate: &Gate, chance: &mut Chance| {
        one_by_one(ground, gate, chance, |number| {
            let link = ground.dir.join(format!("l{number}"));
            if number % 4 == 1 {
                return std::fs::hard_link(ground.file(number), link).is_ok();
            }
            // It may exist since the preview.
            let _ = std::fs::hard_link(ground.precious.join(format!("f{number}")), &link);
            exchange(&link, &ground.file(number))
        });
    };
    // Every link that was made still exists, under whatever name.
    let clean = |arena: &Arena, _: &BTreeSet<u64>| {
        for number in 0..FILES {
            let precious = arena.ground.precious.join(format!("f{number}")).metadata().unwrap();
            let links =
                files(&arena.ground.root).into_iter().filter(|path| path.metadata().unwrap().ino() == precious.ino());
            let removed = links.map(|link| std::fs::remove_file(link).unwrap()).count() as u64;
            assert_eq!(precious.nlink(), removed + 1, "a link to a precious file was removed");
        }
    };
    let proof = &["done", "changed"];
    all_verbs(&Adversary { attack: &attack, clean: &clean, proof, head_start: Duration::ZERO, links: true });
}

#[test]
fn a_file_that_becomes_something_else() {
    let device = rustix::process::geteuid().is_root();
    let attack = |ground: &Ground, gate: &Gate, chance: &mut Chance| {
        one_by_one(ground, gate, chance, |number| {
            let other = ground.dir.join(format!("s{number}"));
            let node = |kind| {
                let _ = rustix::fs::mknodat(CWD, &other, kind, Mode::RUSR | Mode::WUSR, rustix::fs::makedev(1, 3));
            };
            match number {
                1 => node(FileType::Fifo),
                3 => drop(symlink(ground.precious.join("f3"), &other)),
                5 => drop(std::fs::create_dir(&other)),
                _ if device => node(FileType::CharacterDevice),
                _ => node(FileType::Socket),
            }
            exchange(&ground.file(number), &other)
        });
    };
    all_verbs(&Adversary {
        attack: &attack,
        clean: &nothing,
        proof: &["done", "changed: another file"],
        head_start: Duration::ZERO,
        links: false,
    });
}

#[test]
fn a_name_that_is_taken_as_soon_as_it_is_free() {
    let attack = |ground: &Ground, gate: &Gate, chance: &mut Chance| {
        one_by_one(ground, gate, chance, |number| {
            let (name, other) = (ground.file(number), ground.dir.join(format!("x{number}")));
            while gate.is_open() && rustix::fs::renameat_with(CWD, &other, CWD, &name, RenameFlags::NOREPLACE).is_err()
            {
                std::hint::spin_loop();
            }
            true
        });
    };
    all_verbs(&Adversary {
        attack: &attack,
        clean: &nothing,
        proof: &["done"],
        head_start: Duration::ZERO,
        links: false,
    });
}

#[test]
fn a_pipe_that_a_preview_could_open() {
    let mut arena = Arena::new(Verb::Compress);
    let gate = Gate::default();
    let ground = arena.ground.clone();
    let pipe = arena.ground.workshop.join("pipe");
    let node = rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0);
    node.unwrap();
    let _waiting = Waiting::to_write(&pipe);
    let mut seen = BTreeMap::<&str, usize>::new();
    std::thread::scope(|threads| {
        let _ending = Ending(&gate);
        let gate = &gate;
        threads.spawn(move || {
            let mut chance = Chance::new(1);
            gate.serve(|| {
                while gate.is_open() {
                    exchange(&ground.file(0), &pipe);
                    chance.wait(gate);
                    exchange(&ground.file(0), &pipe);
                    chance.wait(gate);
                }
            });
        });
        arena.refill(0);
        let least = 3 * tries().max(1000);
        for round in 0..40 * least {
            // On a busy machine the adversary may not have run yet.
            if round >= least && seen.len() == 2 {
                break;
            }
            let step = gate.during(|| Verb::Compress.propose(&arena.scene, &["d/f0"])).unwrap();
            *seen.entry(if step.preview.items == 0 { "pipe" } else { "file" }).or_default() += 1;
        }
    });
    assert_eq!(seen.len(), 2, "{seen:?}");
}
