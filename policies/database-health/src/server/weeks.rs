//! Statements that slowly got slower: their usual time follows, so their means by week are compared.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ansai_sdk::weekly::{Rise, Weekly};
use ansai_sdk::{Measure, Observation, Severity, Span, Status, text};

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

fn place(target: &str) -> String {
    format!("weeks:{target}")
}

/// The weeks of all statements of a target, by their ids.
fn recall(report: &Report<'_>, target: &str) -> BTreeMap<String, Weekly> {
    let text = report.host().recall(&place(target)).unwrap_or_default();
    let read = |line: &str| {
        let (id, weeks) = line.rsplit_once(' ')?;
        Some((id.to_owned(), Weekly::parse(weeks)?))
    };
    text.lines().filter_map(read).collect()
}

/// What is remembered: the statements of now, and of the others those that were sampled last.
fn stored(known: &BTreeMap<String, Weekly>, now: BTreeSet<&str>) -> String {
    let mut kept: Vec<(&String, &Weekly)> = known.iter().collect();
    kept.sort_by_key(|(id, weekly)| (!now.contains(id.as_str()), Reverse(weekly.began())));
    let lines: Vec<String> = kept.iter().take(MOST).map(|(id, weekly)| format!("{id} {}", weekly.text())).collect();
    lines.join("\n")
}

/// Adds the samples of now, and observes what rose for weeks.
pub(super) fn observe(
    view: &View<'_>,
    all: &[Statement],
    sample: impl Fn(&Statement) -> Option<(u64, u64)>,
    settings: &Settings,
    report: &mut Report<'_>,
) {
    let (host, target) = (report.host(), view.target);
    let mut known = recall(report, target);
    for one in all {
        if let Some((runs, time)) = sample(one) {
            known.entry(one.id.clone()).or_default().add(host.now(), runs, time);
        }
    }
    known.retain(|_, weekly| host.now().saturating_sub(weekly.began()) < FORGET.0);
    host.remember(&place(target), &stored(&known, all.iter().map(|one| one.id.as_str()).collect()));
    let rose = |one: &Statement| {
        let is_open = host.is_open(&key(one));
        known.get(&one.id)?.rise().filter(|rise| is_slower(rise, is_open, settings))
    };
    let worse: Vec<&Statement> = all.iter().filter(|one| host.is_open(&key(one)) || rose(one).is_some()).collect();
    report.looked("slower", target, None);
    let fault = |one: &&Statement| rose(one).map(|rise| rise.percent());
    for one in report.worst("slower statement", target, &view.server.about, worse, |one| key(one), fault) {
        let found = rose(one);
        let status = if found.is_some() { Status::Unhealthy(Severity::Notice) } else { Status::Healthy };
        let Some(rise) = found.or_else(|| known.get(&one.id)?.rise()) else {
            let why = format!("the means by week of a statement of {target} are not known");
            report.add(Observation::unknown(key(one), one.about.clone(), why));
            continue;
        };
        let [from, to] = [rise.from, rise.to].map(|time| Span(time.round() as u64));
        let (weeks, short) = (text::count(rise.weeks, "week"), text::cut(&one.text, 120));
        let words = format!("a statement of {target} takes {to} on average, {from} {weeks} before: {short}");
        report.add(
            Observation::new(key(one), one.about.clone(), status, words)
                .with(Measure::milliseconds("mean", to.0))
                .with(Measure::milliseconds("mean-before", from.0))
                .with(Measure::count("weeks", rise.weeks))
                .with(Measure::text("database", &*one.database))
                .with(Measure::text("statement", &*one.text))
                .part_of(view.server.about.clone())
                .at_distance(rise.percent()),
        );
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
