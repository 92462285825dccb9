//! Hosts for steps with a guard: with guards of these tests, which need neither root nor systemd and work although the
//! test's process is dead; with timers of systemd; with none. Their time of day and their boot can be changed.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ansai_core::host_clock::ClockReading;
use ansai_core::{Millis, Refusal, Timestamp};
use ansai_host_functions::live::LiveHost;
use ansai_kit::guard::{ArmError, GuardState, Guards, NoGuards, Reversal};
use ansai_kit::host::Host;
use ansai_kit::host_access::HostAccess;

use crate::killed;
use crate::over_live::{OverLive, host};
use crate::set_file::point;

/// The time of day, if the test sets it, and the boot. Every test is a process of its own.
static WALL: Mutex<Option<u64>> = Mutex::new(None);
static BOOT: Mutex<Option<&str>> = Mutex::new(None);
/// How long the machine slept, in milliseconds. Guards did not count on.
static SLEPT: Mutex<u64> = Mutex::new(0);

pub(crate) fn sleep_machine(milliseconds: u64) {
    *SLEPT.lock().unwrap() = milliseconds;
}

/// As [`sleep_machine`], for the process that runs on the scene in this directory.
pub(crate) fn sleep_machine_of(place: &Path, milliseconds: u64) {
    std::fs::write(place.join("slept.next"), milliseconds.to_string()).unwrap();
    std::fs::rename(place.join("slept.next"), place.join("slept")).unwrap();
}

fn slept() -> u64 {
    let of_process = killed::place().and_then(|place| std::fs::read_to_string(place.join("slept")).ok());
    of_process.map_or_else(|| *SLEPT.lock().unwrap(), |text| text.parse().unwrap())
}

pub(crate) fn set_wall(milliseconds: u64) {
    *WALL.lock().unwrap() = Some(milliseconds);
}

/// As after a restart of the machine.
pub(crate) fn set_boot(boot: &'static str) {
    *BOOT.lock().unwrap() = Some(boot);
}

struct GuardHost<G> {
    live: LiveHost,
    guards: Stopping<G>,
}

pub(crate) fn processes(live: LiveHost) -> Arc<dyn HostAccess> {
    host(GuardHost { live, guards: Stopping(Processes) })
}

pub(crate) fn systemd(live: LiveHost) -> Arc<dyn HostAccess> {
    let timers = Timers(live.clone());
    host(GuardHost { live, guards: Stopping(timers) })
}

pub(crate) fn none(live: LiveHost) -> Arc<dyn HostAccess> {
    host(GuardHost { live, guards: Stopping(NoGuards) })
}

impl<G: Guards> OverLive for GuardHost<G> {
    fn live(&self) -> &LiveHost {
        &self.live
    }

    fn clock(&self) -> ClockReading {
        let real = ansai_kit::host_clock::read();
        let wall = WALL.lock().unwrap().map_or(real.wall, Timestamp::from_millis);
        let boot = BOOT.lock().unwrap().map_or(real.boot, str::to_owned);
        let since_boot = Millis::new(real.since_boot.get() + slept());
        ClockReading { wall, boot, since_boot, ..real }
    }

    fn guards(&self) -> &dyn Guards {
        &self.guards
    }
}

/// The guards of the live host.
struct Timers(LiveHost);

impl Guards for Timers {
    fn arm(&self, host: &Host, step_id: &str, reversal: &Reversal, after: Millis) -> Result<(), ArmError> {
        self.0.guards().arm(host, step_id, reversal, after)
    }

