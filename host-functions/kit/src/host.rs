//! The host that is looked after: where its root is, and what a probe gets to know besides its arguments.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ansai_core::{Instant, Scope};

/// The host: `/`, a container's `/host`, or a test's fixture tree.
#[derive(Debug, Clone)]
pub struct Host {
    root: PathBuf,
    protected: Vec<PathBuf>,
}

impl Host {
    /// The host whose root directory this is.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Host { root: root.into(), protected: Vec::new() }
    }

    /// Keeps a directory of the host (its absolute path there) out of every action's reach: ansai's own state.
    #[must_use]
    pub fn protecting(mut self, absolute: impl Into<PathBuf>) -> Self {
        self.protected.push(absolute.into());
        self
    }

    /// Directories that no action touches, nor anything below them.
    pub fn protected(&self) -> &[PathBuf] {
        &self.protected
    }

    /// Its root directory, as this process sees it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// An absolute path of the host as this process sees it.
    pub fn path(&self, absolute: impl AsRef<Path>) -> PathBuf {
        let absolute = absolute.as_ref();
        self.root.join(absolute.strip_prefix("/").unwrap_or(absolute))
    }

    /// Whether it is this very machine's root: commands of the host can be run only then.
    pub fn is_this_machine(&self) -> bool {
        self.root == Path::new("/")
    }
}

/// When to stop: a point in time, or because somebody said so. Cheap to clone and to ask.
#[derive(Debug, Clone)]
pub struct Deadline {
    at: std::time::Instant,
    cancelled: Arc<AtomicBool>,
}

impl Deadline {
    /// So long from now.
    pub fn after(duration: std::time::Duration) -> Self {
        Deadline { at: std::time::Instant::now() + duration, cancelled: Arc::default() }
    }

    /// Makes it be over now, for all clones.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether somebody said so: nobody waits for the work any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// How long until it is over.
    pub fn remaining(&self) -> std::time::Duration {
        self.at.saturating_duration_since(std::time::Instant::now())
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.is_cancelled() || std::time::Instant::now() >= self.at
    }
}

/// What a probe or a preview gets to know besides its arguments.
#[derive(Debug, Clone, Copy)]
pub struct ProbeContext<'a> {
    /// The host.
    pub host: &'a Host,
    /// The scope in force for the interface that was called, every field filled in.
    pub scope: &'a Scope,
    /// When the evaluation began.
    pub now: Instant,
    /// Long work stops when it is over, and answers what it has with `complete: false`.
    pub deadline: &'a Deadline,
}
