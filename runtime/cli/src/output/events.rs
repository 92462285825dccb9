//! Events in words: what `ansai audit show` and the daemon print.

use ansai_core::event::{EvaluationResult, Intent, UndoIntent, Verdict};
use ansai_core::incident::{Change, Permission};
use ansai_core::order::Person;
use ansai_core::text::{inert, prose};
use ansai_core::{Event, Outcome, Severity, ShareLimit, Status};

use super::budget::over_budget;
use super::count::count;
use super::{MOST_TEXT, ladder, orders, phrases, promotion, stops, time};

#[cfg(test)]
mod tests;

/// One harmless line without sequence and time.
pub(crate) fn line(event: &Event) -> String {
    let text = match event.plan() {
        Some(_) => plan_line(event),
        None => other_line(event),
    };
    inert(&text, MOST_TEXT)
}

/// In place of events that came faster than they were printed.
pub(crate) fn missed(count: u64) -> String {
    match count {
        1 => "1 event not shown: it came too fast; `ansai audit show` has it".to_owned(),
        _ => format!("{count} events not shown: they came too fast; `ansai audit show` has them"),
    }
}

fn other_line(event: &Event) -> String {
    match event {
        Event::Started { version, mode, instances } => {
            let names: Vec<&str> = instances.iter().map(|one| one.instance.as_str()).collect();
            let names = names.join(", ");
            format!("started: {}, mode {mode}, ansai {version}: {names}", count(instances.len(), "instance"))
        }
        Event::Stopping { why } => format!("stopping: {why}"),
        Event::Stopped { why, .. } => format!("stopped: {why}"),
        Event::NotLoaded { name, kind, error } => format!("{name}: not loaded ({kind}): {error}"),
        Event::Evaluated { instance, phase, result, recording, .. } => {
            let recording = recording.as_ref().map(|one| format!(", recording {}", one.id)).unwrap_or_default();
            format!("{instance}: {phase}: {}{recording}", evaluation(result))
        }
        Event::Logged { instance, phase, lines, .. } => {
            format!("{instance}: {phase}: logged {}", count(lines.len(), "line"))
        }
        Event::Observed { instance, findings, .. } => format!("{instance}: {}", count(findings.len(), "finding")),
        Event::Failed { instance, error, .. } => format!("{instance}: failed: {}", prose(error, MOST_TEXT)),
        Event::Incident { incident, instance, change, severity, summary, .. } => {
            let severity = in_brackets(*severity);
            let summary =
                if *change == Change::Closed { String::new() } else { format!(": {}", prose(summary, MOST_TEXT)) };
            format!("{instance}: incident {incident} {}{severity}{summary}", changed(*change))
        }
        Event::Held { incident, instance, under, severity, summary, .. } => {
            let (parent, cause) = (&under.incident, &under.cause);
            format!(
                "{instance}: incident {incident}{} is held under incident {parent}, caused by {cause}: {}",
                in_brackets(*severity),
                prose(summary, MOST_TEXT)
            )
        }
        Event::NotHeld { incident, instance, was_under, why, severity, summary, .. } => {
            let was = was_under.as_ref().map(|parent| format!(" any more under incident {parent}")).unwrap_or_default();
            let why = why.map(|why| format!(": {why} ({})", why.code().word())).unwrap_or_default();
            let severity = in_brackets(*severity);
            format!("{instance}: incident {incident}{severity} is not held{was}{why}: {}", prose(summary, MOST_TEXT))
        }
        Event::Stage { incident, instance, from, to, reason, .. } => {
            format!("{instance}: {}", ladder::left_stage(incident, from, to, reason))
        }
        Event::Escalated { incident, instance, key, severity, summary, reason, tried, .. } => {
            let said =
                ladder::escalated(incident, &in_brackets(*severity), reason, (key.as_str(), summary.as_str()), tried);
            format!("{instance}: {said}")
        }
        Event::Retried { incident, instance, by, .. } => {
            format!("{instance}: incident {incident} is healed again from the beginning: asked by {by}")
        }
        Event::PlanFailed { instance, incident, error, .. } => {
            format!("{instance}: no plan{}: {}", for_incident(incident.as_deref()), prose(error, MOST_TEXT))
        }
        Event::Repeated { instance, incident, times, since } => {
            let what = incident.as_deref().map_or("no answer".to_owned(), |id| format!("incident {id}"));
            let times = count(*times, "more time");
            format!("{instance}: {what}: the same {times} since {}", time::minute(*since))
        }
        Event::Slowed { instance, share, limit } => {
            let share = ShareLimit { share: *share, limit: *limit };
            format!("{instance}: slowed down: it has used half of its share of {share}")
        }
        Event::Suspended { instance, share, limit, until } => {
            let (until, key) = (time::clock(*until), share.key());
            let share = ShareLimit { share: *share, limit: *limit };
            format!(
                "{instance}: suspended until {until}: it has used its share of {share}; `{key}` below \
                 [policy.{instance}.share] raises it"
            )
        }
        Event::Resumed { instance, slowed: true } => format!("{instance}: no longer suspended, but slowed down"),
        Event::Resumed { instance, slowed: false } => format!("{instance}: runs on schedule again"),
        Event::BackedOff { instance, faults, kind, until } => {
            let (faults, until) = (count(*faults, "fault"), time::clock(*until));
            format!("{instance}: backed off until {until}: {faults} in a row, the last one was {kind}")
        }
        Event::Quarantined(quarantine) => orders::quarantine(quarantine),
        Event::Released { instance, why, by } => orders::released(instance, *why, by.as_ref()),
        Event::RecordingsDropped { ids } => {
            format!("deleted {} to stay within the quota", count(ids.len(), "recording"))
        }
        Event::EvidenceDropped { ids, why } => format!("removed {} of evidence: {why}", count(ids.len(), "item")),
        Event::TornTail { segment, offset, bytes, moved_to, error, .. } => {
            let bytes = count(bytes.get(), "byte");
            let kept = match (moved_to, error) {
                (Some(path), _) => format!(", moved to {path}"),
                (None, Some(error)) => format!(", lost: {error}"),
                (None, None) => String::new(),
            };
            format!("audit log: cut off an unfinished record of {bytes} in {segment} at {offset}{kept}")
        }
        Event::ClockJumped { jump_ms } => phrases::clock_jumped(*jump_ms),
        Event::ClockBelieved { why } => format!("clock: believed again, {}", phrases::believed(*why)),
        Event::AuditKey { public_key, replaces: None, .. } => format!("audit key {public_key}"),
        Event::AuditKey { public_key, replaces: Some(old), endorsement } => {
            let by = if endorsement.is_some() { "signed by the old key" } else { "NOT signed by the old key" };
            format!("audit key {public_key} replaces {old}, {by}")
        }
        Event::AuditDropped { from, first, reason, archived, .. } => {
            let records = count(first.saturating_sub(*from), "record");
            let done = if *archived { "archived" } else { "deleted" };
            let why = if reason == "age" { "they are older than `keep`" } else { "the log is larger than `max_bytes`" };
            format!("audit log: {done} {records}, {from} to {}: {why}", first.saturating_sub(1))
        }
        Event::HeadExport { target, error: None, .. } => format!("head export to {target} works again"),
        Event::HeadExport { target, error: Some(error), failures } => {
            format!("head export to {target} failed {}: {error}", count(*failures, "time"))
        }
        Event::Paused(pause) => orders::pause(pause),
        Event::PauseEnded { instance, by } => {
            format!("{} no longer paused: {}", orders::who(instance.as_ref()), ended(by.as_ref()))
        }
        Event::Silenced(silence) => orders::silence(silence),
        Event::SilenceEnded { instance, key, by } => {
            format!("{} no longer silenced: {}", orders::what(instance.as_ref(), key), ended(by.as_ref()))
        }
        Event::Storm(storm) => stops::storm(storm),
        Event::StormEnded { by } => stops::storm_ended(by.as_ref()),
        Event::Fight(fight) => stops::fight(fight),
        Event::FightEnded { fight, why } => stops::fight_ended(fight, why),
        Event::Feedback(feedback) => promotion::feedback(feedback),
        Event::Promoted { promotion, by } => promotion::promoted(promotion, by),
        Event::Watch { instance, watch, error: None, .. } => format!("{instance}: {watch}: watched as before"),
        Event::Watch { instance, watch, error: Some(error), .. } => {
            format!("{instance}: {watch}: {}", prose(error, MOST_TEXT))
        }
        other => other.name().to_owned(),
    }
}

