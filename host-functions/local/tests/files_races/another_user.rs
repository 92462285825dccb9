//! An adversary that is another user, with its own process, in a directory that everybody may write to: no file of root
//! changes, and no file of another user becomes readable.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ansai_kit::action::Fate;
use ansai_local::files::fields::{ROOTS, UNDO_HOURS};
use rustix::fs::{CWD, RenameFlags};

use crate::arena::{Arena, FILES, content, exchange, files};
use crate::files_scene::{Scene, age, is_root, mode};
use crate::gate::{Chance, tries};
use crate::verb::Verb;

const NOBODY: u32 = 65534;

/// The process of the other user. It ends when this is dropped.
struct User(Child);

impl User {
    /// Runs this program again, as nobody, with only the test of this name.
    fn running(test: &str, program: &Path, root: &Path, precious: &Path) -> User {
        let id = NOBODY.to_string();
        let child = Command::new("setpriv")
            .args(["--reuid", &id, "--regid", &id, "--clear-groups", "--"])
            .arg(program)
            .args(["--exact", test, "--ignored"])
            .env("ANSAI_RACE_ROOT", root)
            .env("ANSAI_RACE_PRECIOUS", precious)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        User(child)
    }
}

/// Copies the program to where the other user can run it.
fn program(host: &Path) -> PathBuf {
    let program = host.join("racer");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    program
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Exchanges names with links, and links in what it may, until it is killed or its parent ends.
#[test]
#[ignore = "run by another_user_gets_nothing, as that user"]
fn the_user() {
    let root = PathBuf::from(std::env::var_os("ANSAI_RACE_ROOT").unwrap());
    let precious = PathBuf::from(std::env::var_os("ANSAI_RACE_PRECIOUS").unwrap());
    let parent = std::os::unix::process::parent_id();
    let mut chance = Chance::new(1);
    while std::os::unix::process::parent_id() == parent {
        let number = chance.below(FILES as u64);
        let (mine, other) = (root.join("d"), root.join("mine"));
        let (file, link) = (mine.join(format!("f{number}")), mine.join(format!("l{number}")));
        match chance.below(5) {
            0 => drop(symlink(&precious, &other)),
            1 => drop(exchange(&mine, &other)),
            2 => drop(std::fs::hard_link(precious.join(format!("f{number}")), &link)),
            3 => drop(symlink(precious.join(format!("f{number}")), &link)),
            _ => drop(rustix::fs::renameat_with(CWD, &link, CWD, &file, RenameFlags::EXCHANGE)),
        }
    }
}

#[test]
fn another_user_gets_nothing() {
    if !is_root() {
        return;
    }
    for verb in Verb::ALL {
        let mut arena = Arena::new(verb);
        // Where the user can come by, up from the directory of the test.
        let host = arena.ground.root.parent().unwrap().to_owned();
        for path in [&host, &host.join("outside"), &arena.ground.precious] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let program = program(&host);
        let user = User::running("another_user::the_user", &program, &arena.ground.root, &arena.ground.precious);
        let (mut done, mut left, mut round) = (0, 0, 0);
        while round * FILES < tries() / 4 || done == 0 || left == 0 {
            round += 1;
            assert!(round * FILES < 100_000, "{verb:?}: {done} done, {left} left: that proves nothing");
            prepare(&mut arena, round);
            let Ok(step) = verb.propose(&arena.scene, &["d/f?"]) else { continue };
            let Ok(applied) = arena.scene.begin(&step) else { continue };
            done += applied.items.iter().filter(|item| item.fate == Fate::Done).count();
            left += applied.items.iter().filter(|item| item.fate != Fate::Done).count();
            let _ = arena.scene.undo(&step, &applied.items);
        }
        drop(user);
        let precious: BTreeSet<u64> =
            files(&arena.ground.precious).iter().map(|path| path.metadata().unwrap().ino()).collect();
        for file in files(&arena.ground.root) {
            if precious.contains(&file.metadata().unwrap().ino()) {
                std::fs::remove_file(file).unwrap();
            } else {
                let text = String::from_utf8(content(&file)).unwrap();
                assert!(!text.contains("-p"), "{} has what is precious", file.display());
            }
        }
        arena.assert_precious(&format!("{verb:?}"));
    }
}

/// A directory of the user's with files of the user's.
fn prepare(arena: &mut Arena, round: usize) {
    let root = &arena.ground.root;
    mode(root, 0o777);
    let fresh = arena.ground.workshop.join(format!("fresh{round}"));
    std::fs::create_dir(&fresh).unwrap();
    for number in 0..FILES {
        for name in [format!("f{number}"), format!("f{number}.1")] {
            let path = fresh.join(name);
            std::fs::write(&path, [b'u'; 6000]).unwrap();
            age(&path, arena.scene.now - 100 * 3_600_000);
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    std::os::unix::fs::chown(&fresh, Some(NOBODY), Some(NOBODY)).unwrap();
    // Whatever the user has there now makes room.
    let _ = rustix::fs::renameat_with(CWD, &fresh, CWD, root.join("d"), RenameFlags::EXCHANGE)
        .or_else(|_| rustix::fs::rename(&fresh, root.join("d")));
    if fresh.is_symlink() {
        let _ = std::fs::remove_file(&fresh);
    } else {
        let _ = std::fs::remove_dir_all(&fresh);
    }
    arena.scene.step_id = format!("round{round}");
}

/// Without root, and on some file systems, there are no leases: only the scan of `/proc` decides.
#[test]
fn without_a_lease_what_is_in_use_is_left_alone() {
    if !is_root() {
        return;
    }
    let mut arena = Arena::new(Verb::Unlink);
    arena.refill(1);
    let host = arena.ground.root.parent().unwrap().to_owned();
    mode(&host, 0o755);
    // Files of root's in a directory of nobody's, who may remove them and take no lease on them.
    for directory in [&arena.ground.root, &arena.ground.dir] {
        std::os::unix::fs::chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    std::os::unix::fs::chown(host.join("proc/1/fd"), Some(NOBODY), None).unwrap();
    let program = program(&host);
    let mut user = User::running("another_user::nobody_removes", &program, &host, &arena.ground.precious);
    assert!(user.0.wait().unwrap().success());
}

#[test]
#[ignore = "run by without_a_lease_what_is_in_use_is_left_alone, as nobody"]
fn nobody_removes() {
    let host = PathBuf::from(std::env::var_os("ANSAI_RACE_ROOT").unwrap());
    let mut scene = Scene::at(&host.join("data")).with(&UNDO_HOURS, 0);
    scene.host = ansai_kit::host::Host::at(&host);
    scene.root = "/data".into();
    scene.scope = scene.scope.clone().with_set(&ROOTS, ["/data"]);
    let step = scene.select("remove", scene.selection(&["d/f?"])).unwrap();
    assert_eq!(step.preview.items as usize, FILES);
    symlink(host.join("data/d/f1"), host.join("proc/1/fd/3")).unwrap();
    let applied = scene.begin(&step).unwrap();
    for item in &applied.items {
        let expected = if item.target == "d/f1" { Fate::Skipped("open".into()) } else { Fate::Done };
        assert_eq!(item.fate, expected, "{}", item.target);
    }
}
