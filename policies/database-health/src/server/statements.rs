//! Statements that got slow against their own baseline. A nightly report, a backup or a migration runs too seldom to be judged,
//! and a server on which everything got slow is one finding.

use std::collections::BTreeMap;

use ansai_sdk::pages::Listed;
use ansai_sdk::{Refusal, Severity, Span, Usual, lines, text};

use super::{View, weeks};
use crate::calls::{self, TEXTS};
use crate::imports::ansai::database::database_text_probe::Statement;
use crate::report::{Report, is_full};
use crate::settings::Settings;

/// Time between two samples.
const EVERY: Span = Span(5 * 60_000);
/// Statements of a server that are judged: those that take the most time, and those whose finding is open.
const MOST: usize = 100;
/// Of how many slow statements, at least half of all that were judged, the server is the cause.
const TOGETHER: usize = 5;

/// The kinds of findings about statements.
const KINDS: [&str; 3] = ["statement", "slow", "slower"];

fn key(statement: &Statement) -> String {
    format!("statement:{}", statement.about.name)
}

/// Observes the statements of one server. Says why they are not checked, if they are not.
pub(super) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) -> Option<String> {
    let (host, target) = (view.place.host, view.place.name);
    if !host.grants().has(TEXTS) || is_full(report) {
        return None;
    }
    // The store has the time of the last samples, and what is known of each statement.
    let place = view.place.key("statements");
    let stored = host.recall(&place).unwrap_or_default();
    let (at, known) = stored.split_once('\n').unwrap_or((&stored, ""));
    if at.parse().is_ok_and(|at| EVERY.lasts_since(at, host.now())) {
        KINDS.iter().for_each(|kind| report.keep(kind, target));
        return None;
    }
    let listed = match calls::statements(host, target) {
        Err(Refusal::Unsupported(why)) => {
            // Those that were slow may still be.
            let why = format!("its statements are not checked: {why}");
            KINDS.iter().for_each(|kind| report.looked(kind, target, Some(why.clone())));
            return Some(why);
        }
        listed => listed.map(|all| Listed { entries: all.entries, skipped: all.skipped, end: None }),
    };
    let all = report.listed("statement", "statement", target, &view.place.about, listed)?;
    let all = judged(all, |one| host.is_open(&key(one)) || host.is_open(&weeks::key(one)));
    let known: BTreeMap<String, Usual> = lines::read(known.lines());
    weeks::observe(view, &all, |one| known.get(&one.id)?.sample(one.calls, one.total), settings, report);
    let is_slow = |mean: f64, usual: f64| mean >= settings.slow_least.0 as f64 && mean >= usual * settings.slow_times;
    let sampled = |one: &Statement| {
        let before = known.get(&one.id).copied().unwrap_or_default();
        (one.id.clone(), before.after(one.calls, one.total, is_slow))
    };
    let known: BTreeMap<String, Usual> = all.iter().map(sampled).collect();
    host.remember(&place, format!("{}\n{}", host.now(), lines::write(&known)).trim_end());
    judge(view, all, &known, report);
    None
}

/// Those of a list that are judged.
fn judged<T>(all: Vec<T>, is_open: impl Fn(&T) -> bool) -> Vec<T> {
    all.into_iter().enumerate().filter(|(place, one)| *place < MOST || is_open(one)).map(|(_, one)| one).collect()
}

fn judge(view: &View<'_>, mut all: Vec<Statement>, known: &BTreeMap<String, Usual>, report: &mut Report<'_>) {
    let (host, target) = (view.place.host, view.place.name);
    let of = |one: &Statement| known.get(&one.id).copied().unwrap_or_default();
    let is_slow = |one: &&Statement| of(one).is_unusual(host.is_open(&key(one)));
    report.looked("slow", target, None);
    let judged = all.iter().filter(|one| of(one).is_learned()).count();
    let slow = all.iter().filter(is_slow).count();
    if slow >= TOGETHER && slow.saturating_mul(2) >= judged {
        let words = format!("{slow} of {judged} statements of {target} got slow together");
        let seen = view.place.observe("slow", Severity::Notice, words);
        report.add(seen.count("slow", slow as u64).count("judged", judged as u64));
        // Those that were slow before stay findings of their own.
        all.retain(|one| host.is_open(&key(one)));
    }
    let severity = |one: &Statement, open: Option<Severity>| {
        let severity = if of(one).times() >= 10.0 { Severity::Warning } else { Severity::Notice };
        of(one).is_unusual(open.is_some()).then_some(severity)
    };
    let statements = view.place.all("statement", "statement");
    for found in report.each(statements, all, |one| &one.about, severity, |one| of(one).times()) {
        let (one, known) = (&found.thing, of(&found.thing));
        let [mean, usual] = [known.mean, known.baseline].map(|time| Span(time.round() as u64));
        let short = text::cut(&one.text, 120);
        let words = format!("a statement of {target} takes {mean}, usually {usual}: {short}");
        let seen = found.observe(words).milliseconds("mean", mean.0).milliseconds("usual", usual.0);
        let seen = seen.count("runs", one.calls).text("database", &*one.database).text("statement", &*one.text);
        report.add(seen.part_of(view.place.about.clone()).at_distance(known.times()));
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
