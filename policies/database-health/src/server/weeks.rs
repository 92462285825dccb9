//! Statements that slowly got slower: their usual time follows, so their means by week are compared.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ansai_sdk::weekly::{Rise, Weekly};
use ansai_sdk::{Observation, Severity, Span, lines, text};

use super::View;
use crate::imports::ansai::database::database_text_probe::Statement;
use crate::report::Report;
use crate::settings::Settings;

/// How long a statement is remembered that is no longer among those that take the most time.
const FORGET: Span = Span::from_hours(21 * 24);
/// Statements that are remembered: a value of the store has 64 KiB.
const MOST: usize = 200;

pub(super) fn key(statement: &Statement) -> String {
    format!("slower:{}", statement.about.name)
}

/// What is remembered: the statements of now, and of the others those that were sampled last.
fn stored(known: &BTreeMap<String, Weekly>, now: BTreeSet<&str>) -> String {
    let mut kept: Vec<(&String, &Weekly)> = known.iter().collect();
    kept.sort_by_key(|(id, weekly)| (!now.contains(id.as_str()), Reverse(weekly.began())));
    lines::write(kept.into_iter().take(MOST))
}

/// Adds the samples of now, and observes what rose for weeks.
pub(super) fn observe(
    view: &View<'_>,
    all: &[Statement],
    sample: impl Fn(&Statement) -> Option<(u64, u64)>,
    settings: &Settings,
    report: &mut Report<'_>,
) {
    let (host, target, place) = (view.place.host, view.place.name, view.place.key("weeks"));
    let mut known: BTreeMap<String, Weekly> = lines::read(host.recall(&place).unwrap_or_default().lines());
    for one in all {
        if let Some((runs, time)) = sample(one) {
            known.entry(one.id.clone()).or_default().add(host.now(), runs, time);
        }
    }
    known.retain(|_, weekly| host.since(weekly.began()) < FORGET);
    host.remember(&place, &stored(&known, all.iter().map(|one| one.id.as_str()).collect()));
    let rose = |one: &Statement, is_open| known.get(&one.id)?.rise().filter(|rise| is_slower(rise, is_open, settings));
    let severity = |one: &&Statement, open: Option<Severity>| rose(one, open.is_some()).map(|_| Severity::Notice);
    let percent = |one: &&Statement| rose(one, false).map(|rise| rise.percent());
    report.looked("slower", target, None);
    let statements = view.place.all("slower", "slower statement");
    for found in report.each(statements, all.iter().collect(), |one| &one.about, severity, percent) {
        let one = found.thing;
        let Some(rise) = known.get(&one.id).and_then(Weekly::rise) else {
            let why = format!("the means by week of a statement of {target} are not known");
            report.add(Observation::unknown(key(one), one.about.clone(), why));
            continue;
        };
        let [from, to] = [rise.from, rise.to].map(|time| Span(time.round() as u64));
        let (weeks, short) = (text::count(rise.weeks, "week"), text::cut(&one.text, 120));
        let words = format!("a statement of {target} takes {to} on average, {from} {weeks} before: {short}");
        let seen = found.observe(words).milliseconds("mean", to.0).milliseconds("mean-before", from.0);
        let seen = seen.count("weeks", rise.weeks).text("database", &*one.database).text("statement", &*one.text);
        report.add(seen.part_of(view.place.about.clone()).at_distance(rise.percent()));
    }
}

/// An open finding ends when the rise is half of the limit, or when the weeks before the rise are forgotten.
fn is_slower(rise: &Rise, is_open: bool, settings: &Settings) -> bool {
    let limit = if is_open { settings.slower_percent / 2.0 } else { settings.slower_percent };
    rise.percent() >= limit && rise.to >= settings.slow_least.0 as f64 && (is_open || rise.is_steady)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: a statement of now that is forgotten each time because of the place of its id.
    #[test]
    fn the_statements_of_now_are_remembered_first_then_the_latest_of_the_others() {
        let sampled = |at: u64| {
            let mut weekly = Weekly::default();
            weekly.add(Span::from_hours(24 * 7).0 + at, 10, 10);
            weekly
        };
        let mut known: BTreeMap<String, Weekly> = (0..300).map(|at| (format!("1.{at:03}"), sampled(at))).collect();
        known.insert("9.9".into(), sampled(0));
        let text = stored(&known, ["9.9"].into());
        let ids: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(' ')?.0)).collect();
        assert_eq!((ids.len(), ids[0], ids[1], ids.last()), (MOST, "9.9", "1.299", Some(&"1.101")));
    }
}
