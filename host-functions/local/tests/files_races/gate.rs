//! Starts and stops an adversary.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

const REST: u8 = 0;
const GO: u8 = 1;
const BACK: u8 = 2;
const END: u8 = 3;

#[derive(Default)]
pub(crate) struct Gate(AtomicU8);

impl Gate {
    /// The adversary's side: attacks whenever it is active, until the end.
    pub(crate) fn serve(&self, mut attack: impl FnMut()) {
        loop {
            match self.0.load(Ordering::Acquire) {
                GO => attack(),
                BACK => self.0.store(REST, Ordering::Release),
                END => return,
                _ => std::thread::yield_now(),
            }
        }
    }

    /// Whether the attack may continue.
    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire) == GO
    }

    /// Runs `what` while the adversary is active. The adversary is stopped when this returns.
    pub(crate) fn during<T>(&self, what: impl FnOnce() -> T) -> T {
        self.0.store(GO, Ordering::Release);
        let done = what();
        self.0.store(BACK, Ordering::Release);
        while self.0.load(Ordering::Acquire) != REST {
            std::thread::yield_now();
        }
        done
    }
}

/// Ends the adversary when dropped, also by a panic: a scope waits for its threads.
pub(crate) struct Ending<'a>(pub(crate) &'a Gate);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.0.store(END, Ordering::Release);
    }
}

/// When to attack: pseudo-random with a fixed seed, and closer and closer to the last moment that works.
pub(crate) struct Chance {
    state: u64,
    nanos: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Chance { state: 0x9E37_79B9_7F4A_7C15 ^ seed, nanos: 20_000 }
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % end
    }

    /// Waits without sleeping, for about the time that was neither early nor late so far.
    pub(crate) fn wait(&mut self, gate: &Gate) {
        let nanos = self.nanos * 3 / 4 + self.below(self.nanos / 2);
        let end = Instant::now() + Duration::from_nanos(nanos);
        while gate.is_open() && Instant::now() < end {
            std::hint::spin_loop();
        }
    }

    /// Takes note of the result: waits longer if the attack came in time, shorter if it came too late.
    pub(crate) fn learn(&mut self, in_time: bool) {
        let step = self.nanos / 16;
        self.nanos = (if in_time { self.nanos + step } else { self.nanos - step }).clamp(500, 500_000);
    }
}

/// The number of files that one adversary attacks.
pub(crate) fn tries() -> usize {
    const ADVERSARIES: usize = 10;
    let all = std::env::var("ANSAI_RACE_TRIES");
    all.map_or(10_000, |all| all.parse().expect("ANSAI_RACE_TRIES is a number")) / ADVERSARIES
}
