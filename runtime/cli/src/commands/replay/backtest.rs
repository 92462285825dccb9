//! `ansai replay --with FILE --since DURATION`: what another version would have decided differently.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ansai_audit::Listed;
use ansai_core::text::inert;
use ansai_core::{codes, exit};
use ansai_engine::backtest::{Backtest, Change, Verdict};
use ansai_host_functions::registry::Registry;
use ansai_supervisor::clock;
use serde_json::json;

use crate::arguments::{Format, Global};
use crate::component::Component;
use crate::exit::{Fault, Warning};
use crate::host;
use crate::output::progress::Progress;
use crate::output::{self, colour, json, lines, time};
use crate::recorded::Recorded;

/// Differences shown one by one; `--format json` has all.
const MOST_SHOWN: usize = 20;
/// Nothing is drawn before.
const QUIET: Duration = Duration::from_secs(1);
const DRAW: Duration = Duration::from_millis(200);

/// How one recorded evaluation went.
struct Judged {
    listed: Listed,
    at: u64,
    verdict: Result<Verdict, Fault>,
}

pub(super) fn run(
    recorded: &Recorded,
    registry: Registry,
    with: &Path,
    since: u64,
    instances: &[String],
    global: &Global,
) -> anyhow::Result<u8> {
    let engine = host::engine_with_users_cache(registry.clone())?;
    let component = Component::read(with, &registry.interfaces())?;
    let version = Backtest::new(component.compile(&engine)?);
    let from = clock::now().saturating_sub(since);
    let mut listed = recorded.catalog.list();
    listed.retain(|one| one.modified_millis >= from);
    let chosen = chosen(instances, &component.manifest.name, &listed)?;
    listed.retain(|one| chosen.contains(&one.instance));
    // Oldest first, as it happened.
    listed.reverse();
    let began = Instant::now();
    let judged = judge(recorded, &version, listed, global.format)?;
    let took = began.elapsed();
    match global.format {
        Format::Json => json::document(&document(&component, &judged, took))?,
        Format::Text => text(&judged, took)?,
    }
    Ok(code(&judged))
}

/// Whose evaluations are meant.
fn chosen(asked: &[String], name: &str, listed: &[Listed]) -> Result<Vec<String>, Fault> {
    let mut known: Vec<&str> = listed.iter().map(|one| one.instance.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    let wanted = if asked.is_empty() { vec![name.to_owned()] } else { asked.to_vec() };
    match wanted.iter().find(|wanted| !known.contains(&wanted.as_str())) {
        None => Ok(wanted),
        Some(missing) => {
            let fault = Fault::usage(
                codes::UNKNOWN_RECORDING,
                format!("no evaluation of `{}` was recorded in this time", inert(missing, 80)),
            );
            Err(if known.is_empty() {
                fault.hint("say a longer --since")
            } else {
                fault.hint(format!("say --instance NAME; there are recordings of {}", known.join(", ")))
            })
        }
    }
}

/// All of them, on all cores, in their order.
fn judge(recorded: &Recorded, version: &Backtest, listed: Vec<Listed>, format: Format) -> anyhow::Result<Vec<Judged>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(listed.len().max(1));
    let next = AtomicUsize::new(0);
    let mut judged: BTreeMap<usize, Judged> = BTreeMap::new();
    std::thread::scope(|scope| {
        let (done, results) = mpsc::channel();
        for _ in 0..threads {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let (done, next, listed) = (done.clone(), &next, &listed);
            std::thread::Builder::new().name("replay".into()).spawn_scoped(scope, move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = listed.get(index) else { return };
                    let judged = runtime.block_on(one_of(recorded, version, one));
                    if done.send((index, judged)).is_err() {
                        return;
                    }
                }
            })?;
        }
        drop(done);
        let began = Instant::now();
        let mut drawn = began;
        let mut progress = Progress::new(format == Format::Text);
        for (index, one) in results {
            judged.insert(index, one);
            if began.elapsed() > QUIET && drawn.elapsed() > DRAW {
                drawn = Instant::now();
                progress.show(&format!("replayed {} of {} …", judged.len(), listed.len()));
            }
        }
        anyhow::Ok(())
    })?;
    Ok(judged.into_values().collect())
}

