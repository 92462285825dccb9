//! Random trees, grants, actions and undos, while a thread changes a part of the tree.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use ansai_core::text::path_bytes;
use ansai_harness::Tree;
use ansai_harness::scene::memory_dir;
use ansai_kit::action::{Fate, Item, Proposed};
use ansai_local::files::fields::{ROOTS, UNDO_HOURS};
use globset::{GlobBuilder, GlobMatcher};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::arena::{content, exchange};
use crate::files_scene::{HOUR, Scene, age, mode, tree};
use crate::gate::{Chance, Ending, Gate, tries};
use crate::verb::Verb;

const PARTS: &[&[u8]] =
    &[b"a", b"b.log", b"-rf", b"new\nline", b"\xff\xfe", b".hidden", b"{*}[x]?", b"c.log.1", b"back\\slash", b"LONG"];
const GLOBS: &[&str] = &["**", "*", "**/*.log", "a/**", "*/*", "**/{a,-rf}", "**/.hidden"];

#[derive(Debug, Clone, Copy)]
enum Kind {
    File,
    Sparse,
    Directory,
    StickyDirectory,
    SymbolicLink,
    LoopOfLinks,
    HardLink,
    Setuid,
    StickyFile,
    Immutable,
}

#[derive(Debug, Clone)]
struct Made {
    parts: Vec<usize>,
    kind: Kind,
    hours: u64,
    size: usize,
}

fn made() -> impl Strategy<Value = Made> {
    use Kind::*;
    let kinds = vec![
        File,
        File,
        File,
        File,
        File,
        Sparse,
        Directory,
        StickyDirectory,
        SymbolicLink,
        LoopOfLinks,
        HardLink,
        Setuid,
        StickyFile,
        Immutable,
    ];
    (proptest::collection::vec(0..PARTS.len(), 1..5), proptest::sample::select(kinds), 0..60_u64, 0..20_000_usize)
        .prop_map(|(parts, kind, hours, size)| Made { parts, kind, hours, size })
}

fn name(part: usize) -> Vec<u8> {
    if PARTS[part] == b"LONG" { vec![b'n'; 255] } else { PARTS[part].to_vec() }
}

/// Creates what can be created. Immutable files become ordinary files when this is dropped.
struct Immutable(Vec<PathBuf>);

impl Drop for Immutable {
    fn drop(&mut self) {
        for path in &self.0 {
            set_immutable(path, false);
        }
    }
}

fn set_immutable(path: &Path, on: bool) -> bool {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let Ok(file) = std::fs::File::open(path) else { return false };
    let set = ioctl_getflags(&file).and_then(|mut flags| {
        flags.set(IFlags::IMMUTABLE, on);
        ioctl_setflags(&file, flags)
    });
    set.is_ok()
}

fn plant(scene: &Scene, below: &Path, tree: &[Made], immutable: &mut Immutable) {
    let mut files: Vec<PathBuf> = Vec::new();
    for one in tree {
        let path = one.parts.iter().fold(below.to_owned(), |path, part| path.join(OsStr::from_bytes(&name(*part))));
        if std::fs::create_dir_all(path.parent().unwrap()).is_err() || path.symlink_metadata().is_ok() {
            continue;
        }
        match one.kind {
            Kind::Directory => std::fs::create_dir(&path).unwrap(),
            Kind::StickyDirectory => {
                std::fs::create_dir(&path).unwrap();
                mode(&path, 0o1777);
            }
            Kind::SymbolicLink => symlink("../..", &path).unwrap(),
            Kind::LoopOfLinks => symlink(path.file_name().unwrap(), &path).unwrap(),
            Kind::HardLink => {
                if let Some(other) = files.last() {
                    // Not possible for an immutable file.
                    let _ = std::fs::hard_link(other, &path);
                }
            }
            kind => {
                let mut file = std::fs::File::create(&path).unwrap();
                if matches!(kind, Kind::Sparse) {
                    file.seek(SeekFrom::Start(1 << 20)).unwrap();
                }
                file.write_all(&b"content ".repeat(one.size / 8)).unwrap();
                drop(file);
                age(&path, scene.now - one.hours * HOUR);
                match kind {
                    Kind::Setuid => mode(&path, 0o4755),
                    Kind::StickyFile => mode(&path, 0o1644),
                    Kind::Immutable if set_immutable(&path, true) => immutable.0.push(path.clone()),
                    _ => {}
                }
                files.push(path);
            }
        }
    }
}

