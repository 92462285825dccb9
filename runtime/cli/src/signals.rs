//! SIGINT and SIGTERM: the first one stops the daemon in order, the second one immediately.

use std::io;

use ansai_daemon::Running;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Catches both signals.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn catch() -> io::Result<Signals> {
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Stops the daemon at the first signal, and the program at the second. Never returns.
    pub(crate) async fn watch(mut self, running: Running) {
        let which = self.next().await;
        running.stop(which);
        self.next().await;
        tracing::warn!("second signal: stopping immediately; the next run recovers interrupted steps");
        std::process::exit(i32::from(ansai_core::exit::OTHER));
    }
}
