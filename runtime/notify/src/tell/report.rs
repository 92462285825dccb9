//! The report by schedule: made and stored once for each time at which it is due.

use ansai_core::notify::ReportStatus;
use ansai_core::{Millis, Severity, Timestamp};

use super::Teller;
use crate::message::{Kind, Message, Notice};
use crate::outbox::{OutboxError, messages, store};

/// When a report is due. What was missed is due once, whatever the clocks do.
pub trait ReportTimes: Send + Sync {
    /// The time up to which everything is told with a report that is made now; `None` if none is due. It stays due until
    /// [`ReportTimes::stored`].
    fn due(&self, now: Timestamp) -> Option<Timestamp>;
    /// The report that is due now is stored.
    fn stored(&self, now: Timestamp);
    /// The time up to which everything was told.
    fn seen(&self) -> Option<Timestamp>;
    /// When the next one is due; `None` if never.
    fn next(&self, now: Timestamp) -> Option<Timestamp>;
}

/// A report by schedule.
pub struct Reports {
    /// The schedule as text. Another one has missed nothing.
    pub schedule: String,
    /// When it is due.
    pub times: Box<dyn ReportTimes>,
    /// How much time it covers.
    pub since: Millis,
    /// Where it goes.
    pub channels: Vec<String>,
}

impl Reports {
    fn status(&self, now: Timestamp) -> ReportStatus {
        ReportStatus { channels: self.channels.clone(), next: self.times.next(now) }
    }
}

impl Teller {
    /// Also tells a report by schedule.
    #[must_use]
    pub fn with_reports(self, reports: Option<Reports>) -> Teller {
        Teller { reports, ..self }
    }

    /// The report by schedule; `None` if there is none.
    pub fn report_status(&self, now: Timestamp) -> Option<ReportStatus> {
        self.reports.as_ref().map(|reports| reports.status(now))
    }

    /// When the next report is due.
    pub(super) fn next_report(&self, now: Timestamp) -> Option<Timestamp> {
        self.reports.as_ref().and_then(|reports| reports.times.next(now))
    }

    /// Makes the report if it is due. Its messages and the time up to which everything was told are stored together: after a
    /// crash before that, it is still due; after it, it is not.
    pub(super) fn report(&self, now: Timestamp) -> Result<(), OutboxError> {
        let Some(reports) = &self.reports else { return Ok(()) };
        let Some(seen) = reports.times.due(now) else { return self.keep_seen(reports) };
        // Outside of the transaction: it reads the audit log.
        let made = self.facts.report(now - reports.since);
        self.outbox.write(|transaction| {
            for channel in &reports.channels {
                let id = messages::fresh_id(transaction, now)?;
                let message = match &made {
                    Ok(report) => {
                        Message { id, at: now, ..Message::of_report(channel, &self.host, (**report).clone()) }
                    }
                    Err(why) => {
                        let summary = format!("the report cannot be made: {why}");
                        let notice = Notice::new(&id, Kind::Report, Severity::Warning, &self.host, now, &summary);
                        Message::new(&id, channel, &format!("report-{channel}"), &self.host, now, vec![notice])
                    }
                };
                messages::put(transaction, &message.bounded(), self.outbox.capacity)?;
            }
            store::set_report_seen(transaction, &reports.schedule, seen)
        })?;
        reports.times.stored(now);
        Ok(())
    }

    /// What is due from now on is due also if ansai does not run then.
    fn keep_seen(&self, reports: &Reports) -> Result<(), OutboxError> {
        let (seen, kept) = (reports.times.seen(), self.outbox.report_seen(&reports.schedule)?);
        match seen {
            Some(seen) if kept != Some(seen) => {
                self.outbox.write(|transaction| store::set_report_seen(transaction, &reports.schedule, seen))
            }
            _ => Ok(()),
        }
    }
}