fn plan_line(event: &Event) -> String {
    let (instance, plan) = (event.instance().unwrap_or_default(), event.plan().unwrap_or_default());
    let at = |step: u32| format!("{instance}: plan {plan} step {step}");
    match event {
        Event::Planned { decision, steps, recommendations, incident, .. } => {
            let steps = steps.iter().map(phrases::planned);
            let more = recommendations.iter().map(phrases::recommendation);
            let all: Vec<String> = phrases::decision(decision).into_iter().chain(steps).chain(more).collect();
            format!("{instance}: plan {plan}{}: {}", for_incident(incident.as_deref()), all.join("; "))
        }
        Event::PlanFailed { error, .. } => format!("{instance}: plan {plan}: failed: {}", prose(error, MOST_TEXT)),
        // Its name is said already.
        Event::Decided { verdict: Verdict::Held(Permission::AwaitsApproval { plan: waits, until }), .. }
            if waits == plan =>
        {
            format!("{instance}: plan {plan}: {}", phrases::awaits_approval(None, *until))
        }
        Event::Decided { verdict, .. } => format!("{instance}: plan {plan}: {}", self::verdict(verdict)),
        Event::Approval { decision, by, reason, .. } => {
            let reason = reason.as_ref().map(|reason| format!(": {}", prose(reason, MOST_TEXT))).unwrap_or_default();
            format!("{instance}: plan {plan}: {decision} by {by}{reason}")
        }
        Event::ApprovalEnded { why, .. } => format!("{instance}: plan {plan}: no longer waits for approval: {why}"),
        Event::Intent(Intent { step, action, about, targets, .. }) => {
            let targets = count(*targets, "target");
            format!("{}: starting {action} on {about}, {targets}", at(*step))
        }
        Event::Running { step, until, .. } => {
            format!("{}: running until {} at the latest", at(*step), time::local(*until))
        }
        Event::Guarded { step, armed, limit, confirmable, .. } => {
            let unless = if *confirmable { ", unless it is confirmed" } else { "" };
            format!("{}: goes back by itself at {}{unless}", at(*step), time::local(armed.wall + *limit))
        }
        Event::Confirming { step, .. } => format!("{}: starting to confirm", at(*step)),
        Event::Confirmed { step, .. } => format!("{}: confirmed: it stays", at(*step)),
        Event::Progress { step, note, .. } => format!("{}: {note}", at(*step)),
        Event::Outcome { step, outcome, detail, evidence, after_crash, .. } => {
            let after = if *after_crash { "after a restart: " } else { "" };
            let captured = match evidence.len() {
                0 => String::new(),
                items => format!(", captured {}", count(items, "item")),
            };
            format!("{}: {after}{outcome}: {detail}{captured}", at(*step))
        }
        Event::Pending { step, reason, .. } => format!("{}: interrupted, and waits: {reason}", at(*step)),
        Event::Skipped { step, reason, .. } => format!("{}: skipped: {reason}", at(*step)),
        Event::Verified { status, evaluations, progress, .. } => {
            let repeated = match evaluations {
                0 | 1 => String::new(),
                _ => format!(" after {}", count(*evaluations, "evaluation")),
            };
            format!(
                "{instance}: plan {plan}: verified: {}{}{repeated}",
                self::status(status),
                ladder::progress(*progress)
            )
        }
        Event::Undoing(UndoIntent { step, by, .. }) => format!("{}: starting undo, by {by}", at(*step)),
        Event::Undone { step, outcome: Outcome::Refused, detail, by, .. } => {
            format!("{}: not undone, asked by {by}: refused: {detail}", at(*step))
        }
        Event::Undone { step, outcome, detail, by, .. } => {
            format!("{}: undone by {by}: {outcome}: {detail}", at(*step))
        }
        Event::AfterUndoIntent { step, by, .. } => format!("{}: starting to act after undo, by {by}", at(*step)),
        Event::AfterUndo { step, outcome, detail, by, .. } => {
            format!("{}: acted after undo by {by}: {outcome}: {detail}", at(*step))
        }
        other => other.name().to_owned(),
    }
}

