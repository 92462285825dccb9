//! `ansai:policy/series`: time series that the host keeps and analyses.

use ansai_core::{Duration, Instant, Refusal};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::analysis::{self, Reduction};
use crate::call::{Reply, typed};
use crate::evaluation_state::{EvaluationState, Sample};
use crate::registry::{Body, Function, InterfaceDef, base};

const MOST_SERIES: usize = 64;
const MOST_NAME_BYTES: usize = 256;
/// Points of one answer and of one analysis: Theil-Sen looks at every pair.
pub const MOST_POINTS: usize = 2_000;

const fn plain(name: &'static str, body: fn(&mut EvaluationState, &RawValue) -> Reply) -> Function {
    Function { name, checks: &[], body: Body::Base(body) }
}

/// The interface.
pub static SERIES: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/series", "keep time series and have them analysed"),
    functions: &[plain("append", append), plain("samples", samples), plain("analyse", analyse), plain("reset", reset)],
};

#[derive(Deserialize)]
struct Window {
    since: Instant,
    bucket: Option<Duration>,
    reduce: Reduction,
}

fn append(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    #[derive(Deserialize)]
    struct Arguments {
        name: String,
        value: f64,
    }
    typed(arguments, |Arguments { name, value }| {
        admit(base, &name)?;
        base.writes.series.entry(name).or_default().value = Some(value);
        Ok(())
    })
}

fn reset(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    #[derive(Deserialize)]
    struct Arguments {
        name: String,
    }
    typed(arguments, |Arguments { name }| {
        admit(base, &name)?;
        let write = base.writes.series.entry(name).or_default();
        write.reset = true;
        write.value = None;
        Ok(())
    })
}

fn samples(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    #[derive(Deserialize)]
    struct Arguments {
        name: String,
        window: Window,
    }
    typed(arguments, |Arguments { name, window }| {
        let mut points = read(base, &name, &window)?;
        let surplus = points.len().saturating_sub(MOST_POINTS);
        points.drain(..surplus);
        Ok(points)
    })
}

fn analyse(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    #[derive(Deserialize)]
    struct Arguments {
        name: String,
        window: Window,
        limit: Option<f64>,
    }
    typed(arguments, |Arguments { name, window, limit }| {
        let mut points = read(base, &name, &window)?;
        let surplus = points.len().saturating_sub(MOST_POINTS);
        points.drain(..surplus);
        analysis::trend(&points, limit).ok_or_else(|| Refusal::NotFound(format!("series `{name}` has no sample")))
    })
}

/// A name that is sane and, where it is new, still fits.
fn admit(base: &EvaluationState, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > MOST_NAME_BYTES {
        return Err(Refusal::Invalid(format!("name has {} bytes, not 1 to {MOST_NAME_BYTES}", name.len())));
    }
    if base.writes.series.contains_key(name) {
        return Ok(());
    }
    let mut names = base.memory.series()?;
    names.extend(base.writes.series.keys().cloned());
    names.sort();
    names.dedup();
    if names.len() >= MOST_SERIES && !names.iter().any(|known| known == name) {
        return Err(Refusal::OverBudget(format!("there are {MOST_SERIES} series already")));
    }
    Ok(())
}

/// What was committed, with this evaluation's own sample last.
fn read(base: &EvaluationState, name: &str, window: &Window) -> Result<Vec<Sample>, Refusal> {
    let write = base.writes.series.get(name).copied().unwrap_or_default();
    let now = base.context.now;
    let mut samples = if write.reset { Vec::new() } else { base.memory.samples(name, window.since)? };
    samples.retain(|sample| sample.at >= window.since && sample.at < now);
    if let Some(value) = write.value {
        samples.push(Sample { at: now, value });
    }
    Ok(analysis::reduce(samples, window.bucket, window.reduce))
}
