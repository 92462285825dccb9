//! Changed decisions, for people and for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use ansai_core::text::inert;
use ansai_daemon::{Component, Warning};
use ansai_engine::backtest::{Change, Verdict};
use serde_json::json;

use super::Judged;
use crate::output::count::count;
use crate::output::{self, colour, json, lines, time};

/// Differences that are shown one by one; `--format json` has all.
const MOST_SHOWN: usize = 20;

/// Evaluations by result.
#[derive(Default, serde::Serialize)]
struct Counts {
    same: usize,
    different: usize,
    unknown: usize,
    refused: usize,
}

fn counts(judged: &[Judged]) -> Counts {
    let mut counts = Counts::default();
    for one in judged {
        match &one.verdict {
            Ok(Verdict::Same) => counts.same += 1,
            Ok(Verdict::Different(_)) => counts.different += 1,
            Ok(Verdict::Untold(_)) => counts.unknown += 1,
            Err(_) => counts.refused += 1,
        }
    }
    counts
}

/// How many decisions about a finding of an instance changed.
fn summary(judged: &[Judged]) -> BTreeMap<(String, String), usize> {
    let mut summary = BTreeMap::new();
    for (one, change) in changes(judged) {
        *summary.entry((one.listed.instance.clone(), shown(change).to_owned())).or_default() += 1;
    }
    summary
}

fn changes(judged: &[Judged]) -> impl Iterator<Item = (&Judged, &Change)> {
    judged.iter().flat_map(|one| {
        let changes = match &one.verdict {
            Ok(Verdict::Different(changes)) => changes.as_slice(),
            _ => &[],
        };
        changes.iter().map(move |change| (one, change))
    })
}

fn shown(change: &Change) -> &str {
    if change.finding.is_empty() { "(no result)" } else { &change.finding }
}

pub(super) fn text(judged: &[Judged], took: Duration) -> anyhow::Result<()> {
    for (one, change) in changes(judged).take(MOST_SHOWN) {
        let head = format!("{}  {}  {}", time::local(one.at), one.listed.instance, shown(change));
        let mut out = format!("{}  {}\n", inert(&head, 400), colour::paint(colour::FAINT, one.listed.id.as_str()));
        for (mark, style, lines) in [('-', colour::GONE, &change.recorded), ('+', colour::GOOD, &change.now)] {
            // Skip lines that both have.
            let other = if mark == '-' { &change.now } else { &change.recorded };
            for line in lines.iter().filter(|line| !other.contains(line)) {
                out.push_str(&format!("    {}\n", colour::paint(style, &format!("{mark} {line}"))));
            }
            if lines.is_empty() {
                out.push_str(&format!("    {}\n", colour::paint(style, &format!("{mark} no decision"))));
            }
        }
        output::say(&out)?;
    }
    let total = changes(judged).count();
    if total > MOST_SHOWN {
        lines::line(&format!("… and {} more; see --format json", total - MOST_SHOWN))?;
    }
    for one in judged {
        if let Err(fault) = &one.verdict {
            output::warning(&Warning::new(fault.code, fault.message.as_str()));
        }
    }
    let mut why: BTreeMap<&str, usize> = BTreeMap::new();
    for one in judged {
        if let Ok(Verdict::Untold(reason)) = &one.verdict {
            *why.entry(reason).or_default() += 1;
        }
    }
    for (reason, times) in why.into_iter().take(MOST_SHOWN) {
        lines::line(&format!("{}: unknown: {reason}", count(times, "evaluation")))?;
    }
    for ((instance, finding), times) in summary(judged) {
        lines::line(&format!("{instance}  {finding}: {} changed", count(times, "decision")))?;
    }
    let Counts { same, different, unknown, refused } = counts(judged);
    lines::line(&format!(
        "{} in {:.2} s: {same} same, {different} different, {unknown} unknown, {refused} refused",
        count(judged.len(), "evaluation"),
        took.as_secs_f64()
    ))?;
    Ok(())
}

pub(super) fn document(component: &Component, judged: &[Judged], took: Duration) -> anyhow::Result<()> {
    let differences: Vec<_> = changes(judged)
        .map(|(one, change)| {
            json!({
                "recording": one.listed.id,
                "instance": one.listed.instance,
                "at": time::rfc3339(one.at),
                "finding": change.finding,
                "recorded": change.recorded,
                "now": change.now,
            })
        })
        .collect();
    let untold: Vec<_> = judged
        .iter()
        .filter_map(|one| match &one.verdict {
            Ok(Verdict::Untold(why)) => Some(json!({ "recording": one.listed.id, "why": why })),
            Err(fault) => Some(json!({ "recording": one.listed.id, "why": fault.message, "refused": true })),
            Ok(_) => None,
        })
        .collect();
    let summary: Vec<_> = summary(judged)
        .into_iter()
        .map(|((instance, finding), times)| json!({ "instance": instance, "finding": finding, "different": times }))
        .collect();
    json::document(&json!({
        "component": component.found.digest,
        "evaluations": judged.len(),
        "counts": counts(judged),
        "summary": summary,
        "differences": differences,
        "unknown": untold,
        "wall_us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    }))
}
