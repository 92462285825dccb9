//! All of it together: opened once per state directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ansai_audit::{Ballast, Head, Log, Recordings, RecordingsError, Retention};
use ansai_config::Export;
use ansai_core::event::InstanceRef;
use ansai_core::{Event, Measure, Mode};
use ansai_host_functions::live::LiveHost;

use crate::authority::Authority;
use crate::clock;
use crate::export::Exports;
use crate::heads::{self, HeadError, Heads};
use crate::instance::Instance;
use crate::journal::{Journal, JournalError};
use crate::leases::Leases;
use crate::plans::{PlanFileError, Plans};
use crate::report::{InstanceReport, Notice};
use crate::sampling::Sampling;
use crate::state::{State, StateError};

/// Given up so that state and plans can be written on a full disk.
const BALLAST_BYTES: u64 = 1 << 20;

/// How it is opened.
pub struct Options {
    /// A directory of ansai's own.
    pub state_dir: PathBuf,
    /// The ceiling of this run.
    pub mode: Mode,
    /// Version of ansai, for the record.
    pub version: String,
    /// Evaluated of whatever changes.
    pub notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

/// The state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The audit log: in use by another ansai, damaged, not readable.
    #[error(transparent)]
    Audit(#[from] ansai_audit::OpenError),
    /// The store of recordings.
    #[error(transparent)]
    Recordings(#[from] RecordingsError),
    /// The database.
    #[error(transparent)]
    State(#[from] StateError),
    /// The directory of plans.
    #[error(transparent)]
    Plans(#[from] PlanFileError),
    /// The first record.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key of the log, or the head beside it.
    #[error(transparent)]
    Head(#[from] HeadError),
}

impl OpenError {
    /// The way out, where there is one to name.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            OpenError::Audit(error) => error.hint(),
            OpenError::Head(error) => error.hint(),
            _ => None,
        }
    }
}

/// Where an open supervisor keeps what.
pub(crate) struct Inner {
    pub(crate) journal: Journal,
    pub(crate) heads: Heads,
    pub(crate) exports: OnceLock<Exports>,
    pub(crate) state_dir: PathBuf,
    pub(crate) audit_dir: PathBuf,
    pub(crate) state: Arc<State>,
    pub(crate) recordings: std::sync::Mutex<Recordings>,
    pub(crate) plans: Plans,
    pub(crate) shared: LiveHost,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) leases: Leases,
    pub(crate) sampling: Sampling,
    pub(crate) facts: Arc<Vec<Measure>>,
    pub(crate) notice: Arc<dyn Fn(Notice) + Send + Sync>,
    pub(crate) mode: Mode,
    /// Set when ansai is asked to stop.
    pub(crate) stop: AtomicBool,
    pub(crate) stopped: tokio::sync::Notify,
    counter: AtomicU32,
}

/// The loop over one state directory; cheap to clone.
#[derive(Clone)]
pub struct Supervisor(pub(crate) Arc<Inner>);

impl Supervisor {
    /// Opens the state; refuses when another ansai has it. Steps that a crash interrupted are resolved by
    /// [`Supervisor::recover`], which every run begins with.
    pub fn open(
        options: Options,
        shared: LiveHost,
        authority: Arc<dyn Authority>,
        instances: Vec<Instance>,
    ) -> Result<Supervisor, OpenError> {
        let dir = &options.state_dir;
        let kept = heads::known(dir)?;
        let known = kept.as_ref().map(|kept| kept.head);
        let audit_dir = heads::log_directory(dir);
        let (log, recovery) = Log::open(&audit_dir, ansai_audit::Options { known, ..Default::default() })?;
        let journal = Journal::new(log);
        let now = clock::now();
        let heads = Heads::open(dir, kept, &journal, now)?;
        let ballast = Ballast::new(dir.join("ballast"), BALLAST_BYTES);
        let state = State::open(&dir.join("state.db"), ballast)?;
        for result in [state.replenish(), recovery.reserve.map_err(|error| error.to_string())] {
            if let Err(error) = result {
                tracing::warn!("no room is set aside for a full disk: {error}");
            }
        }
        if let Some(cut) = recovery.cut {
            let detail = format!("{cut:?}");
            journal.note(now, Event::Recovered { torn_bytes: cut.torn.bytes, detail })?;
        }
        let references = instances.iter().map(|instance| InstanceRef {
            instance: instance.name.to_string(),
            component: instance.policy.info().digest.clone(),
            version: instance.version.clone(),
            mode: authority.effective_grants(&instance.name).map_or(Mode::Observe, |force| force.mode),
        });
        let started = Event::Started { version: options.version, mode: options.mode, instances: references.collect() };
        journal.durable(now, started)?;
        Ok(Supervisor(Arc::new(Inner {
            journal,
            heads,
            exports: OnceLock::new(),
            state_dir: dir.clone(),
            audit_dir,
            state: Arc::new(state),
            recordings: std::sync::Mutex::new(Recordings::open(dir.join("recordings"), Retention::default())?),
            plans: Plans::open(dir.join("plans"))?,
            facts: Arc::new(ansai_local::facts::read(&shared.host)),
            shared,
            authority,
            sampling: Sampling::new(instances.len()),
            instances,
            leases: Leases::default(),
            notice: options.notice,
            mode: options.mode,
            stop: AtomicBool::new(false),
            stopped: tokio::sync::Notify::new(),
            counter: AtomicU32::new(0),
        })))
    }

    /// Recovers, evaluates every instance once, side by side, and heals what may be healed.
    pub async fn run_once(&self) -> Vec<InstanceReport> {
        self.recover().await;
        let inner = self.0.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || inner.end_holds()).await {
            tracing::error!("ending holds failed: {error}");
        }
        let passes: Vec<_> = self
            .0
            .instances
            .iter()
            .map(|instance| {
                let (inner, instance) = (self.0.clone(), instance.clone());
                tokio::spawn(async move { inner.pass(&instance, 0, true).await })
            })
            .collect();
        let mut reports = Vec::with_capacity(passes.len());
        for (pass, instance) in passes.into_iter().zip(&self.0.instances) {
            reports.push(match pass.await {
                Ok(report) => report,
                // A fault of ansai in one instance harms no other.
                Err(error) => Inner::failed(instance, self.0.mode, format!("the pass failed: {error}")),
            });
        }
        self.0.settle();
        crate::export::once(&self.0).await;
        reports
    }

    /// Sends signed heads of the audit log to these targets from now on. Said once, before the first pass.
    pub fn export_heads(&self, export: Export) {
        if self.0.exports.set(Exports::new(export, &self.0.state_dir)).is_err() {
            tracing::error!("targets of heads were said twice: the first stay");
        }
    }

    /// Puts the newest head beside the log: at the end of what was done.
    pub fn keep_head(&self) {
        self.0.keep_head();
    }

    /// Recovers, then evaluates at the instances' schedules until [`Supervisor::stop`].
    pub async fn run(&self) {
        self.recover().await;
        let instances = u32::try_from(self.0.instances.len()).unwrap_or(u32::MAX);
        (self.0.notice)(Notice::Started { instances, mode: self.0.mode });
        crate::schedule::run(&self.0).await;
        let event = Event::Stopped { why: "asked to stop".to_owned(), unrecorded: self.0.sampling.unrecorded() };
        if let Err(error) = self.0.journal.durable(clock::now(), event) {
            tracing::error!("{error}");
        }
        self.0.keep_head();
    }

    /// Asks for an orderly end: no new step begins, a short one ends at its next target, a long one as it declares.
    pub fn stop(&self, why: &str) {
        if !self.0.stop.swap(true, Ordering::SeqCst) {
            (self.0.notice)(Notice::Stopping { why: why.to_owned() });
            self.0.stopped.notify_waiters();
        }
    }

    /// Records a policy that was not loaded; `kind` is a word that stays.
    pub fn note_not_loaded(&self, name: &str, kind: &str, error: &str) {
        let text = |text: &str, most| ansai_core::text::inert(text, most);
        let event = Event::NotLoaded { name: text(name, 200), kind: kind.to_owned(), error: text(error, 2_000) };
        if let Err(error) = self.0.journal.note(clock::now(), event) {
            tracing::error!("{error}");
        }
    }

    /// The newest audit record.
    pub fn head(&self) -> Head {
        self.0.journal.head()
    }

    /// The instances.
    pub fn instances(&self) -> &[Instance] {
        &self.0.instances
    }
}

impl Inner {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// `20261121T025616-0001`: unique on this host, sorts by time, safe as a file name.
    pub(crate) fn fresh_id(&self, now: ansai_core::Instant) -> String {
        let at = jiff::Timestamp::from_millisecond(i64::try_from(now).unwrap_or(0)).unwrap_or_default();
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("{}-{:03}-{:04}", at.strftime("%Y%m%dt%H%M%S"), now % 1_000, number)
    }

    pub(crate) fn keep_head(&self) {
        if let Err(error) = self.heads.keep(&self.journal, clock::now()) {
            tracing::error!("the head of the audit log could not be kept: {error}");
        }
    }

    /// What was noted is made durable, reserves are made again.
    pub(crate) fn settle(&self) {
        if let Err(error) = self.journal.sync() {
            tracing::error!("{error}");
        }
        if let Err(error) = self.state.flush() {
            tracing::error!("{error}");
        }
        for result in [self.journal.replenish(), self.state.replenish()] {
            if let Err(error) = result {
                tracing::debug!("reserve: {error}");
            }
        }
    }
}
