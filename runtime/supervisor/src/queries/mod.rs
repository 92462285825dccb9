//! Questions about incidents, history and longer times: of a running supervisor, or of what the last run left. Each answer
//! is bounded, whatever the state and the audit log hold.

mod details;
mod history;
mod list;
mod log;
mod means;
mod recorded;
mod report;

use ansai_audit::ReadError;
use ansai_core::control::{
    History, HistoryFilter, HostReport, IncidentDetails, IncidentFilter, IncidentList, ReportFilter,
};
use ansai_storage::Directory;

pub use self::recorded::RecordedIncident;
use crate::recording::heads::LOG;
use crate::state::{State, StateError};
use crate::status::next::Outlook;
use crate::supervisor::Supervisor;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The audit log cannot be read, or was changed.
    #[error(transparent)]
    Audit(#[from] ReadError),
    /// There is no such incident.
    #[error("no incident `{id}` is open or known")]
    UnknownIncident {
        /// As it was asked for, safe to print.
        id: String,
        /// A known id that is similar, safe to print.
        near: Option<String>,
    },
}

/// What answers questions.
struct Source<'a> {
    state: &'a State,
    /// The directory of the audit log; `None` if nothing was ever recorded.
    audit: Option<&'a Directory>,
    outlook: Outlook<'a>,
}

impl Supervisor {
    fn source(&self) -> Result<Source<'_>, QueryError> {
        let (state, audit) = (&*self.0.state, Some(&self.0.incidents.audit_dir));
        Ok(Source { state, audit, outlook: Outlook::running(self)? })
    }

    /// Open incidents, and closed ones.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn incidents(&self, filter: &IncidentFilter) -> Result<IncidentList, QueryError> {
        self.source()?.list(filter)
    }

    /// One incident with all that happened to it.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn incident(&self, id: &str) -> Result<IncidentDetails, QueryError> {
        self.source()?.details(id)
    }

    /// What happened.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn history(&self, filter: &HistoryFilter) -> Result<History, QueryError> {
        self.source()?.history(filter)
    }

    /// What ansai did over a time.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn report(&self, filter: &ReportFilter) -> Result<HostReport, QueryError> {
        self.source()?.report(filter)
    }
}

/// The state directory of a run that has ended, or of one that starts. Nothing is written, and no lock is needed.
pub struct Stored {
    state: State,
    audit: Option<Directory>,
}

impl Stored {
    /// Opens it; `None` if nothing ever ran there.
    ///
    /// # Errors
    /// The state cannot be read, or another version of ansai wrote it.
    pub fn open(directory: &Directory) -> Result<Option<Stored>, QueryError> {
        let Some(state) = State::left_in(directory)? else { return Ok(None) };
        Ok(Some(Stored { state, audit: Directory::open(directory.path_of(LOG)).ok() }))
    }

    fn source(&self) -> Result<Source<'_>, QueryError> {
        Ok(Source { state: &self.state, audit: self.audit.as_ref(), outlook: Outlook::stored(&self.state)? })
    }

    /// As [`Supervisor::incidents`].
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn incidents(&self, filter: &IncidentFilter) -> Result<IncidentList, QueryError> {
        self.source()?.list(filter)
    }

    /// As [`Supervisor::incident`].
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn incident(&self, id: &str) -> Result<IncidentDetails, QueryError> {
        self.source()?.details(id)
    }

    /// As [`Supervisor::history`].
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn history(&self, filter: &HistoryFilter) -> Result<History, QueryError> {
        self.source()?.history(filter)
    }

    /// As [`Supervisor::report`].
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn report(&self, filter: &ReportFilter) -> Result<HostReport, QueryError> {
        self.source()?.report(filter)
    }
}
