//! What an event tells, and what it changes of what is known about its incident.

use ansai_core::event::Verdict;
use ansai_core::incident::{Change, Permission, Reason};
use ansai_core::text::inert;
use ansai_core::{Code, Event, Severity, ShareLimit, Status, Subject, Timestamp, codes};

use super::{Heard, Teller};
use crate::message::{Asked, Command, IncidentRef, Kind, Notice};
use crate::outbox::{Filed, Known, OutboxError, Transaction, notices, store};
use crate::route::group_of;

/// Set while healing is stopped because too much breaks at once.
pub(super) const STORM: &str = "storm";
/// What all notices have in common during a storm.
pub(super) const STORM_GROUP: &str = "storm";
pub(super) const MOST_TEXT: usize = 500;
const DAY_MS: u64 = 86_400_000;

/// Codes of policies that are not loaded because something that they need is not granted or not there.
const MISSING: [Code; 2] = [codes::NOT_GRANTED, codes::UNKNOWN_CAPABILITY];

impl Teller {
    /// Files what an event tells.
    pub(super) fn tell(&self, transaction: &Transaction<'_>, heard: &Heard, now: Timestamp) -> Result<(), OutboxError> {
        let Heard { sequence, at, event } = heard;
        let at = *at;
        match event {
            Event::Incident { incident, instance, key, change, severity, summary, held_under, silenced } => {
                let known = Known::of(transaction, incident)?;
                let mut known = known.unwrap_or_else(|| Known {
                    subject: self.subject(incident),
                    ..Known::new(incident, instance.as_str(), key, at)
                });
                // The end of a silence is not in the log: whether one holds is asked for each notice.
                known.is_muted = held_under.is_some();
                known.severity = known.severity.max(severity.unwrap_or(Severity::Notice));
                known.summary.clone_from(summary);
                let kind = match change {
                    Change::Unchanged => return Ok(()),
                    Change::Opened => Kind::Opened,
                    Change::Changed => Kind::Changed,
                    Change::BecameUnknown => {
                        known.unknown_since = known.unknown_since.or(Some(at));
                        return known.put(transaction);
                    }
                    Change::Gone => Kind::Gone,
                    Change::Closed if known.is_healed => Kind::Healed,
                    Change::Closed => Kind::Recovered,
                    // It is still there, and not healthy: nothing is over.
                    Change::Displaced => {
                        notices::forget(transaction, &known.id)?;
                        return known.remove(transaction);
                    }
                };
                known.unknown_since = None;
                match change.is_closing() {
                    true => known.remove(transaction)?,
                    false => known.put(transaction)?,
                }
                // It was silenced when it happened, also where that has ended since.
                if *silenced && !change.is_closing() {
                    return Ok(());
                }
                self.file(transaction, &self.of(&known, kind, *sequence, at, summary), now)
            }
            Event::Approval { plan, .. } | Event::ApprovalEnded { plan, .. } => notices::answered(transaction, plan),
            Event::Held { incident, .. } => self.mute(transaction, incident, true),
            Event::NotHeld { incident, .. } => self.mute(transaction, incident, false),
            Event::Planned { plan, incident: Some(incident), .. } => {
                let Some(mut known) = self.recall(transaction, incident)? else { return Ok(()) };
                known.plan = Some(plan.clone());
                known.put(transaction)
            }
            Event::Decided { plan, verdict, .. } => self.decided(transaction, plan, verdict, at, now),
            Event::Verified { incident, status, plan, .. } => {
                let Some(mut known) = self.recall(transaction, incident)? else { return Ok(()) };
                known.is_healed = *status == Status::Healthy;
                known.put(transaction)?;
                if *status != Status::Healthy {
                    let summary = format!("not healthy after a repair: {}", known.summary);
                    let mut notice = self.of(&known, Kind::RepairFailed, *sequence, at, &summary);
                    notice.id = format!("repair-{plan}");
                    return self.file(transaction, &notice, now);
                }
                Ok(())
            }
            Event::Escalated { incident, instance, key, severity, summary, reason, .. } => {
                let known = self.recall(transaction, incident)?.unwrap_or_else(|| Known {
                    severity: severity.unwrap_or(Severity::Warning),
                    summary: summary.clone(),
                    ..Known::new(incident, instance.as_str(), key, at)
                });
                let kind = match reason {
                    Reason::Flapping { .. } => Kind::Flapping,
                    Reason::Attempts { .. } | Reason::TimeOut { .. } | Reason::NothingToDo => Kind::Escalated,
                };
                let mut notice = self.of(&known, kind, *sequence, at, &format!("{summary} ({reason})"));
                notice.severity = severity.unwrap_or(known.severity);
                let retry = command(format!("ansai retry {}", known.id), "heal it again from the beginning");
                let silence =
                    command(format!("ansai silence {} 7d --reason TEXT", known.key), "leave it alone for a week");
                let what = "Repair it, or let ansai try again.".to_owned();
                notice.asked = Some(Asked { who: None, what, commands: vec![retry, silence], until: None });
                self.file(transaction, &notice, now)
            }
            Event::PlanFailed { incident: Some(incident), error, .. } if is_missing(error) => {
                let Some(known) = self.recall(transaction, incident)? else { return Ok(()) };
                let mut notice = self.of(&known, Kind::CapabilityMissing, *sequence, at, error);
                notice.id = format!("missing-{}", known.id);
                self.file(transaction, &notice, now)
            }
            Event::Quarantined(one) => {
                let name = one.instance.as_str();
                let summary = format!("{} evaluations in a row failed, the last one: {}", one.faults, one.error);
                let id = format!("quarantined-{name}-{sequence}");
                self.suspended(transaction, (&id, name), &summary, (at, now))
            }
            Event::Suspended { instance, share, limit, .. } => {
                let summary = format!("it has used its share of {}", ShareLimit { share: *share, limit: *limit });
                let id = format!("suspended-{instance}-{sequence}");
                self.suspended(transaction, (&id, instance.as_str()), &summary, (at, now))
            }
            Event::NotLoaded { name, kind, error } => {
                let is_missing = MISSING.iter().any(|code| code.word() == kind);
                let of_kind = if is_missing { Kind::CapabilityMissing } else { Kind::Suspended };
                // Each start tells the same again. Once a day: it may have been corrected and be broken again.
                let id = format!("not-loaded-{name}-{kind}-{}", at.as_millis() / DAY_MS);
                let summary = format!("{name} is not loaded: {}", inert(error, MOST_TEXT));
                let mut notice = Notice::new(&id, of_kind, Severity::Critical, &self.host, at, &summary);
                notice.instance = Some(name.clone());
                self.file(transaction, &notice, now)
            }
            Event::Storm(storm) => {
                store::set(transaction, STORM, 1)?;
                let summary = "too much breaks at once: ansai has stopped healing for all but emergencies";
                let id = format!("storm-{}", storm.since.as_millis());
                let mut notice = Notice::new(&id, Kind::Escalated, Severity::Critical, &self.host, at, summary);
                let resume = command("ansai resume storm".to_owned(), "heal as before");
                let what = "Find out why so much breaks at once.".to_owned();
                notice.asked = Some(Asked { who: None, what, commands: vec![resume], until: None });
                self.file(transaction, &notice, now)
            }
            Event::StormEnded { .. } => store::set(transaction, STORM, 0),
            _ => Ok(()),
        }
    }

