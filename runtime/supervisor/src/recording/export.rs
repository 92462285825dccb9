//! Signed heads sent elsewhere, on a schedule of their own: they prove later that the log was not cut or rewritten by
//! whoever had this host. Healing goes on whatever happens to them.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ansai_audit::SignedHead;
use ansai_config::Export;
use ansai_core::{Event, Timestamp};
use ansai_delivery::{Attempted, Capacity, Delivery, Message, Options, OutboxError, Target, TargetStatus, UrlTarget};
use ansai_kit::carrier::Carrier;
use ansai_storage::{Directory, StorageError};

use super::heads::Heads;
use super::journal::Journal;
use crate::clock;
use crate::stop::Stop;
use crate::virtual_time::housekeeping;

/// The local head is updated at least so often.
const KEEP: Duration = Duration::from_secs(60);
/// Only the newest head waits for a target.
const CAPACITY: Capacity = Capacity { messages: 4, bytes: 64 << 10 };

/// The outbox of a state directory.
const OUTBOX: &str = "audit-export";

/// What sends heads to a URL in the process that calls servers.
pub use ansai_delivery::HANDLER;

/// How each target of a state directory does; empty where no head was ever to be sent.
///
/// # Errors
/// When the status is there and cannot be read.
pub fn statuses(state_dir: &Path) -> Result<Vec<TargetStatus>, StorageError> {
    ansai_delivery::statuses(state_dir.join(OUTBOX))
}

/// Opens the outbox of the targets that a configuration names. `carrier` posts to URLs; without one, this process does.
pub(crate) fn open(
    export: Export,
    state_dir: &Directory,
    carrier: Option<Arc<dyn Carrier>>,
) -> Result<Delivery, OutboxError> {
    let url = |url: ansai_config::ExportUrl| {
        let ansai_config::ExportUrl { url, shown, token_file, ca_file } = url;
        Target::Url(UrlTarget { url, shown, token_file, ca_file })
    };
    let targets = [export.file.map(Target::File), export.command.map(Target::Command), export.url.map(url)];
    let limit = Duration::from(export.timeout);
    let options = Options { every_ms: Some(export.every.get()), limit, capacity: CAPACITY };
    let outbox = state_dir.create_subdirectory(OUTBOX)?;
    Ok(Delivery::open(outbox, targets.into_iter().flatten().collect(), options)?.carried_by(carrier))
}

/// Keeps the local head up to date and sends heads elsewhere.
pub(crate) struct HeadExport {
    pub(crate) heads: Arc<Heads>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) delivery: OnceLock<Delivery>,
}

impl HeadExport {
    /// Until asked to stop.
    pub(crate) async fn run(self: Arc<Self>) {
        let (mut kept, every) = (tokio::time::Instant::now(), housekeeping(KEEP));
        loop {
            let due = self.delivery.get().and_then(|delivery| delivery.wait(clock::now()));
            let wait = every.saturating_sub(kept.elapsed()).min(due.unwrap_or(every));
            if self.stop.or(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
            if kept.elapsed() >= every {
                kept = tokio::time::Instant::now();
                self.keep().await;
            }
            self.send_due().await;
        }
    }

    /// For a run that ends: sends what is due, and updates the local head.
    pub(crate) async fn run_once(self: &Arc<Self>) {
        self.send_due().await;
        self.keep().await;
    }

    async fn keep(&self) {
        let heads = self.heads.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || heads.keep(clock::now())).await {
            tracing::error!("updating the local audit head panicked, ansai tries again in a minute: {error}");
        }
    }

    /// Signs the newest head for each target that is due, and sends it.
    async fn send_due(self: &Arc<Self>) {
        let Some(delivery) = self.delivery.get() else { return };
        let now = clock::now();
        if self.stop.is_asked() || delivery.due(now).is_empty() {
            return;
        }
        let this = self.clone();
        let queued = tokio::task::spawn_blocking(move || this.queue_heads(now));
        let queued = queued.await.unwrap_or_else(|error| Err(format!("panicked: {error}")));
        if let Err(error) = queued {
            tracing::error!("no audit head can be sent, ansai tries again: {error}");
            // Not at once again: what failed now fails for all.
            self.stop.or(tokio::time::sleep(Duration::from_secs(1))).await;
            return;
        }
        for Attempted { target, error, failures, failures_before } in delivery.deliver(now, &self.stop.watch()).await {
            if let Some(error) = &error {
                tracing::warn!("the audit head did not reach {target}, ansai tries again: {error}");
            }
            if error.is_none() && failures_before == 0 {
                continue;
            }
            // Failures, and the end of failures.
            if let Err(error) = self.journal.durable(clock::now(), Event::HeadExport { target, error, failures }) {
                tracing::error!("an audit head export is not recorded: {error}");
            }
        }
    }

    fn queue_heads(&self, now: Timestamp) -> Result<(), String> {
        let Some(delivery) = self.delivery.get() else { return Ok(()) };
        let head = self.heads.sign(now).map_err(|error| error.to_string())?;
        for target in delivery.due(now) {
            delivery.put(&target, &message(&target, &head)).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// A line, or JSON for a web server. An older head that still waits is of no use.
fn message(target: &Target, head: &SignedHead) -> Message {
    let (content_type, body) = match target {
        Target::Url(_) => {
            let document = serde_json::json!({
                "head": head.to_string(),
                "log": head.log.to_string(),
                "sequence": head.head.sequence,
                "hash": hex::encode(head.head.hash),
                "at_ms": head.at_ms,
                "key": head.key.to_string(),
            });
            ("application/json", document.to_string())
        }
        Target::File(_) | Target::Command(_) => ("text/plain", format!("{head}\n")),
    };
    Message::new("audit-head", &head.head.sequence.to_string(), content_type, body.into_bytes()).superseding()
}
