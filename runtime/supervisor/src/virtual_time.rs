//! Time that a simulation sets, in place of the clocks of this machine.
//!
//! It is the same for the whole process, because the code that reads it is everywhere. It follows the clock of tokio: in a
//! runtime that was started with `start_paused`, that clock stands while anything runs and jumps to the next timer when
//! nothing does. Jumps of the time of day, suspends and reboots are added by hand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::host_clock::ClockReading;
use ansai_core::{Millis, Timestamp};
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Whether there are virtual clocks: no lock for a process that simulates nothing.
static IS_VIRTUAL: AtomicBool = AtomicBool::new(false);
static CLOCKS: Mutex<Option<Clocks>> = Mutex::new(None);
/// Held by the one simulation of this process.
static SIMULATING: Mutex<()> = Mutex::new(());

struct Clocks {
    /// The time of day at the beginning.
    begins: Timestamp,
    /// The instant of the runtime that runs; `None` between two runtimes.
    origin: Option<Instant>,
    /// The time from the beginning to `origin`.
    before: Millis,
    /// The latest time from the beginning that was read. Threads outside of the runtime see this one.
    latest: Millis,
    /// By how many milliseconds the time of day was set ahead; negative if it was set back.
    ahead_ms: i64,
    boots: u32,
    /// The time from the beginning to the latest boot.
    booted: Millis,
    housekeeping: Duration,
}

impl Clocks {
    fn elapsed(&mut self) -> Millis {
        if let (Some(origin), Ok(_)) = (self.origin, Handle::try_current()) {
            let since = Millis::from(Instant::now().saturating_duration_since(origin));
            self.latest = self.latest.max(Millis::new(self.before.get().saturating_add(since.get())));
        }
        self.latest
    }

    fn read(&mut self) -> ClockReading {
        let elapsed = self.elapsed();
        let wall = (self.begins + elapsed).as_millis().saturating_add_signed(self.ahead_ms);
        ClockReading {
            wall: Timestamp::from_millis(wall),
            since_boot: Millis::new(elapsed.get().saturating_sub(self.booted.get())),
            boot: format!("simulated {}", self.boots),
            is_synchronized: false,
        }
    }
}

fn clocks() -> MutexGuard<'static, Option<Clocks>> {
    CLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both clocks of the simulated machine; `None` if nothing is simulated.
pub fn reading() -> Option<ClockReading> {
    if !IS_VIRTUAL.load(Ordering::Relaxed) {
        return None;
    }
    clocks().as_mut().map(Clocks::read)
}

/// The interval of a task that looks whether there is something to do, and usually finds nothing. A simulation makes it
/// longer: it would spend most of its time with them.
pub(crate) fn housekeeping(every: Duration) -> Duration {
    if !IS_VIRTUAL.load(Ordering::Relaxed) {
        return every;
    }
    clocks().as_ref().map_or(every, |clocks| every.max(clocks.housekeeping))
}

/// The virtual time of this process, until it is dropped. There is one at a time: another one waits for its end.
pub struct VirtualTime {
    _only: MutexGuard<'static, ()>,
}

impl VirtualTime {
    /// Begins at this time of day. Tasks that only look whether there is something to do run at this interval at most.
    pub fn start(begins: Timestamp, housekeeping: Duration) -> VirtualTime {
        let only = SIMULATING.lock().unwrap_or_else(PoisonError::into_inner);
        *clocks() = Some(Clocks {
            begins,
            origin: None,
            before: Millis::ZERO,
            latest: Millis::ZERO,
            ahead_ms: 0,
            boots: 1,
            booted: Millis::ZERO,
            housekeeping,
        });
        IS_VIRTUAL.store(true, Ordering::SeqCst);
        VirtualTime { _only: only }
    }

    /// Follows the clock of the runtime that calls it.
    pub fn enter(&self) {
        self.change(|clocks| {
            clocks.before = clocks.latest;
            clocks.origin = Some(Instant::now());
        });
    }

    /// No longer follows a runtime: from now on, time stands still.
    pub fn leave(&self) {
        self.change(|clocks| {
            clocks.elapsed();
            clocks.origin = None;
        });
    }

