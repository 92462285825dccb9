//! Each instance at its own pace, until asked to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::instance::Instance;
use crate::supervisor::Inner;

/// Between two looks for quarantined files whose time has come.
const HOLDS: Duration = Duration::from_secs(10 * 60);
/// What was noted, and what policies remember, is on the disk after so long at the latest.
const SETTLE: Duration = Duration::from_secs(1);
/// The first evaluations begin one after the other, so that thousands do not come due at once ever after.
const APART: Duration = Duration::from_millis(1);

/// Runs every instance's schedule; returns when all have ended.
pub(crate) async fn run(inner: &Arc<Inner>) {
    let start = Instant::now();
    let count = u32::try_from(inner.instances.len()).unwrap_or(u32::MAX).max(1);
    let mut tasks: Vec<_> = Vec::with_capacity(inner.instances.len() + 3);
    for (place, instance) in (0u32..).zip(&inner.instances) {
        let every = Duration::from_millis(instance.every.max(1));
        let first = start + place * APART.min(every / count);
        tasks.push(tokio::spawn(keep(inner.clone(), instance.clone(), ticks(first, every))));
    }
    tasks.push(tokio::spawn(now_and_then(inner.clone(), HOLDS, Inner::end_holds)));
    tasks.push(tokio::spawn(now_and_then(inner.clone(), SETTLE, Inner::settle)));
    tasks.push(tokio::spawn(crate::export::keep(inner.clone())));
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!("a schedule failed: {error}");
        }
    }
    inner.settle();
}

/// After a slow pass the next one comes a whole interval later, not at once and many times.
fn ticks(first: Instant, every: Duration) -> Interval {
    let mut ticks = interval_at(first, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The time of the next tick; `None` when ansai was asked to stop.
async fn next(inner: &Inner, ticks: &mut Interval) -> Option<Instant> {
    let stopped = inner.stopped.notified();
    tokio::pin!(stopped);
    // Registered before the flag is read, so that a stop in between is not missed.
    stopped.as_mut().enable();
    if inner.is_stopping() {
        return None;
    }
    tokio::select! {
        () = &mut stopped => None,
        due = ticks.tick() => Some(due),
    }
}

/// What touches the disk, on a thread that may wait for it.
async fn now_and_then(inner: Arc<Inner>, every: Duration, work: fn(&Inner)) {
    let mut ticks = ticks(Instant::now(), every);
    while next(&inner, &mut ticks).await.is_some() {
        let inner = inner.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || work(&inner)).await {
            tracing::error!("housekeeping failed: {error}");
        }
    }
}

async fn keep(inner: Arc<Inner>, instance: Instance, mut ticks: Interval) {
    while let Some(due) = next(&inner, &mut ticks).await {
        let late_ms = u64::try_from(due.elapsed().as_millis()).unwrap_or(u64::MAX);
        // A fault of ansai in one pass harms neither other instances nor the next pass.
        let pass = {
            let (inner, instance) = (inner.clone(), instance.clone());
            tokio::spawn(async move { inner.pass(&instance, late_ms, false).await })
        };
        if let Err(error) = pass.await {
            tracing::error!(instance = %instance.name, "the pass failed: {error}");
        }
    }
}