    /// An incident that is known, or that opened before notifications were configured.
    fn recall(&self, transaction: &Transaction<'_>, incident: &str) -> Result<Option<Known>, OutboxError> {
        if let Some(known) = Known::of(transaction, incident)? {
            return Ok(Some(known));
        }
        let Some(details) = self.facts.incident(incident) else { return Ok(None) };
        let opened = details.timeline.first().map_or(details.at, |moment| moment.at);
        Ok(Some(Known {
            severity: details.severity.unwrap_or(Severity::Warning),
            summary: details.summary,
            subject: Some(details.about),
            ..Known::new(incident, details.instance.as_str(), &details.key, opened)
        }))
    }

    /// What an incident is about, where routes or groups depend on it. Messages have it in any case.
    fn subject(&self, incident: &str) -> Option<Subject> {
        if !self.router.needs_subjects() {
            return None;
        }
        self.facts.incident(incident).map(|details| details.about)
    }

    fn decided(
        &self,
        transaction: &Transaction<'_>,
        plan: &str,
        verdict: &Verdict,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        let (kind, until, what) = match verdict {
            Verdict::Held(Permission::AwaitsApproval { until, .. }) => {
                (Kind::Held, until, "Approve or reject the plan. Without an answer it expires, and nothing changes.")
            }
            Verdict::Held(Permission::Announced { until, .. }) => {
                (Kind::Announced, until, "Reject the plan if it must not be applied. Without an answer it is applied.")
            }
            _ => return Ok(()),
        };
        let Some(known) = Known::of_plan(transaction, plan)? else { return Ok(()) };
        let mut notice = self.of(&known, kind, 0, at, &known.summary);
        notice.id = format!("{}-{plan}", kind.name());
        let mut commands = vec![
            command(format!("ansai plan {plan}"), "show all of it"),
            command(format!("ansai approve {plan}"), "apply it now"),
            command(format!("ansai reject {plan} --reason TEXT"), "do not apply it"),
        ];
        if kind == Kind::Announced {
            commands.remove(1);
        }
        notice.asked = Some(Asked { who: None, what: what.to_owned(), commands, until: Some(*until) });
        self.file(transaction, &notice, now)
    }

