//! What ansai is doing when it crashes.

use std::time::{Duration, SystemTime};

use ansai_harness::{Call, Disk, Invocation, Ran, Then};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::files::Files;
use super::point::Point;
use super::site::{Copy, Site};
use crate::scene::{set_modified, write_old};

/// Disk usage at which old files are quarantined, and others are compressed.
const WARNING: f64 = 0.87;
/// Disk usage at which old files are deleted.
const EMERGENCY: f64 = 0.965;
/// Hours after which quarantined files are deleted.
const HOLD_ENDS: i64 = 49;
/// Number of a daemon's recordings in a scenario: plan, verify, plan again. What it detects was told before.
const ENOUGH: usize = 3;
/// Long enough for several passes, of which most are the same as before and record nothing.
const PASSES: Duration = Duration::from_secs(6);

/// A site at a certain time, and the command that crashes there.
pub(crate) struct Scenario {
    pub(crate) site: Site,
    begin: Copy,
    /// The files before ansai's first action.
    pub(crate) before: Files,
    command: Box<dyn Fn(&Site) -> Invocation>,
    /// The hour of the crash.
    pub(crate) hour: i64,
    /// The evaluation at which a daemon is asked to stop.
    stops_at: Option<usize>,
    /// How long after its first recording a daemon is asked to stop.
    stops_after: Option<Duration>,
}

/// The nth call at this point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Occurrence {
    pub(crate) point: Point,
    pub(crate) nth: usize,
}

impl Scenario {
    fn at(site: Site, before: Files, hour: i64, command: impl Fn(&Site) -> Invocation + 'static) -> Scenario {
        site.forget_verified_code();
        for disk in [&site.target, &site.state] {
            disk.sync();
        }
        let begin = site.copy("begin");
        Scenario { site, begin, before, command: Box::new(command), hour, stops_at: None, stops_after: None }
    }

    /// ansai was never started and has no state.
    pub(crate) fn nothing_yet() -> Scenario {
        let site = Site::new(20, |disk| prepare(disk, WARNING));
        let before = Files::below(site.target.path());
        Self::at(site, before, 0, |site| site.run_once(0))
    }

    /// ansai has compiled its policy, which takes long, and done nothing else.
    pub(crate) fn first_start() -> Scenario {
        let (site, before) = seen(WARNING);
        for entry in site.state_dir().read_dir().unwrap().map(Result::unwrap) {
            match entry.path() {
                path if path.ends_with("compiled") => {}
                path if path.is_dir() => std::fs::remove_dir_all(path).unwrap(),
                path => std::fs::remove_file(path).unwrap(),
            }
        }
        Self::at(site, before, 0, |site| site.run_once(0))
    }

    /// ansai has run before.
    pub(crate) fn heal() -> Scenario {
        let (site, before) = seen(WARNING);
        Self::at(site, before, 0, |site| site.run_once(0))
    }

    pub(crate) fn heal_emergency() -> Scenario {
        let (site, before) = seen(EMERGENCY);
        Self::at(site, before, 0, |site| site.run_once(0))
    }

    /// The run after a kill in the middle of a step.
    pub(crate) fn recover() -> Scenario {
        let heal = Self::heal();
        let moved = |found: &Occurrence| found.nth == 2 && found.point.is_on("held file");
        let ran = heal.run(|_, found| if moved(found) { Then::Kill } else { Then::Go });
        assert_ne!(ran.code, 0);
        let Scenario { site, before, .. } = heal;
        Self::at(site, before, 0, |site| site.run_once(0))
    }

    pub(crate) fn undo() -> Scenario {
        let (site, before) = seen(WARNING);
        site.runs(0);
        Self::at(site, before, 0, Site::undo)
    }

    /// The quarantine expires.
    pub(crate) fn end_holds() -> Scenario {
        let (site, before) = seen(WARNING);
        site.runs(0);
        Self::at(site, before, HOLD_ENDS, |site| site.run_once(HOLD_ENDS))
    }

    /// A daemon that heals and is asked to stop.
    pub(crate) fn daemon() -> Scenario {
        let (site, before) = seen(WARNING);
        let command = |site: &Site| site.ansai(&["run", "--mode", "enforce"], 0);
        Scenario { stops_at: Some(ENOUGH), ..Self::at(site, before, 0, command) }
    }

    /// A daemon that has something to do again and again.
    pub(crate) fn eager_daemon() -> Scenario {
        Scenario { stops_at: None, stops_after: Some(PASSES), ..Self::daemon() }
    }

    /// Restores the beginning and runs the command; calls `decide` before each call at a point.
    pub(crate) fn run(&self, mut decide: impl FnMut(&Call, &Occurrence) -> Then) -> Ran {
        self.site.go_back_to(&self.begin);
        let mut seen: Vec<Point> = Vec::new();
        (self.command)(&self.site).run_stopping(|call| {
            let Some(point) = self.site.point(call) else { return Then::Go };
            let nth = seen.iter().filter(|known| **known == point).count() + 1;
            seen.push(point.clone());
            if point.is_on("temporary recording") && call.name == "openat2" {
                let pid = Pid::from_raw(call.pid.cast_signed()).expect("a process");
                if self.stops_at == Some(nth) {
                    rustix::process::kill_process(pid, Signal::TERM).unwrap();
                }
                if let Some(passes) = self.stops_after.filter(|_| nth == 1) {
                    let process = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
                    std::thread::spawn(move || {
                        std::thread::sleep(passes);
                        // It may have ended.
                        let _ = rustix::process::pidfd_send_signal(process, Signal::TERM);
                    });
                }
            }
            decide(call, &Occurrence { point, nth })
        })
    }

    /// All points of an undisturbed run.
    pub(crate) fn points(&self) -> Vec<Occurrence> {
        let mut points = Vec::new();
        let ran = self.run(|_, occurrence| {
            points.push(occurrence.clone());
            Then::Go
        });
        assert!([0, 3].contains(&ran.code), "{}", ran.stderr);
        points
    }
}

/// A site where ansai has run and changed nothing.
fn seen(share: f64) -> (Site, Files) {
    let site = Site::new(20, |disk| prepare(disk, share));
    let before = Files::below(site.target.path());
    site.ansai(&["run", "--once", "--mode", "observe"], -1).run().expect_code(3);
    (site, before)
}

/// Old files that do not compress, new ones that do, and up to `share` other files that no policy touches.
fn prepare(disk: &Disk, share: f64) {
    let log = disk.path().join("log");
    for number in 0..3 {
        write_old(&log.join(format!("old-{number}.log.2.gz")), 700_000, 100 - number);
    }
    let line = "2026-01-01 00:00:00 something happened that is worth a line of text\n";
    for number in 0..2 {
        let text = log.join(format!("text-{number}.log.1"));
        std::fs::write(&text, line.repeat(10_000)).unwrap();
        set_modified(&text, SystemTime::now() + Duration::from_secs(50 * 86_400));
    }
    for number in 0.. {
        if disk.used_share() >= share {
            break;
        }
        write_old(&disk.path().join(format!("precious-{number}")), 64 << 10, 1);
    }
}
