//! Tells the service manager that a daemon lives, and how the host is.

use std::convert::Infallible;
use std::time::Duration;

use ansai_core::control::StatusReport;
use ansai_daemon::Running;
use tokio::time::{MissedTickBehavior, interval};

use super::notify::ServiceManager;
use crate::output::details::Layout;
use crate::output::status;

/// Between two looks whether the state has changed.
const STATE: Duration = Duration::from_secs(1);
/// So many times in the time of the watchdog, so that one that comes late is not the last one.
const PINGS: u32 = 4;
/// The part of the watchdog's time in which nothing may move before the pings stop.
const STALLED: u32 = 2;

/// Attends a daemon while it runs. Never completes. Without a service manager there is nothing to do.
pub(crate) async fn attend(manager: &ServiceManager, running: &Running) -> Infallible {
    if !manager.is_there() {
        return std::future::pending().await;
    }
    running.has_begun().await;
    manager.ready();
    let (never, _) = tokio::join!(states(manager, running), pings(manager, running));
    never
}

/// Says how the host is, whenever that may have changed.
async fn states(manager: &ServiceManager, running: &Running) -> Infallible {
    let mut ticks = ticks(STATE);
    loop {
        ticks.tick().await;
        if !manager.has_changed() {
            continue;
        }
        let asked = running.clone();
        // It reads the state from the disk.
        let line = match tokio::task::spawn_blocking(move || asked.status()).await {
            Ok(Ok(report)) => one_line(&report),
            Ok(Err(refused)) => format!("unknown: {}", refused.message),
            Err(_) => continue,
        };
        manager.state(&line);
    }
}

/// The first line of `ansai status`.
fn one_line(report: &StatusReport) -> String {
    let page = status::render(report, Layout { width: usize::MAX, all: false });
    let page = anstream::adapter::strip_str(&page).to_string();
    page.lines().next().unwrap_or_default().to_owned()
}

/// Says that it lives, as long as the loop does.
async fn pings(manager: &ServiceManager, running: &Running) -> Infallible {
    let Some(watchdog) = manager.watchdog else { return std::future::pending().await };
    let mut ticks = ticks(watchdog / PINGS);
    let mut is_told = false;
    loop {
        ticks.tick().await;
        match running.stalled(watchdog / STALLED) {
            None => {
                manager.ping();
                is_told = false;
            }
            Some(part) if !is_told => {
                is_told = true;
                let seconds = (watchdog / STALLED).as_secs();
                tracing::error!(
                    "{part} has not answered for {seconds} s: ansai no longer tells the watchdog that it lives"
                );
            }
            Some(_) => {}
        }
    }
}

/// After a moment without processor time, the next one comes a whole period later.
fn ticks(every: Duration) -> tokio::time::Interval {
    // An interval of nothing is a panic of tokio.
    let mut ticks = interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
