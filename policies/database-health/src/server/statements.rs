//! Statements that got slow against their own baseline. A nightly report, a backup or a migration runs too seldom to be judged,
//! and a server on which everything got slow is one finding.

use std::collections::BTreeMap;

use ansai_sdk::pages::Listed;
use ansai_sdk::{Measure, Observation, Refusal, Severity, Span, Status, text};

use super::known::{Known, LEARNED, SLOW};
use super::{View, weeks};
use crate::calls::{self, TEXTS};
use crate::imports::ansai::database::database_text_probe::Statement;
use crate::report::{Report, is_full, keep};
use crate::settings::Settings;

/// Time between two samples.
const EVERY: Span = Span(5 * 60_000);
/// Statements of a server that are judged: those that take the most time, and those whose finding is open.
const MOST: usize = 100;
/// Of how many slow statements, at least half of all that were judged, the server is the cause.
const TOGETHER: usize = 5;

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
    let (at, known) = recall(report, target);
    let is_due = at > host.now() || host.now().saturating_sub(at) >= EVERY.0;
    if !is_due {
        keep(report, "statement", target);
        keep(report, "slow", target);
        keep(report, "slower", target);
        return None;
    }
    let listed = match calls::statements(host, target) {
        Err(Refusal::Unsupported(why)) => {
            // Those that were slow may still be.
            let why = format!("its statements are not checked: {why}");
            report.looked("statement", target, Some(why.clone()));
            report.looked("slow", target, Some(why.clone()));
            report.looked("slower", target, Some(why.clone()));
            return Some(why);
        }
        listed => listed.map(|all| Listed { entries: all.entries, skipped: all.skipped.into(), end: None }),
    };
    let all = report.listed("statement", "statement", target, &view.server.about, listed)?;
    let all = judged(all, |one| host.is_open(&key(one)) || host.is_open(&weeks::key(one)));
    weeks::observe(view, &all, |one| known.get(&one.id)?.sample(one), settings, report);
    let sampled = |one: &Statement| {
        let before = known.get(&one.id).copied().unwrap_or_default();
        (one.id.clone(), before.after(one, settings))
    };
    let known: BTreeMap<String, Known> = all.iter().map(sampled).collect();
    let lines = known.iter().map(|(id, one)| one.line(id));
    let text: Vec<String> = std::iter::once(host.now().to_string()).chain(lines).collect();
    host.remember(&place(target), &text.join("\n"));
    judge(view, all, &known, report);
    None
}

/// Those of a list that are judged.
fn judged<T>(all: Vec<T>, is_open: impl Fn(&T) -> bool) -> Vec<T> {
    all.into_iter().enumerate().filter(|(place, one)| *place < MOST || is_open(one)).map(|(_, one)| one).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: an open finding that ends because other statements take more time.
    #[test]
    fn an_open_one_is_judged_wherever_it_is_in_the_list() {
        let all = judged((0..2 * MOST).collect(), |one| *one == 150);
        assert_eq!((all.len(), all.last()), (MOST + 1, Some(&150)));
    }
}
