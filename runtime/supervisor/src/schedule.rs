//! Each instance at its own pace, until asked to stop.

use std::sync::Arc;
use std::time::Duration;

use crate::instance::Loaded;
use crate::supervisor::Inner;

/// Between two looks for quarantined files whose time has come.
const HOLDS: Duration = Duration::from_secs(10 * 60);

/// Runs every instance's schedule; returns when all have ended.
pub(crate) async fn run(inner: &Arc<Inner>) {
    let mut tasks: Vec<_> =
        inner.instances.iter().cloned().map(|instance| tokio::spawn(keep(inner.clone(), instance))).collect();
    tasks.push(tokio::spawn(end_holds(inner.clone())));
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!("a schedule failed: {error}");
        }
    }
}

async fn end_holds(inner: Arc<Inner>) {
    let mut ticks = tokio::time::interval(HOLDS);
    loop {
        let stopped = inner.stopped.notified();
        tokio::pin!(stopped);
        stopped.as_mut().enable();
        if inner.is_stopping() {
            return;
        }
        tokio::select! {
            () = &mut stopped => return,
            _ = ticks.tick() => {}
        }
        let inner = inner.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || inner.end_holds()).await {
            tracing::error!("ending holds failed: {error}");
        }
    }
}

async fn keep(inner: Arc<Inner>, instance: Loaded) {
    let every = Duration::from_millis(instance.every.max(1));
    let mut ticks = tokio::time::interval(every);
    // After a slow pass the next one comes a whole interval later, not at once and many times.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let stopped = inner.stopped.notified();
        tokio::pin!(stopped);
        // Registered before the flag is read, so that a stop in between is not missed.
        stopped.as_mut().enable();
        if inner.is_stopping() {
            return;
        }
        tokio::select! {
            () = &mut stopped => return,
            _ = ticks.tick() => {}
        }
        // A fault of ansai in one pass harms neither other instances nor the next pass.
        let pass = {
            let (inner, instance) = (inner.clone(), instance.clone());
            tokio::spawn(async move { inner.pass(&instance, false).await })
        };
        if let Err(error) = pass.await {
            tracing::error!(instance = %instance.name, "the pass failed: {error}");
        }
        inner.settle();
    }
}
