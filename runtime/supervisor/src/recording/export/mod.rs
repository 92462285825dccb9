//! Signed heads sent elsewhere, on a schedule of their own: what proves later that the log was not cut or rewritten by
//! whoever had this host. Whatever becomes of it, healing goes on.

mod command;
mod file;
mod target_status;
mod url;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ansai_audit::SignedHead;
use ansai_config::{Export, ExportUrl};
use ansai_core::{Event, Instant};

use super::heads::Heads;
use super::journal::Journal;
use crate::clock;
use crate::stop::Stop;

pub use target_status::{TargetStatus, statuses};

/// The newest head is put beside the log at least so often.
const KEEP: Duration = Duration::from_secs(60);
/// After a first failure; then twice as long each time, up to the schedule itself.
const RETRY_MS: u64 = 60_000;
/// Over what a target may take: a blocking call is given up on then, not ended.
const GRACE: Duration = Duration::from_secs(15);
/// At the end of the program, for a command to be ended.
const LEAVE: Duration = Duration::from_millis(500);

/// Where a head goes.
#[derive(Debug, Clone)]
enum Target {
    File(PathBuf),
    Command(Vec<String>),
    Url(ExportUrl),
}

/// A head did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// An I/O error.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file is none to add lines to.
    #[error("not a regular file")]
    NotAFile,
    /// Another program holds the file.
    #[error("another program holds its lock")]
    Locked,
    /// The command failed.
    #[error("ended with {status}: {errors}")]
    Failed { status: std::process::ExitStatus, errors: String },
    /// It took too long.
    #[error("took longer than {} s", .0.as_secs())]
    TimeLimit(Duration),
    /// ansai is asked to stop.
    #[error("ended because ansai stops")]
    Stopping,
    /// The attempt before is still under way.
    #[error("the attempt before has not ended")]
    UnderWay,
    /// The token cannot be used.
    #[error("token {}: {why}", path.display())]
    Token { path: PathBuf, why: String },
    /// Certificates cannot be read.
    #[error("certificates: {0}")]
    Certificates(String),
    /// The server does not want it.
    #[error("the server answered {0}")]
    Status(u16),
    /// Heads go where the operator said, and nowhere else.
    #[error("the server answered {0}: redirects are not followed")]
    Redirect(u16),
    /// No answer came.
    #[error("{0}")]
    Http(String),
}

impl Target {
    /// A word for the file of statuses.
    fn kind(&self) -> &'static str {
        match self {
            Target::File(_) => "file",
            Target::Command(_) => "command",
            Target::Url(_) => "url",
        }
    }

    /// For people: without arguments and queries, which may hold secrets.
    fn name(&self) -> String {
        let what = match self {
            Target::File(path) => path.display().to_string(),
            Target::Command(words) => words.first().cloned().unwrap_or_default(),
            Target::Url(url) => url.shown.clone(),
        };
        ansai_core::text::inert(&format!("{} {what}", self.kind()), 300)
    }

    fn send(&self, head: &SignedHead, limit: Duration, is_stopping: &dyn Fn() -> bool) -> Result<(), SendError> {
        match self {
            Target::File(path) => file::append(path, head),
            Target::Command(words) => command::run(words, head, limit, is_stopping),
            Target::Url(url) => url::post(url, head, limit),
        }
    }
}

/// The targets, and how each stands.
pub(crate) struct Exports {
    every: u64,
    limit: Duration,
    targets: Vec<Target>,
    file: PathBuf,
    statuses: Mutex<target_status::TargetStatuses>,
    /// Targets whose last attempt has not ended, each by its kind.
    under_way: Arc<Mutex<BTreeSet<&'static str>>>,
}

impl Exports {
    pub(crate) fn new(export: Export, state_dir: &Path) -> Exports {
        let file = target_status::file(state_dir);
        let targets = [export.file.map(Target::File), export.command.map(Target::Command), export.url.map(Target::Url)];
        Exports {
            every: export.every,
            limit: Duration::from_millis(export.timeout),
            targets: targets.into_iter().flatten().collect(),
            statuses: Mutex::new(target_status::read(&file).unwrap_or_default()),
            file,
            under_way: Arc::default(),
        }
    }

    /// Milliseconds until a target wants a head.
    fn wait(&self, target: &Target, now: Instant) -> u64 {
        let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let known = statuses.get(target.kind()).filter(|status| status.target == target.name());
        let left = known.map_or(0, |status| status.next_at.saturating_sub(now));
        // A time beyond the schedule is of a clock that was put back, or of another schedule.
        if left > self.every { 0 } else { left }
    }

    /// How long a target rests: its schedule, or less after failures.
    fn rest(&self, failures: u32) -> u64 {
        match failures.checked_sub(1) {
            None => self.every,
            Some(again) => RETRY_MS.saturating_mul(1 << again.min(20)).min(self.every),
        }
    }

