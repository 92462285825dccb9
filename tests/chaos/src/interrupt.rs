//! After ^C, runs end in order: their hosts are stopped and nothing is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
const POLL: Duration = Duration::from_millis(100);

/// From here on, SIGINT and SIGTERM end waits instead of the program.
///
/// # Errors
/// If the signals cannot be received.
pub fn listen() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("a runtime for signals")?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
        });
        INTERRUPTED.store(true, Ordering::SeqCst);
    });
    Ok(())
}

/// Whether a signal came.
pub fn came() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Fails after a signal.
///
/// # Errors
/// If one came.
pub fn check() -> anyhow::Result<()> {
    ensure!(!came(), "interrupted");
    Ok(())
}

/// Sleeps.
///
/// # Errors
/// At once when a signal comes.
pub fn sleep(time: Duration) -> anyhow::Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        check()?;
        std::thread::sleep(POLL.min(end.saturating_duration_since(Instant::now())));
    }
    check()
}