    fn suspended(
        &self,
        transaction: &Transaction<'_>,
        (id, instance): (&str, &str),
        summary: &str,
        (at, now): (Timestamp, Timestamp),
    ) -> Result<(), OutboxError> {
        let summary = format!("{instance} is suspended: {}", inert(summary, MOST_TEXT));
        let mut notice = Notice::new(id, Kind::Suspended, Severity::Critical, &self.host, at, &summary);
        notice.instance = Some(instance.to_owned());
        let resume = command(format!("ansai resume {instance}"), "evaluate it again");
        let what = "Find out why, and let it run again.".to_owned();
        notice.asked = Some(Asked { who: None, what, commands: vec![resume], until: None });
        self.file(transaction, &notice, now)
    }

    fn mute(&self, transaction: &Transaction<'_>, incident: &str, is_muted: bool) -> Result<(), OutboxError> {
        let Some(mut known) = Known::of(transaction, incident)? else { return Ok(()) };
        known.is_muted = is_muted;
        known.put(transaction)
    }

    /// A notice about an incident. It has the details of the incident when it becomes part of a message.
    pub(super) fn of(&self, known: &Known, kind: Kind, sequence: u64, at: Timestamp, summary: &str) -> Notice {
        // After a power failure numbers may come again, and mean other records.
        let id = format!("{}-{}-{sequence}", kind.name(), known.id);
        let mut notice = Notice::new(&id, kind, known.severity, &self.host, at, summary);
        notice.instance = Some(known.instance.clone());
        notice.incident = Some(IncidentRef { id: known.id.clone(), key: known.key.clone() });
        // The clock may have been set back since it opened.
        notice.since = known.opened.min(at);
        notice.subject.clone_from(&known.subject);
        notice
    }

    /// Files a notice for every channel that a route names, and for those that were told of its incident if it is over.
    /// What nobody is told is kept for the digest if it was healed.
    pub(super) fn file(
        &self,
        transaction: &Transaction<'_>,
        notice: &Notice,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        if !notices::is_new(transaction, &notice.id, now)? {
            return Ok(());
        }
        let muted = match &notice.incident {
            Some(incident) if !notice.kind.is_resolving() => {
                let instance = notice.instance.as_deref().unwrap_or_default();
                Known::of(transaction, &incident.id)?.is_some_and(|known| known.is_muted)
                    || self.facts.is_silenced(instance, &incident.key)
            }
            _ => false,
        };
        let is_storm = store::setting(transaction, STORM)? == Some(1);
        let group = |by: &[_]| if is_storm { STORM_GROUP.to_owned() } else { group_of(by, notice) };
        let mut filed: Vec<&str> = Vec::new();
        let over = match &notice.incident {
            Some(incident) if notice.kind.is_resolving() => notices::unresolved(transaction, &incident.id)?,
            _ => Vec::new(),
        };
        for known in &over {
            let grouping = self.router.grouping_of(&known.channel).cloned().unwrap_or_default();
            let (channel, grouped) = (known.channel.as_str(), known.grouped.clone());
            let (wait, interval) = (grouping.wait, ansai_core::Millis::ZERO);
            notices::file(transaction, &Filed { channel, grouped, notice, wait, interval, repeat: None }, now)?;
            filed.push(channel);
        }
        if !muted {
            for taken in self.router.taken(notice, now) {
                if filed.contains(&taken.channel) {
                    continue;
                }
                let (channel, grouped) = (taken.channel, group(&taken.grouping.by));
                let (wait, interval, repeat) = (taken.grouping.wait, taken.grouping.interval, taken.grouping.repeat);
                notices::file(transaction, &Filed { channel, grouped, notice, wait, interval, repeat }, now)?;
                filed.push(channel);
            }
        }
        match filed.is_empty() && notice.kind == Kind::Healed {
            true => notices::keep_silent(transaction, notice),
            false => Ok(()),
        }
    }
}

/// Whether a plan failed because something is not granted, in the words of the host that refuses a call.
fn is_missing(error: &str) -> bool {
    error.contains("is not granted")
}

fn command(line: String, does: &str) -> Command {
    Command { line: inert(&line, MOST_TEXT), does: does.to_owned() }
}
