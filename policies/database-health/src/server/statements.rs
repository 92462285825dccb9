//! Statements that got slow against their own baseline. A nightly report, a backup or a migration runs too seldom to be judged,
//! and a server on which everything got slow is one finding.

use std::collections::BTreeMap;

use ansai_sdk::pages::Listed;
use ansai_sdk::{Decision, Measure, Observation, Refusal, Severity, Span, Status, text};

use super::View;
use crate::calls::{self, TEXTS};
use crate::imports::ansai::database::database_text_probe::Statement;
use crate::plan::Situation;
use crate::report::{Report, is_full};
use crate::settings::Settings;

/// Time between two samples.
const EVERY: Span = Span(5 * 60_000);
/// Statements of a server that are judged: those that take the most time.
const MOST: usize = 100;
/// Runs that a sample needs, so that a single slow one says nothing.
const LEAST_RUNS: u64 = 10;
/// Samples from which the baseline is made.
const LEARNED: u64 = 12;
/// Slow samples one after another that make a finding.
const SLOW: u64 = 3;
/// Of how many slow statements, at least half of all that were judged, the server is the cause.
const TOGETHER: usize = 5;
/// How much a sample changes the baseline, as one of so many: a usual one, and a slow one, so that a week makes it usual.
const USUAL: f64 = 50.0;
const UNUSUAL: f64 = 2_016.0;

/// What is remembered of a statement. Times are in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Known {
    calls: u64,
    total: u64,
    samples: u64,
    slow: u64,
    baseline: f64,
    mean: f64,
}

impl Known {
    fn read(line: &str) -> Option<(String, Known)> {
        let mut words = line.rsplitn(7, ' ');
        let mut time = || words.next()?.parse().ok().filter(|time: &f64| time.is_finite() && *time >= 0.0);
        let (mean, baseline) = (time()?, time()?);
        let mut count = || words.next()?.parse().ok();
        let (slow, samples, total, calls) = (count()?, count()?, count()?, count()?);
        Some((words.next()?.to_owned(), Known { calls, total, samples, slow, baseline, mean }))
    }

    fn line(&self, id: &str) -> String {
        let Known { calls, total, samples, slow, baseline, mean } = self;
        format!("{id} {calls} {total} {samples} {slow} {baseline:.3} {mean:.3}")
    }

    /// After one more sample.
    fn after(self, now: &Statement, settings: &Settings) -> Known {
        let next = Known { calls: now.calls, total: now.total, ..self };
        let (Some(runs), Some(time)) = (now.calls.checked_sub(self.calls), now.total.checked_sub(self.total)) else {
            // The server began to count again.
            return next;
        };
        if runs < LEAST_RUNS || self.calls == 0 {
            return next;
        }
        let mean = time as f64 / runs as f64;
        if self.samples < LEARNED {
            let samples = self.samples.saturating_add(1);
            let baseline = self.baseline + (mean - self.baseline) / samples as f64;
            return Known { samples, baseline, mean, ..next };
        }
        let is_slow = mean >= settings.slow_least.0 as f64 && mean >= self.baseline * settings.slow_times;
        let slow = if is_slow { self.slow.saturating_add(1).min(SLOW) } else { self.slow.saturating_sub(1) };
        let weight = if is_slow { UNUSUAL } else { USUAL };
        Known { slow, mean, baseline: self.baseline + (mean - self.baseline) / weight, ..next }
    }

    fn times(&self) -> f64 {
        if self.baseline > 0.0 { self.mean / self.baseline } else { f64::INFINITY }
    }
}

fn place(target: &str) -> String {
    format!("statements:{target}")
}

fn key(statement: &Statement) -> String {
    format!("statement:{}", statement.about.name)
}

/// What is remembered of a server, and when it was.
fn recall(report: &Report<'_>, target: &str) -> (u64, BTreeMap<String, Known>) {
    let text = report.host().recall(&place(target)).unwrap_or_default();
    let mut lines = text.lines();
    let at = lines.next().and_then(|at| at.parse().ok()).unwrap_or_default();
    (at, lines.filter_map(Known::read).collect())
}