/// What selection and grant say of a file: a second implementation, written from the documentation.
fn is_eligible(
    scene: &Scene,
    below: &Path,
    path: &Path,
    glob: &GlobMatcher,
    hours: u64,
    immutable: &Immutable,
) -> bool {
    let data = path.symlink_metadata().unwrap();
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let times = [
        nanos(data.mtime(), data.mtime_nsec()),
        nanos(data.atime(), data.atime_nsec()),
        nanos(data.ctime(), data.ctime_nsec()),
    ];
    let latest = i128::from(scene.now) * 1_000_000 - i128::from(hours) * 3_600_000_000_000;
    data.is_file()
        && data.nlink() == 1
        && data.mode() & 0o7000 == 0
        && times.iter().all(|time| *time <= latest)
        && glob.is_match(path.strip_prefix(below).unwrap())
        && !immutable.0.iter().any(|other| other == path)
}

#[derive(Debug, Clone)]
struct Action {
    verb: Verb,
    glob: &'static str,
    hours: u64,
    most: u64,
    undo: bool,
}

fn action() -> impl Strategy<Value = Action> {
    use proptest::sample::select;
    (select(Verb::ALL.to_vec()), select(GLOBS.to_vec()), 0..50_u64, 0..6_u64, any::<bool>())
        .prop_map(|(verb, glob, hours, most, undo)| Action { verb, glob, hours, most, undo })
}

/// The part of the tree that a thread changes all the time. It never removes a file.
struct Restless(PathBuf);

impl Restless {
    const NAMES: u64 = 6;

    /// Creates files that any selection may take, and as many that none may.
    fn new(below: &Path, scene: &Scene) -> Restless {
        let place = Restless(below.join("restless"));
        std::fs::create_dir_all(place.0.join("sub")).unwrap();
        for number in 0..Restless::NAMES {
            for kind in ["may", "never"] {
                let path = place.0.join(format!("{kind}{number}"));
                std::fs::write(&path, format!("{kind}-{number} ").repeat(800)).unwrap();
                age(&path, scene.now - 100 * HOUR);
                mode(&path, if kind == "never" { 0o4644 } else { 0o644 });
            }
        }
        place
    }

    fn change(&self, outside: &Path, chance: &mut Chance) {
        let name = |kind: &str, number| self.0.join(format!("{kind}{number}"));
        let (one, other) = (chance.below(Restless::NAMES), chance.below(Restless::NAMES));
        match chance.below(6) {
            0 => drop(exchange(&name("may", one), &name("never", other))),
            1 => drop(exchange(&name("may", one), &name("may", other))),
            2 => drop(symlink(outside, self.0.join("link"))),
            3 => drop(exchange(&self.0.join("sub"), &self.0.join("link"))),
            4 => {
                let file = std::fs::OpenOptions::new().append(true).open(name("may", one));
                let _ = file.map(|mut file| file.write_all(b"more"));
            }
            _ => {
                let link = self.0.join("second");
                let _ = std::fs::hard_link(name("may", one), &link);
                let _ = std::fs::remove_file(&link);
            }
        }
    }

    /// The contents of the files that no selection may take.
    fn never(&self) -> usize {
        let all = crate::arena::files(self.0.parent().unwrap());
        all.iter().filter(|path| std::fs::read(path).unwrap().starts_with(b"never-")).count()
    }
}

struct World {
    /// Dropped first: else the tree could not be removed.
    immutable: Immutable,
    scene: Scene,
    /// Granted: `still` and `restless`.
    granted: PathBuf,
    still: PathBuf,
    outside: PathBuf,
    restless: Restless,
}

impl World {
    fn new(inside: &[Made], outside: &[Made]) -> World {
        let mut scene = Scene::fixture_in(memory_dir());
        let (granted, elsewhere) = (scene.path.join("granted"), scene.path.join("elsewhere"));
        let mut immutable = Immutable(Vec::new());
        std::fs::create_dir_all(granted.join("still")).unwrap();
        std::fs::create_dir_all(&elsewhere).unwrap();
        plant(&scene, &granted.join("still"), inside, &mut immutable);
        plant(&scene, &elsewhere, outside, &mut immutable);
        scene.root = "/data/granted".into();
        scene.scope = scene.scope.clone().with_set(&ROOTS, ["/data/granted"]);
        let restless = Restless::new(&granted, &scene);
        World { still: granted.join("still"), granted, outside: elsewhere, scene, restless, immutable }
    }

