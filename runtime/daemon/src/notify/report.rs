//! The report by schedule: when it is due.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ansai_config::ScheduledReport;
use ansai_core::Timestamp;
use ansai_core::notify::ReportStatus;
use ansai_notify::outbox::{Outbox, OutboxError};
use ansai_notify::tell::{ReportTimes, Reports};
use ansai_supervisor::{CronDue, clock};

use crate::configuration::Configuration;

/// The report of the configuration, from where an earlier run was.
pub(super) fn open(
    report: Option<&ScheduledReport>,
    outbox: &Outbox,
    now: Timestamp,
) -> Result<Option<Reports>, OutboxError> {
    let Some(report) = report else {
        outbox.forget_reports()?;
        return Ok(None);
    };
    let schedule = report.at.to_string();
    let times = Times(Mutex::new(CronDue::new(report.at.clone(), outbox.report_seen(&schedule)?, now)));
    let (since, channels) = (report.since, report.channels.clone());
    Ok(Some(Reports { schedule, times: Box::new(times), since, channels }))
}

/// When the report is due, if ansai starts now.
pub(super) fn status(
    report: &ScheduledReport,
    outbox: Option<&Outbox>,
    now: Timestamp,
) -> Result<ReportStatus, OutboxError> {
    let seen = outbox.map(|outbox| outbox.report_seen(&report.at.to_string())).transpose()?.flatten();
    let next = CronDue::new(report.at.clone(), seen, now).next(now);
    Ok(ReportStatus { channels: report.channels.clone(), next })
}

/// The report of a configuration, and when it is due next; `None` without one.
pub fn next_report(configuration: &Configuration) -> Option<ReportStatus> {
    let (report, now) = (configuration.config.notify.report.as_ref()?, clock::now());
    Some(ReportStatus { channels: report.channels.clone(), next: report.at.next_after(now) })
}

struct Times(Mutex<CronDue>);

impl Times {
    fn lock(&self) -> MutexGuard<'_, CronDue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReportTimes for Times {
    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let mut times = self.lock();
        let mut looked = times.clone();
        if looked.is_due(now) {
            return looked.seen();
        }
        // It may have followed a clock that was set.
        *times = looked;
        None
    }

    fn stored(&self, now: Timestamp) {
        self.lock().is_due(now);
    }

    fn seen(&self) -> Option<Timestamp> {
        self.lock().seen()
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.lock().next(now)
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