/// Observes the statements of one server. Says why they are not checked, if they are not.
pub(super) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) -> Option<String> {
    let (host, target) = (report.host(), view.target);
    if !host.grants().has(TEXTS) || is_full(report) {
        return None;
    }
    let (at, mut known) = recall(report, target);
    let is_due = at > host.now() || host.now().saturating_sub(at) >= EVERY.0;
    let is_of = |key: &str| matches!(crate::report::scope(key).split_once(':'), Some(("statement" | "slow", of)) if of == target);
    if !is_due && !host.open_incidents().iter().any(|one| is_of(&one.key)) {
        report.looked("statement", target, None);
        report.looked("slow", target, None);
        return None;
    }
    let listed = match calls::statements(host, target) {
        Err(Refusal::Unsupported(why)) => {
            report.looked("statement", target, None);
            report.looked("slow", target, None);
            return Some(format!("its statements are not checked: {why}"));
        }
        listed => listed.map(|all| Listed { entries: all.entries, skipped: all.skipped.into(), end: None }),
    };
    let mut all = report.listed("statement", "statement", target, &view.server.about, listed)?;
    all.truncate(MOST);
    if is_due {
        let sampled = |one: &Statement| {
            let before = known.get(&one.id).copied().unwrap_or_default();
            (one.id.clone(), before.after(one, settings))
        };
        known = all.iter().map(sampled).collect();
        let lines = known.iter().map(|(id, one)| one.line(id));
        let text: Vec<String> = std::iter::once(host.now().to_string()).chain(lines).collect();
        host.remember(&place(target), &text.join("\n"));
    }
    judge(view, all, &known, report);
    None
}

fn judge(view: &View<'_>, all: Vec<Statement>, known: &BTreeMap<String, Known>, report: &mut Report<'_>) {
    let (host, target, about) = (report.host(), view.target, &view.server.about);
    let of = |one: &Statement| known.get(&one.id).copied().unwrap_or_default();
    let is_slow = |one: &Statement| of(one).slow >= if host.is_open(&key(one)) { 1 } else { SLOW };
    report.looked("slow", target, None);
    let judged = all.iter().filter(|one| of(one).samples >= LEARNED).count();
    let slow = all.iter().filter(|one| is_slow(one)).count();
    if slow >= TOGETHER && slow.saturating_mul(2) >= judged {
        let words = format!("{slow} of {judged} statements of {target} got slow together");
        let status = Status::Unhealthy(Severity::Notice);
        let seen = Observation::new(format!("slow:{target}"), about.clone(), status, words);
        report.add(seen.with(Measure::count("slow", slow as u64)).with(Measure::count("judged", judged as u64)));
        // Those that were slow before stay findings of their own.
        let open = all.into_iter().filter(|one| host.is_open(&key(one))).collect();
        return each(view, open, of, is_slow, report);
    }
    each(view, all, of, is_slow, report);
}

fn each(
    view: &View<'_>,
    all: Vec<Statement>,
    of: impl Fn(&Statement) -> Known,
    is_slow: impl Fn(&Statement) -> bool,
    report: &mut Report<'_>,
) {
    let fault = |one: &Statement| is_slow(one).then(|| of(one).times());
    for one in &report.worst("statement", view.target, &view.server.about, all, key, fault) {
        let known = of(one);
        let [mean, usual] = [known.mean, known.baseline].map(|time| Span(time.round() as u64));
        let status = match is_slow(one) {
            true if known.times() >= 10.0 => Status::Unhealthy(Severity::Warning),
            true => Status::Unhealthy(Severity::Notice),
            false => Status::Healthy,
        };
        let short = text::cut(&one.text, 120);
        let words = format!("a statement of {} takes {mean}, usually {usual}: {short}", view.target);
        report.add(
            Observation::new(key(one), one.about.clone(), status, words)
                .with(Measure::milliseconds("mean", mean.0))
                .with(Measure::milliseconds("usual", usual.0))
                .with(Measure::count("runs", one.calls))
                .with(Measure::text("database", &*one.database))
                .with(Measure::text("statement", &*one.text))
                .part_of(view.server.about.clone())
                .at_distance(known.times()),
        );
    }
}