    /// Runs one action and asserts what must hold.
    fn act(&mut self, number: usize, action: &Action, gate: &Gate) -> Result<(), TestCaseError> {
        let Action { verb, glob, hours, most, undo } = *action;
        self.scene.step_id = format!("step{number}");
        let undo_hours = if verb == Verb::Unlink { 0 } else { 24 };
        self.scene.scope = self.scene.scope.clone().with_number(&UNDO_HOURS, undo_hours);
        let matcher = GlobBuilder::new(glob).literal_separator(true).build().unwrap().compile_matcher();
        let eligible: BTreeMap<PathBuf, u64> = crate::arena::files(&self.still)
            .into_iter()
            .filter(|path| is_eligible(&self.scene, &self.granted, path, &matcher, hours.max(24), &self.immutable))
            .map(|path| (path.clone(), path.metadata().unwrap().blocks() * 512))
            .collect();
        let before = tree(&self.still);
        let mut what = self.scene.selection(&[glob]);
        what["min-age-hours"] = json!(hours);
        what["max-files"] = json!(most);
        let arguments = match verb {
            Verb::Rotate => json!({ "what": what, "keep": 1000, "reason": "" }),
            _ => json!({ "what": what, "reason": "" }),
        };
        let step = gate.during(|| self.scene.propose(verb.name(), arguments, &[])).unwrap();
        prop_assert_eq!(&tree(&self.still), &before, "a preview changes nothing");
        let quiet = |target: &str| path_of(&self.granted, target).starts_with(&self.still);
        let picked: Vec<PathBuf> =
            first_targets(&step).iter().filter(|t| quiet(t)).map(|t| path_of(&self.granted, t)).collect();
        prop_assert!(picked.iter().all(|path| eligible.contains_key(path)), "{:?} of {:?}", picked, eligible);
        if most == 0 && matches!(verb, Verb::Unlink | Verb::Hold) {
            prop_assert_eq!(picked.len(), eligible.len());
        }

        let applied = gate.during(|| self.scene.begin(&step)).unwrap();
        let after = tree(&self.still);
        let done: Vec<&Item> = applied.items.iter().filter(|item| item.fate == Fate::Done).collect();
        for item in applied.items.iter().filter(|item| quiet(&item.target)) {
            let shrinks = verb != Verb::Compress || item.fate != Fate::Skipped("does-not-shrink".into());
            prop_assert!(!shrinks || item.fate == Fate::Done, "{:?}", item);
        }
        for item in done.iter().filter(|item| quiet(&item.target)) {
            let path = path_of(&self.granted, &item.target);
            let freed = match verb {
                Verb::Unlink => eligible[&path],
                Verb::Compress => {
                    let packed = PathBuf::from(OsStr::from_bytes(&[path.as_os_str().as_bytes(), b".gz"].concat()));
                    prop_assert_eq!(&content(&packed), &before[&path].5);
                    eligible[&path] - packed.metadata().unwrap().blocks() * 512
                }
                Verb::Hold | Verb::Rotate => 0,
            };
            prop_assert_eq!(item.freed_bytes, freed, "{:?}", item);
        }
        if verb != Verb::Rotate {
            // A compressed log may leave an empty file of its name.
            let is_empty = |path: &PathBuf| verb == Verb::Compress && after[path].5.is_empty();
            let gone: Vec<_> = before.iter().filter(|(path, data)| after.get(*path) != Some(*data)).collect();
            prop_assert_eq!(gone.len(), done.iter().filter(|item| quiet(&item.target)).count());
            prop_assert!(gone.iter().all(|(path, _)| !after.contains_key(*path) || is_empty(path)), "{:?}", gone);
        }
        if undo && verb != Verb::Unlink && !done.is_empty() {
            gate.during(|| self.scene.undo(&step, &applied.items)).unwrap();
            prop_assert_eq!(&tree(&self.still), &before, "{:?}", applied);
        }
        prop_assert_eq!(self.restless.never() as u64, Restless::NAMES);
        Ok(())
    }
}

fn path_of(below: &Path, target: &str) -> PathBuf {
    below.join(OsStr::from_bytes(&path_bytes(target).unwrap()))
}

/// The targets without the older files of a rotation.
fn first_targets(step: &Proposed) -> Vec<String> {
    let targets: Value = serde_json::from_str(step.targets.get()).unwrap();
    let files = targets["files"].as_array().unwrap().iter().filter(|file| file["slot"].is_null());
    files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: (tries() / 20) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn only_what_was_judged_goes_and_undo_brings_it_back(
        inside in proptest::collection::vec(made(), 0..30),
        outside in proptest::collection::vec(made(), 0..10),
        actions in proptest::collection::vec(action(), 1..5),
        seed: u64,
    ) {
        let mut world = World::new(&inside, &outside);
        let before = Tree::snapshot(&world.outside);
        let gate = Gate::default();
        let (restless, elsewhere) = (Restless(world.restless.0.clone()), world.outside.clone());
        std::thread::scope(|threads| {
            let _ending = Ending(&gate);
            let gate = &gate;
            threads.spawn(move || {
                let mut chance = Chance::new(seed);
                gate.serve(|| while gate.is_open() { restless.change(&elsewhere, &mut chance) });
            });
            actions.iter().enumerate().try_for_each(|(number, action)| world.act(number, action, gate))
        })?;
        let changes = Tree::diff(&before, &Tree::snapshot(&world.outside));
        prop_assert!(changes.is_empty(), "{:?}", changes);
    }
}
