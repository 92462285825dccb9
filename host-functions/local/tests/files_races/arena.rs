//! The setup of all races: a granted root with files, precious files outside of it, and a record of all contents.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ansai_harness::scene::memory_dir;
use ansai_harness::{Change, Tree};
use rustix::fs::{CWD, RenameFlags};

use crate::files_scene::{Scene, age, mode};
use crate::verb::Verb;

/// Selected files per round.
pub(crate) const FILES: usize = 8;
/// Two blocks that shrink to one.
const SIZE: usize = 6000;
/// Allocated bytes of one of them.
pub(crate) const BYTES: u64 = 8192;
const TOKEN: usize = 16;

/// What an adversary knows of the setup.
pub(crate) struct Ground {
    /// The granted root.
    pub(crate) root: PathBuf,
    /// Below it: `f0`, `f0.1`, and `x0`, a file like `f0` in all but its inode and its content, that nobody selected.
    pub(crate) dir: PathBuf,
    /// Outside, with the same names as in `dir`.
    pub(crate) precious: PathBuf,
    /// Outside, a directory for the adversary's use.
    pub(crate) workshop: PathBuf,
    /// The inodes of `f0` and so on when they were created.
    inodes: [AtomicU64; FILES],
}

impl Ground {
    pub(crate) fn file(&self, number: usize) -> PathBuf {
        self.dir.join(format!("f{number}"))
    }

    /// Whether ansai has treated a file: its name leads to nothing or to another file.
    pub(crate) fn is_treated(&self, number: usize) -> bool {
        let inode = self.file(number).symlink_metadata().map_or(0, |data| data.ino());
        inode != self.inodes[number].load(Ordering::Relaxed)
    }
}

/// Exchanges two names; false if that fails.
pub(crate) fn exchange(one: &Path, other: &Path) -> bool {
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

pub(crate) struct Arena {
    pub(crate) scene: Scene,
    pub(crate) ground: Arc<Ground>,
    before: Tree,
    /// The files of this round by token: inode and content.
    made: BTreeMap<String, (u64, Vec<u8>)>,
}

impl Arena {
    pub(crate) fn new(verb: Verb) -> Arena {
        Arena::of(verb.scene(Scene::fixture_in(memory_dir())))
    }

    pub(crate) fn of(scene: Scene) -> Arena {
        let host = scene.path.parent().unwrap().to_owned();
        let ground = Ground {
            root: scene.path.clone(),
            dir: scene.path.join("d"),
            precious: host.join("outside/precious"),
            workshop: host.join("outside/workshop"),
            inodes: Default::default(),
        };
        std::fs::create_dir_all(ground.precious.join("sub")).unwrap();
        std::fs::create_dir_all(&ground.workshop).unwrap();
        for number in 0..FILES {
            for name in [format!("f{number}"), format!("f{number}.1"), format!("sub/f{number}")] {
                let path = ground.precious.join(name);
                std::fs::write(&path, filled(&token(0, "p", number))).unwrap();
                age(&path, scene.now - 100 * 3_600_000);
            }
        }
        mode(&ground.precious.join("f7"), 0o600);
        std::os::unix::fs::symlink("f1", ground.precious.join("link")).unwrap();
        let before = Tree::snapshot(&ground.precious);
        Arena { scene, ground: Arc::new(ground), before, made: BTreeMap::new() }
    }

    /// Creates all files again, with contents of this round.
    pub(crate) fn refill(&mut self, round: usize) {
        std::fs::remove_dir_all(&self.ground.root).unwrap();
        std::fs::create_dir_all(&self.ground.dir).unwrap();
        self.made.clear();
        for number in 0..FILES {
            for (kind, name) in
                [("f", format!("f{number}")), ("1", format!("f{number}.1")), ("x", format!("x{number}"))]
            {
                let path = self.ground.dir.join(name);
                let token = token(round, kind, number);
                std::fs::write(&path, filled(&token)).unwrap();
                age(&path, self.scene.now - 100 * 3_600_000);
                let inode = path.metadata().unwrap().ino();
                self.made.insert(token.clone(), (inode, filled(&token)));
                if kind == "f" {
                    self.ground.inodes[number].store(inode, Ordering::Relaxed);
                }
            }
        }
        self.scene.step_id = format!("round{round}");
    }

    /// The tokens of files that no longer exist below the root. Panics if a content was altered: it may only grow.
    pub(crate) fn lost(&self) -> BTreeSet<String> {
        let mut lost = self.made.clone();
        for path in files(&self.ground.root) {
            let bytes = content(&path);
            let token = String::from_utf8_lossy(&bytes[..TOKEN.min(bytes.len())]).into_owned();
            if let Some((_, whole)) = lost.remove(&token) {
                assert!(bytes.starts_with(&whole), "{} was altered", path.display());
            }
        }
        lost.into_keys().collect()
    }

    /// The token of the file that was created with this inode.
    pub(crate) fn token_of(&self, inode: u64) -> &str {
        self.made.iter().find(|(_, (made, _))| *made == inode).map_or("none of this round's", |(token, _)| token)
    }

    /// Asserts that nothing outside has changed. The adversary's links are gone by now, but they changed the ctime.
    pub(crate) fn assert_precious(&self, note: &str) {
        let changes = Tree::diff(&self.before, &Tree::snapshot(&self.ground.precious));
        let real: Vec<&Change> = changes
            .iter()
            .filter(|change| match change {
                Change::Changed(_, differences) => differences.iter().any(|d| d.property != "ctime"),
                _ => true,
            })
            .collect();
        assert!(real.is_empty(), "{note}: outside changed: {real:?}");
    }
}

/// All regular files below a directory.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![root.to_owned()]);
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let data = path.symlink_metadata().unwrap();
            if data.is_dir() {
                todo.push(path);
            } else if data.is_file() {
                found.push(path);
            }
        }
    }
    found
}

fn token(round: usize, kind: &str, number: usize) -> String {
    format!("tok-{round:09}-{kind}{number}")
}

/// The content of a file, expanded if it is compressed.
pub(crate) fn content(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    if bytes.starts_with(b"\x1f\x8b") {
        let packed = std::mem::take(&mut bytes);
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut bytes).unwrap();
    }
    bytes
}

fn filled(token: &str) -> Vec<u8> {
    assert_eq!(token.len(), TOKEN);
    token.bytes().cycle().take(SIZE).collect()
}
