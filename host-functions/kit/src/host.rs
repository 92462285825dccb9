//! The host that ansai keeps healthy, and the context of a probe.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ansai_core::scope::{Count, SetType, TypedField};
use ansai_core::{Refusal, Scope, Timestamp};

use crate::authorize::leads_outside;
use crate::carrier::Carrier;
use crate::target::Reach;

/// The host's root: `/`, `/host` in a container, or a test's directory.
#[derive(Debug, Clone)]
pub struct Host {
    root: PathBuf,
    protected: Vec<PathBuf>,
    carrier: Option<Arc<dyn Carrier>>,
}

impl Host {
    /// A host with this root directory.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Host { root: root.into(), protected: Vec::new(), carrier: None }
    }

    /// Protects a directory of the host, given by its absolute path there, from every action. Used for ansai's own
    /// state.
    #[must_use]
    pub fn protecting(mut self, absolute: impl Into<PathBuf>) -> Self {
        self.protected.push(absolute.into());
        self
    }

    /// With what calls its servers in another process.
    #[must_use]
    pub fn carried_by(mut self, carrier: Arc<dyn Carrier>) -> Self {
        self.carrier = Some(carrier);
        self
    }

    /// What calls its servers; `None` if this process does.
    pub fn carrier(&self) -> Option<&Arc<dyn Carrier>> {
        self.carrier.as_ref()
    }

    /// Protected directories: no action touches them or anything below them.
    pub fn protected(&self) -> &[PathBuf] {
        &self.protected
    }

    /// The root directory, as this process sees it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Maps an absolute path of the host to the path that this process uses.
    pub fn path(&self, absolute: impl AsRef<Path>) -> PathBuf {
        let absolute = absolute.as_ref();
        self.root.join(absolute.strip_prefix("/").unwrap_or(absolute))
    }

    /// Whether the host is this machine. Only then can ansai run the host's commands.
    pub fn is_this_machine(&self) -> bool {
        self.root == Path::new("/")
    }
}

/// The time at which work stops, or earlier if it is cancelled. Cheap to clone and to check.
#[derive(Debug, Clone)]
pub struct Deadline {
    at: std::time::Instant,
    cancelled: Arc<AtomicBool>,
}

impl Deadline {
    /// A deadline after this duration.
    pub fn after(duration: std::time::Duration) -> Self {
        Deadline { at: std::time::Instant::now() + duration, cancelled: Arc::default() }
    }

    /// Ends the deadline now, for all clones.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled because nobody waits for the result any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// The remaining time.
    pub fn remaining(&self) -> std::time::Duration {
        self.at.saturating_duration_since(std::time::Instant::now())
    }

    /// Whether the time is over, or it was cancelled.
    pub fn is_over(&self) -> bool {
        self.is_cancelled() || std::time::Instant::now() >= self.at
    }
}

/// The context of a probe or a preview.
#[derive(Debug, Clone, Copy)]
pub struct ProbeContext<'a> {
    /// The host.
    pub host: &'a Host,
    /// The scope in force for the called interface, with every field filled in.
    pub scope: &'a Scope,
    /// The targets that the instance may use.
    pub reach: &'a Reach,
    /// When the evaluation began.
    pub now: Timestamp,
    /// Long work stops at this deadline, and returns what it has with `complete: false`.
    pub deadline: &'a Deadline,
}

impl ProbeContext<'_> {
    /// Refuses what an alias, a link or a container leads to unless the scope permits it too: its canonical name.
    ///
    /// # Errors
    /// `denied` names it, and what is granted.
    pub fn permit<T: SetType>(&self, field: &TypedField<T>, canonical: &str) -> Result<(), Refusal> {
        self.scope.covers(field, canonical).map_err(leads_outside)
    }

    /// Refuses one more step in a plan that has used up a count of its grant.
    ///
    /// # Errors
    /// `denied` names the count.
    pub fn require_count(&self, field: &TypedField<Count>) -> Result<(), Refusal> {
        match self.scope.count(field) {
            0 => Err(Refusal::Denied(format!("`{}` of the grant permits no more in this plan", field.field().name))),
            _ => Ok(()),
        }
    }
}