/// Why a pause or silence is over.
fn ended(by: Option<&Person>) -> String {
    by.map_or_else(|| "its time is over".to_owned(), |by| format!("ended by {by}"))
}

/// ` (critical)`, if it is unhealthy.
fn in_brackets(severity: Option<Severity>) -> String {
    severity.map(|severity| format!(" ({severity})")).unwrap_or_default()
}

/// ` for incident ID`, if there is one.
fn for_incident(incident: Option<&str>) -> String {
    incident.map(|id| format!(" for incident {id}")).unwrap_or_default()
}

fn evaluation(result: &EvaluationResult) -> String {
    match result {
        EvaluationResult::Observed { healthy, unhealthy, unknown, gone } => {
            let gone = if *gone == 0 { String::new() } else { format!(", {gone} gone") };
            format!("{healthy} healthy, {unhealthy} unhealthy, {unknown} unknown{gone}")
        }
        EvaluationResult::Proposed { steps } => format!("proposed {}", count(*steps, "step")),
        EvaluationResult::Failed(why) => format!("failed: {why}"),
        EvaluationResult::Aborted(why) => format!("aborted: {why}"),
    }
}

/// What a plan waits for.
pub(crate) fn held(held: &Permission) -> String {
    verdict(&Verdict::Held(held.clone()))
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Approved => "approved".to_owned(),
        Verdict::Observed => "not applied: observe mode".to_owned(),
        Verdict::NothingToDo => "nothing to do".to_owned(),
        Verdict::Held(Permission::Cooling(at)) => format!("on hold until {}", time::clock(*at)),
        Verdict::Held(Permission::Exhausted(used)) => format!("on hold: {} used", count(*used, "attempt")),
        Verdict::Held(Permission::Flapping { times, .. }) => format!("on hold: {}", ladder::flaps(*times)),
        Verdict::Held(Permission::Futile(until)) => phrases::futile(*until),
        Verdict::Held(Permission::ClockInDoubt(jump_ms)) => format!("on hold: {}", phrases::clock_jumped(*jump_ms)),
        Verdict::Held(Permission::OverBudget(over)) => format!("on hold, {}", over_budget(over)),
        Verdict::Held(Permission::AwaitsApproval { plan, until }) => phrases::awaits_approval(Some(plan), *until),
        Verdict::Held(Permission::Announced { plan, until }) => phrases::announced(plan, *until),
        Verdict::Held(Permission::OutsideWindow(at)) => phrases::outside_window(*at),
        Verdict::Held(Permission::Rejected { plan, until }) => phrases::rejected(plan, *until),
        Verdict::Held(Permission::Paused(pause)) => phrases::paused(pause),
        Verdict::Held(Permission::Storm(storm)) => stops::held_by_storm(storm),
        Verdict::Held(Permission::Fight(fight)) => stops::held_by_fight(fight),
        Verdict::Held(Permission::Granted) => "on hold".to_owned(),
        Verdict::Refused(why) => format!("refused: {why}"),
    }
}

fn status(status: &Status) -> String {
    match status {
        Status::Healthy => "healthy".to_owned(),
        Status::Unhealthy(severity) => severity.to_string(),
        Status::Unknown(why) => format!("unknown: {why}"),
        Status::Gone => "gone".to_owned(),
    }
}

fn changed(change: Change) -> &'static str {
    match change {
        Change::Opened => "opened",
        Change::Changed => "changed",
        Change::Unchanged => "unchanged",
        Change::BecameUnknown => "unknown",
        Change::Closed => "closed",
        Change::Gone => "closed: gone",
        Change::Displaced => "displaced by a more severe one",
    }
}
