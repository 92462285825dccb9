//! Does a request with the supervisor. Each request is one line here; what it does is in the supervisor.

use std::collections::BTreeSet;
use std::sync::Arc;

use ansai_core::control::{Answer, Overall, Refused, Replied, Request};
use ansai_core::order::Person;
use ansai_core::{InstanceName, codes, exit};
use ansai_notify::Notifier;
use ansai_supervisor::approvals::ApprovalError;
use ansai_supervisor::queries::QueryError;
use ansai_supervisor::undo::UndoError;
use ansai_supervisor::{OrderError, Supervisor};

use super::separations;
use crate::error::Error;
use crate::expiry::Expiries;
use crate::notify;
use crate::shadow::Shown;

/// What does the requests of clients.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) supervisor: Supervisor,
    /// `None` without channels, or if notifications could not start.
    pub(crate) notifier: Option<Arc<Notifier>>,
    /// Whether the configuration has channels.
    pub(crate) has_channels: bool,
    /// The instances that may be named; `None` if that is unknown.
    pub(crate) instances: Option<BTreeSet<InstanceName>>,
    /// What the configuration relies on and what ends.
    pub(crate) expiries: Option<Expiries>,
    /// What did not load, with the reason.
    pub(crate) not_loaded: Vec<String>,
    /// What runs beside pinned versions.
    pub(crate) beside: Shown,
}

impl Handler {
    /// Does a request of a person who may ask for it.
    pub(crate) fn handle(&self, request: Request, by: &Person) -> Replied {
        match self.answer(request, by) {
            Ok(answer) => Replied::Done(answer),
            Err(error) => Replied::Refused(error),
        }
    }

    fn answer(&self, request: Request, by: &Person) -> Result<Answer, Refused> {
        let refused = |error: OrderError| refused(&Error::from(error));
        match request {
            Request::Pauses => Ok(Answer::Orders(self.supervisor.orders())),
            Request::Status => self.status(),
            Request::Plans => Ok(Answer::Plans { plans: self.supervisor.approvals().map_err(plan_refused)? }),
            Request::Plan { plan } => {
                let (approval, steps) = self.supervisor.approval(&plan).map_err(plan_refused)?;
                Ok(Answer::Plan { approval: Box::new(approval), steps })
            }
            Request::Decide(new) => {
                Ok(Answer::Decided(Box::new(self.supervisor.decide(&new, by).map_err(plan_refused)?)))
            }
            Request::Pause(new) => {
                self.check_named(new.instance.as_ref())?;
                Ok(Answer::Paused(self.supervisor.pause(&new, by).map_err(refused)?))
            }
            Request::Silence(new) => {
                self.check_named(new.instance.as_ref())?;
                let (silence, incidents) = self.supervisor.silence(&new, by).map_err(refused)?;
                Ok(Answer::Silenced { silence, incidents })
            }
            Request::Retry(what) => {
                Ok(Answer::Retried { incidents: self.supervisor.retry(&what, by).map_err(refused)? })
            }
            Request::ActionRecords => {
                let records = self.supervisor.action_records().map_err(OrderError::from).map_err(refused)?;
                Ok(Answer::ActionRecords { records })
            }
            Request::Judge(new) => {
                let feedback = self.supervisor.judge(&new, by).map_err(|error| self::refused(&Error::from(error)))?;
                Ok(Answer::Judged(Box::new(feedback)))
            }
            Request::Promote(promotion) => {
                self.check_named(Some(&promotion.instance))?;
                self.supervisor.promoting(&promotion, by).map_err(OrderError::from).map_err(refused)?;
                Ok(Answer::Promoted(Box::new(promotion)))
            }
            Request::Incidents(filter) => self.query(|one| one.incidents(&filter).map(Box::new).map(Answer::Incidents)),
            Request::Incident { incident } => {
                self.query(|one| one.incident(&incident).map(Box::new).map(Answer::Incident))
            }
            Request::History(filter) => self.query(|one| one.history(&filter).map(Box::new).map(Answer::History)),
            Request::Report(filter) => self.query(|one| one.report(&filter).map(Box::new).map(Answer::Report)),
            Request::Undo(target) => {
                Ok(Answer::Undone { steps: self.supervisor.undo_now(&target, by).map_err(undo_refused)? })
            }
            Request::UndoPreview(target) => {
                Ok(Answer::UndoPreview(Box::new(self.supervisor.undo_preview(&target).map_err(undo_refused)?)))
            }
            Request::Notifications | Request::NotifyRetry(_) | Request::NotifyDrop(_) => {
                let answer = notify::answer(self.notifier.as_deref(), self.has_channels, &request);
                answer.map_err(|error| self::refused(&Error::from(error)))
            }
            Request::Resume(what) => Ok(Answer::Resumed(self.supervisor.resume(&what, by).map_err(refused)?)),
        }
    }

    fn query(&self, ask: impl Fn(&Supervisor) -> Result<Answer, QueryError>) -> Result<Answer, Refused> {
        ask(&self.supervisor).map_err(|error| refused(&Error::from(error)))
    }

    fn status(&self) -> Result<Answer, Refused> {
        let status = self.supervisor.status().map_err(OrderError::from);
        let mut status = status.map_err(|error| refused(&Error::from(error)))?;
        status.not_loaded.clone_from(&self.not_loaded);
        status.separations = separations::in_force();
        status.expiring = self.expiries.as_ref().map(|one| one.now(status.at)).unwrap_or_default();
        status.shadows = self.beside.status();
        if !self.not_loaded.is_empty() {
            status.overall = status.overall.max(Overall::Unknown);
        }
        Ok(Answer::Status(Box::new(status)))
    }

    fn check_named(&self, instance: Option<&InstanceName>) -> Result<(), Refused> {
        let (Some(name), Some(known)) = (instance, &self.instances) else { return Ok(()) };
        if known.contains(name) {
            return Ok(());
        }
        Err(Refused {
            code: codes::UNKNOWN_INSTANCE.word().to_owned(),
            message: format!("ansai has no instance `{name}`"),
            hint: Some("`ansai status` lists the instances".to_owned()),
            exit_code: exit::USAGE,
        })
    }
}

fn undo_refused(error: UndoError) -> Refused {
    refused(&Error::from(error))
}

fn plan_refused(error: ApprovalError) -> Refused {
    refused(&Error::from(error))
}

fn refused(error: &Error) -> Refused {
    Refused {
        code: error.code().word().to_owned(),
        message: error.to_string(),
        hint: error.hint(),
        exit_code: error.exit_code(),
    }
}
