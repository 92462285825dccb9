//! Runs each instance at its interval, until ansai stops.

use ansai_core::Millis;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::instance::Instance;
use crate::pass::{Passes, PlanWhat};
use crate::stop::Stop;

/// The first evaluations start one after the other, so that thousands are not due at the same time.
const APART: Duration = Duration::from_millis(1);

/// All tasks that run until ansai stops.
pub(crate) struct Schedule {
    stop: Arc<Stop>,
    tasks: Vec<JoinHandle<()>>,
}

impl Schedule {
    pub(crate) fn new(stop: Arc<Stop>) -> Schedule {
        Schedule { stop, tasks: Vec::new() }
    }

    /// Runs passes over each instance at its interval.
    pub(crate) fn passes(&mut self, passes: &Arc<Passes>, instances: &[Instance]) {
        let start = Instant::now();
        let count = u32::try_from(instances.len()).unwrap_or(u32::MAX).max(1);
        self.tasks.reserve(instances.len());
        for (place, instance) in (0u32..).zip(instances) {
            let every = Duration::from(instance.every.max(Millis::new(1)));
            let first = start + place * APART.min(every / count);
            let (passes, instance) = (passes.clone(), instance.clone());
            let pass = move |due: Instant| run_pass(passes.clone(), instance.clone(), due);
            self.tasks.push(tokio::spawn(repeat(self.stop.clone(), ticks(first, every), pass)));
        }
    }

    /// Runs a task at an interval. `name` appears in the log.
    pub(crate) fn every<F>(&mut self, every: Duration, name: &'static str, work: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let work = move |_| {
            let working = tokio::spawn(work());
            async move {
                if let Err(error) = working.await {
                    tracing::error!("{name} panicked, ansai tries again in {} s: {error}", every.as_secs());
                }
            }
        };
        self.tasks.push(tokio::spawn(repeat(self.stop.clone(), ticks(Instant::now(), every), work)));
    }

    /// Runs a task that ends by itself when ansai stops.
    pub(crate) fn task(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(task));
    }

    /// Returns when all tasks have ended.
    pub(crate) async fn finish(self) {
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!("a schedule panicked and does not run until ansai restarts: {error}");
            }
        }
    }
}

/// After a slow pass, the next one starts a whole interval later, and not several times immediately.
fn ticks(first: Instant, every: Duration) -> Interval {
    let mut ticks = interval_at(first, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn repeat<F: Future<Output = ()>>(stop: Arc<Stop>, mut ticks: Interval, work: impl Fn(Instant) -> F) {
    while let Some(due) = stop.or(ticks.tick()).await {
        work(due).await;
    }
}

async fn run_pass(passes: Arc<Passes>, instance: Instance, due: Instant) {
    let late_ms = u64::try_from(due.elapsed().as_millis()).unwrap_or(u64::MAX);
    // A panic in one pass affects neither other instances nor the next pass.
    let pass = {
        let (passes, instance) = (passes.clone(), instance.clone());
        tokio::spawn(async move { passes.pass(&instance, late_ms, PlanWhat::News).await })
    };
    if let Err(error) = pass.await {
        passes.panicked(&instance, &error);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn tasks_repeat_also_after_a_panic_and_end_with_the_stop() {
        let stop = Arc::new(Stop::new());
        let mut schedule = Schedule::new(stop.clone());
        let times = Arc::new(AtomicU32::new(0));
        let (counted, stopping) = (times.clone(), stop.clone());
        schedule.every(Duration::from_millis(1), "a test", move || {
            let time = counted.fetch_add(1, Ordering::SeqCst);
            let stopping = stopping.clone();
            async move {
                assert!(time != 1, "on purpose");
                if time == 3 {
                    stopping.ask("done");
                }
            }
        });
        let waits = stop.clone();
        schedule.task(async move { assert_eq!(waits.or(std::future::pending::<()>()).await, None) });
        schedule.finish().await;
        assert_eq!(times.load(Ordering::SeqCst), 4);
    }
}
