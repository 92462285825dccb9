//! Damaged pages: checked once a day, and completely once a week. What is found is remembered until the next check.

use ansai_sdk::context::Trigger;
use ansai_sdk::{
    Decision, Failure, Host, Measure, Observation, Outcome, Refusal, Sequence, Severity, Span, Status, Subject,
};

use super::memory::{Memory, Verdict};
use super::{DAMAGE, calls, directory_of, key, path_of};
use crate::imports::ansai::sqlite::sqlite_probe::Depth;
use crate::plan::{MAINTAIN, Situation};
use crate::report::Report;

const DAY: Span = Span::from_days(1);
const WEEK: Span = Span::from_days(7);
/// When a file that was locked is tried again. So one that is always locked does not keep others from being checked.
const LOCKED: Span = Span::from_hours(1);
/// The longest time of one step.
pub(super) const LONGEST: u64 = 6 * 3_600_000;
const SAVE: &str = "save what can be read, or restore a backup";

/// Whether it was locked a short time ago. A clock that was set back ends that.
fn is_waiting(memory: &Memory, now: u64) -> bool {
    memory.not_before > now && memory.not_before - now <= LOCKED.0
}

/// Which check is due.
fn due(memory: &Memory, host: &Host) -> Option<Depth> {
    let now = host.now();
    // A clock that was set back makes a check due.
    let is_older = |at: u64, than: Span| at == 0 || at > now || now - at >= than.0;
    match host.triggered_by() {
        // A verification is about other findings: a check takes too long.
        Trigger::Verification => None,
        // A person may have replaced the file.
        Trigger::ByHand if matches!(memory.verdict, Verdict::Damaged(_)) && !is_older(memory.full, WEEK) => {
            Some(Depth::Quick)
        }
        _ if is_waiting(memory, now) => None,
        _ if is_older(memory.full, WEEK) => Some(Depth::Full),
        _ if is_older(memory.quick, DAY) => Some(Depth::Quick),
        _ => None,
    }
}

/// Checks it if that is due, and says when it was checked.
pub(super) fn observe(path: &str, memory: &mut Memory, report: &mut Report<'_>, checks: &mut usize) -> String {
    let host = report.host();
    let depth = due(memory, host);
    match depth {
        Some(depth) if *checks > 0 && !crate::report::is_late(report) => {
            *checks -= 1;
            check(path, depth, memory, report);
        }
        Some(_) => host.look_again(Span(60_000)),
        None => {}
    }
    let about = Subject::new("file", path);
    match &memory.verdict {
        Verdict::None => "not checked yet".to_owned(),
        Verdict::Unknown(why) => {
            report.add(Observation::unknown(
                key(DAMAGE, path),
                about,
                format!("whether {path} is damaged is unknown: {why}"),
            ));
            "not checked".to_owned()
        }
        Verdict::Sound => {
            report.add_news(Observation::new(
                key(DAMAGE, path),
                about,
                Status::Healthy,
                format!("{path} has no damage"),
            ));
            format!("checked {} ago", Span(host.now().saturating_sub(memory.quick.max(memory.full))))
        }
        Verdict::Damaged(problem) => {
            let words = format!("{path} is damaged: {problem}");
            let status = Status::Unhealthy(Severity::Critical);
            report.add(
                Observation::new(key(DAMAGE, path), about, status, words)
                    .with(Measure::text("problem", problem.clone()))
                    .with(Measure::instant("checked", memory.quick.max(memory.full))),
            );
            "damaged".to_owned()
        }
    }
}

fn check(path: &str, depth: Depth, memory: &mut Memory, report: &mut Report<'_>) {
    let now = report.host().now();
    match calls::look(report.host(), path, depth) {
        Ok(found) => {
            (memory.quick, memory.not_before) = (now, 0);
            if depth == Depth::Full {
                memory.full = now;
            }
            memory.verdict = found.problems.first().map_or(Verdict::Sound, |one| Verdict::Damaged(one.clone()));
        }
        // A process has it locked: it stays due.
        Err(Refusal::Busy(why)) => {
            memory.not_before = now.saturating_add(LOCKED.0);
            if memory.verdict == Verdict::None {
                memory.verdict = Verdict::Unknown(why);
            }
        }
        Err(refusal) => {
            report.count(&refusal);
            // A full check that takes too long is tried again in a week, and the quick one at the next evaluation.
            if depth == Depth::Full && matches!(refusal, Refusal::TimedOut(_)) {
                memory.full = now;
                return;
            }
            (memory.quick, memory.full) = (now, if depth == Depth::Full { now } else { memory.full });
            // Damage that was seen stays until a check finds none.
            if !matches!(memory.verdict, Verdict::Damaged(_)) {
                memory.verdict = Verdict::Unknown(refusal.words());
            }
        }
    }
}

/// A copy of all pages first, then a new database with all rows that can be read. A person puts it in place.
pub(super) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, path) = (situation.host, path_of(situation));
    let attempts = host.attempts();
    let mut steps = attempts.iter().flat_map(|attempt| &attempt.steps);
    let recovered = steps.rfind(|step| step.action == calls::RECOVER && step.has_begun());
    if let Some(step) = recovered.filter(|step| step.outcome != Outcome::Done) {
        let is_known = step.outcome == Outcome::Failed;
        let what = if is_known { "no new database was made" } else { "whether a new database was made is unknown" };
        let why =
            format!("{}; {what}: {}; `sqlite3 {path} .recover` may find more", situation.finding.summary, step.detail);
        return Ok(situation.next.advise(SAVE, why));
    }
    if let Some(step) = recovered {
        let why = format!(
            "{}; {path} itself is as it was; stop the program, compare the new file, and put it in place",
            step.detail
        );
        return Ok(situation.next.advise("put the recovered database in place, or restore a backup", why));
    }
    let into = match situation.settings.copies.as_str() {
        "" => directory_of(path),
        copies => copies,
    };
    let within = situation.settings.maintain_within.0.min(LONGEST);
    let why = format!("{}; `sqlite3 {path} .recover` shows what can be read", situation.finding.summary);
    let advice = (SAVE, why.as_str());
    Ok(situation.next.steps(MAINTAIN, calls::COPY, advice, |steps: &mut Sequence<'_>| {
        steps.step(calls::COPY, path, || {
            calls::copy(host, path, into, within, "a copy of all pages, before anything else")
        });
        steps.step(calls::RECOVER, path, || calls::recover_copy(host, path, into, within, &situation.finding.summary));
    }))
}