    /// Notes what came of an attempt; answers what is to be recorded: failures, and the end of failures.
    fn conclude(
        &self,
        target: &Target,
        head: &SignedHead,
        sent: &Result<(), SendError>,
        now: Instant,
    ) -> Option<Event> {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let mut status =
            statuses.remove(target.kind()).filter(|known| known.target == target.name()).unwrap_or_default();
        status.target = target.name();
        let failed_before = status.failures > 0;
        let event = match sent {
            Ok(()) => {
                (status.failures, status.error) = (0, None);
                (status.sent_at, status.sent_sequence) = (Some(now), Some(head.head.sequence));
                failed_before.then(|| Event::HeadExport { target: target.name(), error: None, failures: 0 })
            }
            Err(error) => {
                let error = ansai_core::text::inert(&error.to_string(), 500);
                status.failures = status.failures.saturating_add(1);
                status.error = Some(error.clone());
                let failures = status.failures;
                Some(Event::HeadExport { target: target.name(), error: Some(error), failures })
            }
        };
        status.next_at = now.saturating_add(self.rest(status.failures));
        statuses.insert(target.kind().to_owned(), status);
        if let Err(error) = target_status::write(&self.file, &statuses) {
            tracing::debug!("{}: {error}", self.file.display());
        }
        event
    }
}

/// Keeps the local head up to date and sends heads elsewhere.
pub(crate) struct HeadExport {
    pub(crate) heads: Arc<Heads>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) exports: OnceLock<Exports>,
}

impl HeadExport {
    /// Until asked to stop.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut kept = std::time::Instant::now();
        loop {
            let due = self.exports.get().and_then(|exports| {
                exports.targets.iter().map(|target| Duration::from_millis(exports.wait(target, clock::now()))).min()
            });
            let wait = KEEP.saturating_sub(kept.elapsed()).min(due.unwrap_or(KEEP));
            if self.stop.or(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
            if kept.elapsed() >= KEEP {
                kept = std::time::Instant::now();
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
            tracing::error!("updating the local head of the audit log panicked, ansai tries again in a minute: {error}");
        }
    }

    /// Sends to all targets that are due, side by side, each within its limit.
    async fn send_due(self: &Arc<Self>) {
        let Some(exports) = self.exports.get() else { return };
        let now = clock::now();
        let due: Vec<Target> =
            exports.targets.iter().filter(|target| exports.wait(target, now) == 0).cloned().collect();
        if due.is_empty() || self.stop.is_asked() {
            return;
        }
        let heads = self.heads.clone();
        let head = match tokio::task::spawn_blocking(move || heads.sign(now)).await {
            Ok(Ok(head)) => head,
            Ok(Err(error)) => {
                tracing::error!("the head of the audit log cannot be signed, ansai tries again: {error}");
                // Not at once again: the log refuses everybody now.
                tokio::time::sleep(Duration::from_secs(1)).await;
                return;
            }
            Err(error) => {
                tracing::error!("signing the head of the audit log panicked, ansai tries again: {error}");
                return;
            }
        };
        let sending: Vec<_> =
            due.into_iter().map(|target| tokio::spawn(self.clone().send(target, head.clone()))).collect();
        for one in sending {
            if let Err(error) = one.await {
                tracing::error!("sending a head of the audit log panicked, ansai tries again: {error}");
            }
        }
    }

    async fn send(self: Arc<Self>, target: Target, head: SignedHead) {
        let Some(exports) = self.exports.get() else { return };
        let sent = self.attempt(exports, &target, &head).await;
        if matches!(sent, Err(SendError::Stopping)) {
            return;
        }
        if let Err(error) = &sent {
            tracing::warn!("no head of the audit log to {}: {error}", target.name());
        }
        let now = clock::now();
        if let Some(event) = exports.conclude(&target, &head, &sent, now)
            && let Err(error) = self.journal.durable(now, event)
        {
            tracing::error!("{error}");
        }
    }

    async fn attempt(&self, exports: &Exports, target: &Target, head: &SignedHead) -> Result<(), SendError> {
        let kind = target.kind();
        let under_way = exports.under_way.clone();
        if !under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(kind) {
            return Err(SendError::UnderWay);
        }
        let (limit, target, head, stopping) = (exports.limit, target.clone(), head.clone(), self.stop.clone());
        let mut working = tokio::task::spawn_blocking(move || {
            let sent = target.send(&head, limit, &|| stopping.is_asked());
            under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(kind);
            sent
        });
        let given = if self.stop.is_asked() { LEAVE } else { limit + GRACE };
        let ended = match self.stop.or(tokio::time::timeout(given, &mut working)).await {
            Some(ended) => ended,
            None => match tokio::time::timeout(LEAVE, &mut working).await {
                Err(_) => return Err(SendError::Stopping),
                ended => ended,
            },
        };
        match ended {
            Ok(Ok(sent)) => sent,
            Ok(Err(error)) => Err(std::io::Error::other(error).into()),
            Err(_) => Err(SendError::TimeLimit(limit)),
        }
    }
}