    /// Time passes in which no timer of the runtime goes on: the machine sleeps, or ansai does not run.
    pub fn pass(&self, time: Millis) {
        self.change(|clocks| {
            clocks.latest = Millis::new(clocks.elapsed().get().saturating_add(time.get()));
            clocks.before = Millis::new(clocks.before.get().saturating_add(time.get()));
        });
    }

    /// Somebody sets the time of day: ahead, or back if it is negative.
    pub fn jump(&self, milliseconds: i64) {
        self.change(|clocks| clocks.ahead_ms = clocks.ahead_ms.saturating_add(milliseconds));
    }

    /// The machine has booted again.
    pub fn reboot(&self) {
        self.change(|clocks| {
            clocks.boots = clocks.boots.saturating_add(1);
            clocks.booted = clocks.elapsed();
        });
    }

    /// The time since the beginning, whatever somebody did to the time of day.
    pub fn elapsed(&self) -> Millis {
        elapsed()
    }

    fn change(&self, change: impl FnOnce(&mut Clocks)) {
        if let Some(clocks) = clocks().as_mut() {
            change(clocks);
        }
    }
}

/// The time since the beginning of the simulation.
pub(crate) fn elapsed() -> Millis {
    clocks().as_mut().map_or(Millis::ZERO, Clocks::elapsed)
}

impl Drop for VirtualTime {
    fn drop(&mut self) {
        IS_VIRTUAL.store(false, Ordering::SeqCst);
        *clocks() = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::clock;

    const DAY: Millis = Millis::from_hours(24);

    fn paused() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
    }

    fn start() -> VirtualTime {
        VirtualTime::start(Timestamp::from_millis(1_000_000), Duration::from_secs(60))
    }

    /// Would break: a clock that goes on while nothing runs, or threads that see the clock of the machine.
    #[test]
    fn days_pass_at_once_and_every_thread_sees_the_same_time() {
        let time = start();
        paused().block_on(async {
            time.enter();
            tokio::time::sleep(DAY.into()).await;
            assert_eq!(clock::now(), Timestamp::from_millis(1_000_000) + DAY);
            let (blocking, outside) =
                (tokio::task::spawn_blocking(clock::now).await.unwrap(), std::thread::spawn(clock::now));
            assert_eq!((blocking, outside.join().unwrap()), (clock::now(), clock::now()));
            time.leave();
        });
        assert_eq!(time.elapsed(), DAY);
        // The next runtime goes on from there.
        paused().block_on(async {
            time.enter();
            tokio::time::sleep(DAY.into()).await;
            time.leave();
        });
        assert_eq!(time.elapsed(), Millis::from_hours(48));
    }

    #[test]
    fn a_jump_moves_the_time_of_day_and_a_suspend_both_clocks() {
        let time = start();
        let before = reading().unwrap();
        time.jump(-500_000);
        let after = reading().unwrap();
        assert_eq!((after.wall.as_millis(), after.since_boot), (before.wall.as_millis() - 500_000, before.since_boot));
        time.pass(DAY);
        let slept = reading().unwrap();
        assert_eq!((slept.wall, slept.since_boot), (after.wall + DAY, DAY));
        time.reboot();
        let booted = reading().unwrap();
        assert_eq!((booted.since_boot, booted.wall), (Millis::ZERO, slept.wall));
        assert_ne!(booted.boot, slept.boot);
        time.pass(DAY);
        assert_eq!((time.elapsed(), reading().unwrap().since_boot), (Millis::from_hours(48), DAY));
    }

    #[test]
    fn without_a_simulation_the_clocks_are_those_of_the_machine() {
        let time = start();
        assert_eq!(housekeeping(Duration::from_secs(1)), Duration::from_secs(60));
        assert_eq!(housekeeping(Duration::from_secs(600)), Duration::from_secs(600));
        drop(time);
        let _none = SIMULATING.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(reading().is_none() && clock::now().as_millis() > 1_600_000_000_000);
        assert_eq!(housekeeping(Duration::from_secs(1)), Duration::from_secs(1));
    }
}
