//! Damaged pages: checked once a day, and completely once a week. What is found is remembered until the next check.

use ansai_sdk::context::Trigger;
use ansai_sdk::{Decision, Host, Observation, Outcome, Refusal, Severity, Span, Status, Subject};

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
const LONGEST: u64 = 6 * 3_600_000;
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
    let (key, about) = (key(DAMAGE, path), Subject::new("file", path));
    let last = memory.quick.max(memory.full);
    match &memory.verdict {
        Verdict::None => "not checked yet".to_owned(),
        Verdict::Unknown(why) => {
            report.add(Observation::unknown(key, about, format!("whether {path} is damaged is unknown: {why}")));
            "not checked".to_owned()
        }
        Verdict::Sound => {
            report.add_news(Observation::new(key, about, Status::Healthy, format!("{path} has no damage")));
            format!("checked {} ago", host.since(last))
        }
        Verdict::Damaged(problem) => {
            let seen = Observation::new(key, about, Severity::Critical, format!("{path} is damaged: {problem}"));
            report.add(seen.text("problem", &**problem).instant("checked", last));
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

/// How long a step may take.
pub(super) fn within(situation: &Situation<'_>) -> u64 {
    situation.within().min(LONGEST)
}

/// A copy of all pages first, then a new database with all rows that can be read. A person puts it in place.
pub(crate) fn plan(situation: &Situation<'_>) -> Decision {
    let (host, path, problem) = (situation.host, path_of(situation), &situation.finding.summary);
    let mut steps = host.attempts().into_iter().flat_map(|attempt| attempt.steps);
    if let Some(step) = steps.rfind(|step| step.action == calls::RECOVER && step.has_begun()) {
        let detail = &step.detail;
        let what = match step.outcome {
            Outcome::Done => {
                let todo = "stop the program, compare the new file, and put it in place";
                let why = format!("{detail}; {path} itself is as it was; {todo}");
                return situation.next.advise("put the recovered database in place, or restore a backup", why);
            }
            Outcome::Failed => "no new database was made",
            _ => "whether a new database was made is unknown",
        };
        let why = format!("{problem}; {what}: {detail}; `sqlite3 {path} .recover` may find more");
        return situation.next.advise(SAVE, why);
    }
    let into = match situation.settings.copies.as_str() {
        "" => directory_of(path),
        copies => copies,
    };
    let why = format!("{problem}; `sqlite3 {path} .recover` shows what can be read");
    situation.next.steps(MAINTAIN, calls::COPY, (SAVE, &why), |steps| {
        let (within, first) = (within(situation), "a copy of all pages, before anything else");
        steps.step(calls::COPY, path, || calls::copy(host, path, into, within, first));
        steps.step(calls::RECOVER, path, || calls::recover_copy(host, path, into, within, problem));
    })
}