    fn state(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal> {
        self.0.guards().state(host, step_id)
    }

    fn disarm(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal> {
        self.0.guards().disarm(host, step_id)
    }

    fn forget(&self, host: &Host, step_id: &str) {
        self.0.guards().forget(host, step_id);
    }
}

/// Lingers after a guard was armed, if the test wants that.
struct Stopping<G>(G);

impl<G: Guards> Guards for Stopping<G> {
    fn arm(&self, host: &Host, step_id: &str, reversal: &Reversal, after: Millis) -> Result<(), ArmError> {
        self.0.arm(host, step_id, reversal, after)?;
        if has(host, "arming-fails") {
            return Err(ArmError::Unknown(Refusal::Unavailable("it ended half way".into())));
        }
        point(Path::new(&reversal.arguments[3]), "armed");
        Ok(())
    }

    fn state(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal> {
        self.0.state(host, step_id)
    }

    fn disarm(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal> {
        match has(host, "disarming-fails") {
            true => Err(Refusal::Unavailable("nobody answers".into())),
            false => self.0.disarm(host, step_id),
        }
    }

    fn forget(&self, host: &Host, step_id: &str) {
        self.0.forget(host, step_id);
    }
}

/// Whether the test wants this.
fn has(host: &Host, name: &str) -> bool {
    host.protected()[0].with_file_name(name).exists()
}

/// A shell in a session of its own for each guard. Whoever makes the directory `ends` first ends it. It also ends when the
/// scene is gone, so that no test leaves one behind.
struct Processes;

const SHELL: &str = "tenths=$1; dir=$2; shift 2; \
                     while [ \"$tenths\" -gt 0 ] && ! [ -e \"$dir/fires\" ]; do \
                     { [ -d \"$dir\" ] && ! [ -e \"$dir/ends\" ]; } || exit 0; sleep 0.1; tenths=$((tenths - 1)); done; \
                     mkdir \"$dir/ends\" 2>/dev/null || exit 0; \"$@\"; echo $? > \"$dir/result\"";

impl Processes {
    fn directory(host: &Host, step_id: &str) -> PathBuf {
        host.protected()[0].with_file_name("guards").join(step_id)
    }
}

impl Guards for Processes {
    fn arm(&self, host: &Host, step_id: &str, reversal: &Reversal, after: Millis) -> Result<(), ArmError> {
        let directory = Processes::directory(host, step_id);
        std::fs::create_dir_all(&directory).unwrap();
        let tenths = after.get().div_ceil(100).to_string();
        let mut shell = Command::new("setsid");
        shell.args(["/bin/sh", "-c", SHELL, "sh", &tenths]).arg(&directory).arg(&reversal.program);
        shell.args(&reversal.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It must not end with the group of whoever is killed.
        let mut child = shell.process_group(0).spawn().unwrap();
        std::fs::write(directory.join("pid"), child.id().to_string()).unwrap();
        std::thread::spawn(move || child.wait());
        Ok(())
    }

    fn state(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal> {
        let directory = Processes::directory(host, step_id);
        let has = |name: &str| directory.join(name).exists();
        Ok(match std::fs::read_to_string(directory.join("result")).ok().as_deref() {
            Some("0\n") => GuardState::PutBack,
            Some("") => GuardState::Firing,
            Some(_) => GuardState::Failed("its program failed".into()),
            None if !directory.exists() || has("removed") => GuardState::Gone,
            None if has("ends") => GuardState::Firing,
            None => GuardState::Waiting,
        })
    }

    fn disarm(&self, host: &Host, step_id: &str) -> Result<GuardState, Refusal> {
        let directory = Processes::directory(host, step_id);
        if std::fs::create_dir(directory.join("ends")).is_ok() {
            std::fs::write(directory.join("removed"), "").unwrap();
        }
        loop {
            match self.state(host, step_id)? {
                GuardState::Firing => std::thread::sleep(Duration::from_millis(10)),
                over => return Ok(over),
            }
        }
    }

    fn forget(&self, _: &Host, _: &str) {}
}

/// Lets all guards fire now.
pub(crate) fn fire_all(state_dir: &Path) {
    for guard in state_dir.with_file_name("guards").read_dir().unwrap() {
        std::fs::write(guard.unwrap().path().join("fires"), "").unwrap();
    }
}

/// Removes all guards, as a restart of the machine does.
pub(crate) fn remove_all(state_dir: &Path) {
    let Ok(guards) = state_dir.with_file_name("guards").read_dir() else { return };
    for guard in guards {
        let directory = guard.unwrap().path();
        let _ = std::fs::create_dir(directory.join("ends"));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