async fn one_of(recorded: &Recorded, version: &Backtest, listed: &Listed) -> Judged {
    let (at, verdict) = match recorded.get(&listed.id) {
        Ok(recording) => (recording.at, Ok(version.run(recording).await)),
        Err(fault) => (listed.modified_millis, Err(fault)),
    };
    Judged { listed: listed.clone(), at, verdict }
}

fn code(judged: &[Judged]) -> u8 {
    crate::exit::worst(judged.iter().map(|one| match &one.verdict {
        Ok(Verdict::Same) => exit::FINE,
        Ok(Verdict::Different(_)) => exit::REFUSED,
        Ok(Verdict::Unknown(_)) => exit::UNKNOWN,
        Err(fault) => fault.exit,
    }))
}

/// How many are of which kind.
#[derive(Default, serde::Serialize)]
struct Counts {
    same: usize,
    different: usize,
    could_not_tell: usize,
    refused: usize,
}

fn counts(judged: &[Judged]) -> Counts {
    let mut counts = Counts::default();
    for one in judged {
        match &one.verdict {
            Ok(Verdict::Same) => counts.same += 1,
            Ok(Verdict::Different(_)) => counts.different += 1,
            Ok(Verdict::Unknown(_)) => counts.could_not_tell += 1,
            Err(_) => counts.refused += 1,
        }
    }
    counts
}

/// How often a finding of an instance is decided differently.
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
    if change.finding.is_empty() { "(no answer)" } else { &change.finding }
}

fn text(judged: &[Judged], took: Duration) -> anyhow::Result<()> {
    for (one, change) in changes(judged).take(MOST_SHOWN) {
        let head = format!("{}  {}  {}", time::local(one.at), one.listed.instance, shown(change));
        let mut out = format!("{}  {}\n", inert(&head, 400), colour::paint(colour::FAINT, one.listed.id.as_str()));
        for (mark, style, lines) in [('-', colour::GONE, &change.recorded), ('+', colour::GOOD, &change.now)] {
            // What both have says nothing.
            let other = if mark == '-' { &change.now } else { &change.recorded };
            for line in lines.iter().filter(|line| !other.contains(line)) {
                out.push_str(&format!("    {}\n", colour::paint(style, &format!("{mark} {line}"))));
            }
            if lines.is_empty() {
                out.push_str(&format!("    {}\n", colour::paint(style, &format!("{mark} nothing"))));
            }
        }
        output::say(&out)?;
    }
    let total = changes(judged).count();
    if total > MOST_SHOWN {
        lines::line(&format!("… and {} more; --format json has all", total - MOST_SHOWN))?;
    }
    for one in judged {
        if let Err(fault) = &one.verdict {
            output::warning(&Warning::new(fault.code, fault.message.as_str()));
        }
    }
    let mut why: BTreeMap<&str, usize> = BTreeMap::new();
    for one in judged {
        if let Ok(Verdict::Unknown(reason)) = &one.verdict {
            *why.entry(reason).or_default() += 1;
        }
    }
    for (reason, times) in why.iter().take(MOST_SHOWN) {
        lines::line(&format!("could not tell {times} times: {reason}"))?;
    }
    for ((instance, finding), times) in summary(judged) {
        lines::line(&format!("{instance}  {finding}: decided differently {times} times"))?;
    }
    let Counts { same, different, could_not_tell, refused } = counts(judged);
    let seconds = took.as_secs_f64();
    lines::line(&format!(
        "{} evaluations in {seconds:.2} s: {same} the same, {different} different, {could_not_tell} could not tell, \
         {refused} refused",
        judged.len()
    ))?;
    Ok(())
}

fn document(component: &Component, judged: &[Judged], took: Duration) -> serde_json::Value {
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
            Ok(Verdict::Unknown(why)) => Some(json!({ "recording": one.listed.id, "why": why })),
            Err(fault) => Some(json!({ "recording": one.listed.id, "why": fault.message, "refused": true })),
            Ok(_) => None,
        })
        .collect();
    let summary: Vec<_> = summary(judged)
        .into_iter()
        .map(|((instance, finding), times)| json!({ "instance": instance, "finding": finding, "different": times }))
        .collect();
    json!({
        "component": component.found.digest,
        "evaluations": judged.len(),
        "counts": counts(judged),
        "summary": summary,
        "differences": differences,
        "could_not_tell": untold,
        "wall_us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    })
}
