//! The state directory is on the disk that is full: ansai starts, acts and records with what it has reserved, and never
//! acts on an intent that is not on the disk. Needs root.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use ansai_core::{OnFailure, Outcome, Status};
use ansai_harness::{Ext4, Tmpfs, requires_root};
use ansai_supervisor::{OpenError, StateError};

use crate::scene::Scene;
use crate::script::{Script, Step, observation};

/// A scene whose state is on a disk. It was made while there was room.
async fn made_on(disk: &Path) -> Scene {
    let scene = Scene::new().with_state_in(disk.join("state"));
    let healthy = Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)]));
    scene.script(&healthy);
    scene.open().run_once().await;
    let step = Step::mark(scene.path("acted"));
    scene.script(&Script::sick(vec![step], OnFailure::Stop).healthy_once(scene.path("acted")));
    scene
}

/// Takes every block, to the last one.
fn fill(disk: &Path, name: &str) {
    let mut file = File::create(disk.join(name)).unwrap();
    for part in [1 << 20, 4096, 1] {
        while file.write_all(&vec![1; part]).is_ok() {}
    }
    // Delayed allocation fails later otherwise.
    let _ = file.sync_all();
}

/// Takes every inode.
fn take_inodes(disk: &Path, name: &str) {
    let made = (0..).take_while(|number| File::create(disk.join(format!("{name}-{number}"))).is_ok());
    assert!(made.count() > 0, "there was none left before");
}

async fn acts(scene: Scene) {
    scene.open().run_once().await;
    assert!(scene.path("acted").exists(), "{:?}", scene.events());
    assert_eq!((scene.intents(), scene.outcomes()), (vec![0], vec![(0, Outcome::Done)]));
    assert!(scene.state_dir().join("plans").read_dir().unwrap().count() > 0);
    scene.finish().await;
}

#[tokio::test]
async fn without_a_free_block() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(24);
    let scene = made_on(disk.path()).await;
    fill(disk.path(), "filler");
    acts(scene).await;
}

#[tokio::test]
async fn without_a_free_page_of_a_file_system_in_memory() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(8);
    let scene = made_on(disk.path()).await;
    fill(disk.path(), "filler");
    acts(scene).await;
}

#[tokio::test]
async fn without_a_free_inode() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::with_inodes(16, 100);
    let scene = made_on(disk.path()).await;
    take_inodes(disk.path(), "filler");
    acts(scene).await;
}

/// What was reserved is gone too: then the reason is told, and nothing is done.
#[tokio::test]
async fn without_a_reserve_nothing_is_done() {
    if !requires_root() {
        return;
    }
    for blocks in [true, false] {
        let disk = Tmpfs::with_inodes(8, 100);
        let scene = made_on(disk.path()).await;
        let take = |name| if blocks { fill(disk.path(), name) } else { take_inodes(disk.path(), name) };
        take("filler");
        for entry in scene.state_dir().read_dir().unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with("ballast") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        std::fs::remove_file(scene.state_dir().join("audit/reserve")).unwrap();
        take("more");
        let refused = scene.open_with(crate::scene::fixed(ansai_core::Mode::Enforce)).err().unwrap();
        assert!(matches!(refused, OpenError::State(StateError::NoRoom(_))), "{refused:?}");
        assert!(refused.hint().is_some_and(|hint| hint.contains("df -i")) && !scene.path("acted").exists());
        // As soon as there is room, it goes on.
        for entry in disk.path().read_dir().unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        acts(scene).await;
    }
}

#[tokio::test]
async fn on_a_disk_that_is_read_only_nothing_is_done() {
    if !requires_root() {
        return;
    }
    let disk = Tmpfs::new(8);
    let scene = made_on(disk.path()).await;
    let remount = |how: &str| {
        let status = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(disk.path()).status();
        assert!(status.unwrap().success());
    };
    remount("ro");
    let refused = scene.open_with(crate::scene::fixed(ansai_core::Mode::Enforce)).err().unwrap();
    assert!(refused.to_string().to_lowercase().contains("read-only"), "{refused}");
    remount("rw");
    assert!(!scene.path("acted").exists());
    acts(scene).await;
}