pub(super) fn plan(situation: &Situation<'_>) -> Decision {
    situation.advise(
        "compare its plan with what changed",
        "`explain (analyze, buffers)` of this statement shows it; usual causes are an index that is missing or invalid, \
         statistics that are old, a table that grew, and locks; a server on which all statements got slow lacks processors, \
         memory or disk, or runs a backup",
    )
}

#[cfg(test)]
mod tests {
    use ansai_sdk::Subject;

    use super::*;
    use crate::testing::settings;

    /// A statement after so many runs of so many milliseconds each.
    fn statement(calls: u64, total: u64) -> Statement {
        Statement {
            about: Subject::new("database-statement", "db/1.2"),
            id: "1.2".into(),
            text: "select ?".into(),
            database: "app".into(),
            calls,
            rows: 0,
            total,
            longest: None,
        }
    }

    /// The state after samples of runs and their mean time.
    fn sampled(samples: &[(u64, u64)]) -> Known {
        let settings = settings(|_| {});
        let (mut known, mut calls, mut total) = (Known::default().after(&statement(1, 1), &settings), 1, 1);
        for (runs, mean) in samples {
            (calls, total) = (calls + runs, total + runs * mean);
            known = known.after(&statement(calls, total), &settings);
            let (id, again) = Known::read(&known.line("1.2 x")).unwrap();
            assert_eq!((id.as_str(), again.calls, again.slow), ("1.2 x", known.calls, known.slow));
            // As it is stored, with three decimals.
            known = again;
        }
        known
    }

    #[test]
    fn three_slow_samples_after_an_hour_of_usual_ones_are_slow() {
        let usual = vec![(100, 50); 12];
        assert_eq!((sampled(&usual).baseline, sampled(&usual).slow), (50.0, 0));
        let slow = |more: &[(u64, u64)]| sampled(&[usual.as_slice(), more].concat()).slow;
        assert_eq!(slow(&[(100, 160); 3]), SLOW);
        assert_eq!(slow(&[(100, 149); 3]), 0, "less than three times");
        assert_eq!(slow(&[(100, 160), (100, 50), (100, 160), (100, 160)]), 2, "not one after another");
        assert_eq!(slow(&[(9, 5_000); 9]), 0, "a report runs seldom");
        assert_eq!(slow(&[(100, 160), (100, 160), (100, 160), (100, 50), (100, 50), (100, 50)]), 0, "over");
    }

    #[test]
    fn a_fast_statement_that_is_three_times_as_slow_is_still_fast() {
        assert_eq!(sampled(&[vec![(100, 2); 12], vec![(100, 60); 5]].concat()).slow, 0);
    }

    #[test]
    fn a_week_makes_slow_usual() {
        let known = sampled(&[vec![(100, 50); 12], vec![(100, 200); 2_016 * 2]].concat());
        assert!(known.slow == 0 && known.baseline > 100.0, "{known:?}");
    }

    #[test]
    fn what_is_no_number_is_not_remembered() {
        for line in ["", "a", "a 1 1 1 1 nan 1", "a 1 1 1 1 1 inf", "a 1 1 1 1 1 -1", "a 1 1 1 -1 1 1", "1 1 1 1 1 1"] {
            assert_eq!(Known::read(line), None, "{line}");
        }
    }

    #[test]
    fn counting_that_began_again_is_no_sample() {
        let (settings, known) = (settings(|_| {}), sampled(&[(100, 50); 12]));
        let again = known.after(&statement(20, 100_000), &settings);
        assert_eq!((again.slow, again.baseline, again.calls), (0, 50.0, 20));
    }
}
