//! The place where ansai crashes: its state on one file system, and the files that it heals on another. Both are images
//! that can be copied and restored.

use std::path::PathBuf;

use ansai_harness::{Disk, Invocation, Ran, Tmpfs};

use super::point::Point;
use crate::scene::{ansai_beside, config_with};

/// Hours after which a later run may start another attempt.
pub(crate) const COOLDOWN_HOURS: i64 = 1;

pub(crate) struct Site {
    pub(crate) target: Disk,
    pub(crate) state: Disk,
    config: String,
    /// Holds the images. In memory, so that a flush is fast. Dropped last.
    directory: Tmpfs,
}

/// Both disks at one time.
pub(crate) struct Copy(PathBuf);

impl Site {
    /// Creates a site; `prepare` writes logs and other files to the root of the file system to heal.
    pub(crate) fn new(mib: u64, prepare: impl FnOnce(&Disk)) -> Site {
        let directory = Tmpfs::new(192);
        let target = Disk::new(directory.path(), "target", mib);
        let state = Disk::new(directory.path(), "state", 8);
        std::fs::create_dir(target.path().join("log")).unwrap();
        prepare(&target);
        let grant = "min_age_hours = 24, undo_hours = 48, hold_below_percent = 95";
        let patient = format!("cooldown = \"{COOLDOWN_HOURS}h\"");
        let config = config_with(target.path(), "enforce", grant, "30 days").replace("cooldown = \"1s\"", &patient);
        // By default where ansai runs it for this user: for root in a worker.
        let config = match std::env::var("ANSAI_TEST_ISOLATION") {
            Ok(isolation) => config.replace("[daemon]\n", &format!("[daemon]\nisolation = {isolation:?}\n")),
            Err(_) => config,
        };
        for disk in [&target, &state] {
            disk.sync();
        }
        Site { target, state, config, directory }
    }

    /// The state directory, which ansai creates itself.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.state.path().join("var/ansai")
    }

    /// ansai with this state, `hours` after the first run. The operator accepts that the clock jumps from run to run.
    pub(crate) fn ansai(&self, arguments: &[&str], hours: i64) -> Invocation {
        let accepts = arguments.first().filter(|command| **command == "run").map(|_| "--accept-clock");
        ansai_beside(self.directory.path())
            .clock_offset_hours(crate::scene::AHEAD_HOURS + hours)
            .args(arguments.iter().copied().chain(accepts))
            .config(&self.config)
            .state_dir(self.state_dir())
    }

    pub(crate) fn run_once(&self, hours: i64) -> Invocation {
        self.ansai(&["run", "--once", "--format", "json", "--mode", "enforce"], hours)
    }

    /// Makes ansai verify compiled code again at the next start. What it remembers of a verified file holds the device
    /// number, and the next free loop device depends on the tests beside this one: so a run would sometimes verify and
    /// sometimes not, and would not always reach the same calls.
    pub(crate) fn forget_verified_code(&self) {
        let Ok(compiled) = self.state_dir().join("compiled").read_dir() else { return };
        for path in compiled.map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some("bin".as_ref()))
        {
            // The same mode again: only the ctime changes.
            std::fs::set_permissions(&path, std::fs::metadata(&path).unwrap().permissions()).unwrap();
        }
    }

    /// Undoes the last plan, as a person would.
    pub(crate) fn undo(&self) -> Invocation {
        let log = super::log::Log::read(&self.state_dir());
        let plan = log.of("decided").last().expect("something was decided")["plan"].clone();
        self.ansai(&["undo", "--format", "json", &super::log::text(&plan)], 0)
    }

    /// An undisturbed run.
    pub(crate) fn runs(&self, hours: i64) -> Ran {
        let ran = self.run_once(hours).run();
        assert!([0, 3].contains(&ran.code), "{} {}\n{}", ran.code, ran.stderr, ran.stdout);
        ran
    }

    /// The kind of file that a call concerns, if it is one of ansai's or of the target's.
    pub(crate) fn point(&self, call: &ansai_harness::Call) -> Option<Point> {
        Point::of(call, &self.state_dir(), self.target.path())
    }

    /// Copies both disks.
    pub(crate) fn copy(&self, name: &str) -> Copy {
        let copy = Copy(self.directory.path().join(name));
        self.target.copy_to(&copy.target());
        self.state.copy_to(&copy.state());
        copy
    }

    pub(crate) fn go_back_to(&self, copy: &Copy) {
        self.target.go_back_to(&copy.target());
        self.state.go_back_to(&copy.state());
    }
}

impl Copy {
    pub(crate) fn target(&self) -> PathBuf {
        self.0.with_extension("target")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.with_extension("state")
    }
}
