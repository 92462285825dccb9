//! Questions about incidents and history, on the state directory while no daemon answers.

use ansai_core::control::{Answer, Request};
use ansai_storage::Directory;
use ansai_supervisor::queries::{QueryError, Stored};

use crate::error::Error;
use crate::history::HistoryError;

/// `None` if the request is no such question; `Some(None)` if nothing ever ran there.
pub(super) fn query(directory: &Directory, request: &Request) -> Result<Option<Option<Answer>>, Error> {
    if !matches!(request, Request::Incidents(_) | Request::Incident { .. } | Request::History(_) | Request::Report(_)) {
        return Ok(None);
    }
    let Some(stored) = Stored::open(directory)? else { return Ok(Some(None)) };
    let answer = match request {
        Request::Incidents(filter) => Answer::Incidents(Box::new(stored.incidents(filter)?)),
        Request::Incident { incident } => Answer::Incident(Box::new(stored.incident(incident)?)),
        Request::History(filter) => Answer::History(Box::new(stored.history(filter)?)),
        Request::Report(filter) => Answer::Report(Box::new(stored.report(filter)?)),
        _ => return Ok(None),
    };
    Ok(Some(Some(answer)))
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Error {
        match error {
            QueryError::Audit(error) => HistoryError::from(error).into(),
            error => Error::Query(error),
        }
    }
}
