//! No durable intent, no action: the audit log is on a disk that is really full, which needs root.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use ansai_core::{InstanceName, Mode, OnFailure, Outcome, exit};
use ansai_supervisor::authority::{Authority, EffectiveGrants};
use ansai_supervisor::report::exit_code;

use crate::scene::{Scene, all_grants};
use crate::script::{Script, Step};

/// A file system of a few MiB.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts the disk; `None`, with the reason printed, if that is not possible.
    fn mount(at: PathBuf) -> Option<SmallDisk> {
        std::fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs"]).arg(&at).output();
        let reason = match mounted {
            Ok(output) if output.status.success() => return Some(SmallDisk(at)),
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "cannot mount a tmpfs: {reason}");
        eprintln!("skipped, cannot mount a tmpfs: {reason}");
        None
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("a tmpfs is left mounted at {}", self.0.display());
        }
    }
}

/// Fills a disk to the last byte, including the log's reserve.
fn fill(disk: &Path) {
    let _ = std::fs::remove_file(disk.join("reserve"));
    let mut file = File::create(disk.join("filler")).unwrap();
    while file.write(&[b'x'; 4096]).is_ok_and(|written| written > 0) {}
}

/// Grants everything, and fills the disk at the n-th call.
struct Fills {
    disk: PathBuf,
    asked: AtomicU32,
    at: u32,
}

impl Fills {
    fn at(at: u32, disk: &SmallDisk) -> Self {
        Fills { disk: disk.0.clone(), asked: AtomicU32::new(0), at }
    }
}

impl Authority for Fills {
    fn effective_grants(&self, _instance: &InstanceName) -> Result<EffectiveGrants, String> {
        if self.asked.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            fill(&self.disk);
        }
        Ok(all_grants(Mode::Enforce))
    }
}

/// Longer than the free rest of a file's last page, so that the record does not fit at all.
fn long_reason() -> String {
    "because ".repeat(1_024)
}

#[tokio::test]
async fn no_room_for_the_intent() {
    let scene = Scene::new();
    let Some(disk) = SmallDisk::mount(scene.state_dir().join("audit")) else { return };
    let steps = vec![Step::mark(scene.path("a")).because(long_reason()), Step::mark(scene.path("b"))];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    // Called on opening, at the start of the pass, and now before the first step.
    let supervisor = scene.open_with(Fills::at(3, &disk)).unwrap();
    let reports = supervisor.run_once().await;
    drop(supervisor);
    let plan = &reports[0].findings[0].plans[0];
    assert_eq!(plan.steps[0].outcome, Some(Outcome::Refused));
    assert!(plan.steps[0].detail.contains("audit log: no space"), "{}", plan.steps[0].detail);
    assert_eq!(exit_code(&reports), exit::REFUSED);
    assert_eq!((scene.text("history"), scene.intents()), (String::new(), vec![]));

    // Once there is space again, nothing is recorded about the step that never started.
    disk.free();
    scene.open().recover().await;
    assert!(scene.outcomes().iter().all(|(_, outcome)| *outcome == Outcome::Refused), "{:?}", scene.outcomes());
    scene.finish().await;
}

#[tokio::test]
async fn no_room_for_the_decision() {
    let scene = Scene::new();
    let Some(disk) = SmallDisk::mount(scene.state_dir().join("audit")) else { return };
    scene.script(&Script::sick(vec![Step::mark(scene.path("a")).because(long_reason())], OnFailure::Stop));
    let supervisor = scene.open_with(Fills::at(2, &disk)).unwrap();
    let reports = supervisor.run_once().await;
    drop(supervisor);
    let plan = &reports[0].findings[0].plans[0];
    assert!(plan.error.as_ref().is_some_and(|error| error.contains("audit log: no space")), "{:?}", plan.error);
    assert_eq!((scene.text("history"), scene.intents()), (String::new(), vec![]));
    assert_eq!(exit_code(&reports), exit::UNHEALTHY);

    disk.free();
    let supervisor = scene.open();
    supervisor.run_once().await;
    assert_eq!(scene.text("history"), "mark a\n", "it works again by itself");
    drop(supervisor);
    scene.finish().await;
}
