//! Processor time of work that the host does for an instance on a thread.

use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The processor time of this thread so far.
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(time.tv_sec.unsigned_abs(), nanoseconds)
}

/// Counts the processor time that threads spend for one evaluation. Work that nobody waits for any more counts too, when it
/// ends.
#[derive(Clone)]
pub struct Meter(Arc<dyn Fn(Duration) + Send + Sync>);

impl Meter {
    /// Tells each piece of work to `spent`.
    pub fn new(spent: impl Fn(Duration) + Send + Sync + 'static) -> Meter {
        Meter(Arc::new(spent))
    }

    /// Does work on this thread, and counts it, also if it panics.
    pub fn count<T>(&self, work: impl FnOnce() -> T) -> T {
        let _counting = Counting { meter: self, began: thread_time() };
        work()
    }
}

/// Counts nothing.
impl Default for Meter {
    fn default() -> Meter {
        Meter::new(|_| {})
    }
}

struct Counting<'a> {
    meter: &'a Meter,
    began: Duration,
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        (self.meter.0)(thread_time().saturating_sub(self.began));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use std::sync::Mutex;

    use super::*;

    fn busy(time: Duration) {
        let began = thread_time();
        while thread_time() - began < time {
            std::hint::spin_loop();
        }
    }

    /// Would break: work that does not count, because it ran on another thread or panicked.
    #[test]
    fn work_counts_on_the_thread_that_does_it_and_also_if_it_panics() {
        let spent = Arc::new(Mutex::new(Vec::new()));
        let adding = spent.clone();
        let meter = Meter::new(move |time| adding.lock().unwrap().push(time));
        let least = Duration::from_millis(10);
        let other = meter.clone();
        std::thread::spawn(move || other.count(|| busy(least))).join().unwrap();
        let panicking = meter.clone();
        let panicked = std::thread::spawn(move || {
            panicking.count(|| {
                busy(least);
                panic!("on purpose")
            })
        });
        assert!(panicked.join().is_err());
        let spent = spent.lock().unwrap();
        assert!(spent.len() == 2 && spent.iter().all(|time| *time >= least), "{spent:?}");
    }
}
