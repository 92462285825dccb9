//! The thread that decides what is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ansai_core::{Severity, Timestamp};

use super::{AFTER_ERROR, MOST_WAIT, Now, ReadLog, Tapped};
use crate::message::Kind;
use crate::outbox::OutboxError;
use crate::tell::{Heard, Teller};

/// How long the audit log is read again after an error. Then what is new is told without it.
const MOST_UNREAD: Duration = Duration::from_secs(60);

/// Between two looks at what ends.
const LOOKS_AT_ENDS: Duration = Duration::from_secs(600);

/// Between two looks at whether a policy may act.
const LOOKS_AT_HALT: Duration = Duration::from_secs(30);

/// Decides what is told.
pub(super) struct Deciding {
    pub(super) teller: Arc<Teller>,
    pub(super) tapped: Tapped,
    pub(super) read_log: Box<ReadLog>,
    pub(super) now: Arc<Now>,
}

/// What is known of a time in which no policy may act.
#[derive(Default)]
struct Halt {
    looked: Option<Instant>,
    since: Option<(Instant, Timestamp)>,
}

impl Deciding {
    pub(super) fn run(self) {
        let shared = self.tapped.shared.clone();
        // What happened while ansai did not run, or was not told before.
        let mut has_missed = true;
        let mut audit_stopped: Option<String> = None;
        let (mut unread, mut ends, mut halt) = (None, None, Halt::default());
        while !shared.is_stopping() {
            let failed = {
                let mut flags = shared.lock();
                has_missed |= std::mem::take(&mut flags.has_missed);
                flags.has_news = false;
                flags.audit_failed.take()
            };
            let worked = self
                .ends(&mut ends)
                .and_then(|()| self.halted(&mut halt))
                .and_then(|()| self.round(&mut has_missed, &mut unread, failed.as_deref(), &mut audit_stopped));
            let wait = match worked {
                Ok(wait) => wait,
                Err(why) => {
                    tracing::error!("notifications wait: {why}");
                    // That the audit log has failed is told by the next round that works.
                    shared.change(|flags| flags.audit_failed = flags.audit_failed.take().or(failed));
                    AFTER_ERROR
                }
            };
            shared.change(|flags| flags.round += 1);
            shared.wait(wait, |flags| flags.has_news || flags.has_missed);
        }
        // What was recorded until the end is told after the next start.
        let mut nothing = None;
        let _ = self.round(&mut has_missed, &mut unread, None, &mut nothing);
    }

    /// Tells what ends, now and then. `looked`: when that was done last.
    fn ends(&self, looked: &mut Option<Instant>) -> Result<(), String> {
        if looked.is_none_or(|at| at.elapsed() >= LOOKS_AT_ENDS) {
            *looked = Some(Instant::now());
            self.teller.tell_expiring((self.now)()).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Tells that no policy may act.
    fn halted(&self, halt: &mut Halt) -> Result<(), String> {
        if halt.looked.is_none_or(|at| at.elapsed() >= LOOKS_AT_HALT) {
            let at = Instant::now();
            halt.looked = Some(at);
            self.teller.tell_halted(&mut halt.since, at, (self.now)()).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// One round; answers how long there is nothing to do.
    fn round(
        &self,
        has_missed: &mut bool,
        unread: &mut Option<Instant>,
        failed: Option<&str>,
        audit_stopped: &mut Option<String>,
    ) -> Result<Duration, String> {
        let (teller, text) = (&self.teller, |error: OutboxError| error.to_string());
        loop {
            if *has_missed {
                self.read_log(unread)?;
                *has_missed = false;
            }
            let batch: Vec<Heard> = self.tapped.receiver.try_iter().take(256).collect();
            if batch.is_empty() {
                break;
            }
            // One before these did not fit. The log has all of them, in their order.
            if std::mem::take(&mut self.tapped.shared.lock().has_missed) {
                *has_missed = true;
                continue;
            }
            // Read from the log if they cannot be stored now.
            if let Err(error) = teller.hear(&batch, (self.now)()) {
                *has_missed = true;
                return Err(text(error));
            }
        }
        let (now, works) = ((self.now)(), self.tapped.shared.audit_works.swap(false, Ordering::Relaxed));
        if let Some(why) = failed
            && audit_stopped.is_none()
        {
            let id = format!("audit-stopped-{}", now.as_millis());
            let summary = format!("the audit log cannot be written, so nothing is healed: {why}");
            teller.tell_of(&id, Kind::AuditStopped, Severity::Emergency, &summary, now).map_err(text)?;
            *audit_stopped = Some(id);
        } else if works && failed.is_none() {
            *audit_stopped = None;
        }
        let is_last = self.tapped.shared.lock().is_finishing;
        teller.flush(now, is_last).map_err(text)?;
        Ok(teller.wait((self.now)()).map_err(text)?.min(MOST_WAIT))
    }

    /// Hears what the log has after the place of the outbox. `unread`: since when that fails.
    fn read_log(&self, unread: &mut Option<Instant>) -> Result<(), String> {
        let (teller, text) = (&self.teller, |error: OutboxError| error.to_string());
        let place = teller.outbox.place().map_err(text)?.unwrap_or(0);
        let mut heard = Ok(());
        let last = (self.read_log)(place, &mut |batch| {
            if heard.is_ok() {
                heard = teller.hear(&batch, (self.now)());
            }
        });
        heard.map_err(text)?;
        match last {
            Ok(last) => teller.outbox.set_place(last.max(place)).map_err(text)?,
            Err(why) if unread.get_or_insert_with(Instant::now).elapsed() < MOST_UNREAD => {
                return Err(format!("the audit log cannot be read: {why}"));
            }
            // What comes now is told all the same.
            Err(why) => tracing::error!("the audit log cannot be read, so what happened before is not told: {why}"),
        }
        *unread = None;
        Ok(())
    }
}
