//! SIGINT and SIGTERM: the first one stops ansai in order, the second one immediately. SIGHUP makes the daemon read its
//! configuration again.

use std::io;
use std::time::Duration;

use ansai_daemon::Running;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the record of an immediate stop may take.
const LAST_RECORD: Duration = Duration::from_secs(1);

/// Catches all of them.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To stop; the name of the signal.
    Stop(&'static str),
    /// To read the configuration again.
    Reload,
}

impl Signals {
    pub(crate) fn catch() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop("SIGINT"),
            _ = self.terminate.recv() => Asked::Stop("SIGTERM"),
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }

    async fn next_stop(&mut self) -> &'static str {
        loop {
            if let Asked::Stop(which) = self.next().await {
                return which;
            }
        }
    }

    /// Stops a single pass at the first signal, and the program at the second. Never returns. There is nothing to
    /// reload: SIGHUP, which a closed terminal sends, stops the pass too.
    pub(crate) async fn watch(mut self, running: Running) {
        running.stop(match self.next().await {
            Asked::Stop(which) => which,
            Asked::Reload => "SIGHUP",
        });
        let second = self.next_stop().await;
        stop_now(&running, second).await;
    }
}

/// Records that the program ends, and ends it.
pub(crate) async fn stop_now(running: &Running, second: &str) -> ! {
    tracing::warn!("second signal: stopping immediately; the next run recovers interrupted steps");
    let (running, why) = (running.clone(), format!("second signal: {second}"));
    let recorded = tokio::task::spawn_blocking(move || running.interrupted(&why));
    // A disk that hangs does not keep the program alive.
    let _ = tokio::time::timeout(LAST_RECORD, recorded).await;
    std::process::exit(i32::from(ansai_core::exit::OTHER));
}
