//! `ansai:policy/series`: time series that the host keeps and analyses.

use ansai_core::{Millis, Refusal, Timestamp};
use serde::{Deserialize, Serialize};

use super::analysis::{self, Reduction, Trend};
use crate::evaluation_state::{EvaluationState, Sample};
use crate::function::{Base, BaseFunction};
use crate::registry::{Body, Function, InterfaceDef, base};

const MOST_SERIES: usize = 64;
const MOST_NAME_BYTES: usize = 256;
/// Points of one answer and of one analysis: Theil-Sen looks at every pair.
pub const MOST_POINTS: usize = 2_000;

const fn plain(name: &'static str, body: &'static dyn BaseFunction) -> Function {
    Function { name, checks: &[], body: Body::Base(body) }
}

/// The interface.
pub static SERIES: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/series", "keep time series and have them analysed"),
    doctor: &[],
    functions: &[
        plain("append", &Base(append)),
        plain("samples", &Base(samples)),
        plain("analyse", &Base(analyse)),
        plain("reset", &Base(reset)),
    ],
};

#[derive(Serialize, Deserialize)]
struct Window {
    since: Timestamp,
    bucket: Option<Millis>,
    reduce: Reduction,
}

#[derive(Serialize, Deserialize)]
struct Append {
    name: String,
    value: f64,
}

#[derive(Serialize, Deserialize)]
struct Reset {
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Samples {
    name: String,
    window: Window,
}

#[derive(Serialize, Deserialize)]
struct Analyse {
    name: String,
    window: Window,
    limit: Option<f64>,
}

fn append(state: &mut EvaluationState, Append { name, value }: Append) -> Result<(), Refusal> {
    check_name(state, &name)?;
    state.writes.series.entry(name).or_default().value = Some(value);
    Ok(())
}

fn reset(state: &mut EvaluationState, Reset { name }: Reset) -> Result<(), Refusal> {
    check_name(state, &name)?;
    let write = state.writes.series.entry(name).or_default();
    write.reset = true;
    write.value = None;
    Ok(())
}

fn samples(state: &mut EvaluationState, Samples { name, window }: Samples) -> Result<Vec<Sample>, Refusal> {
    newest(state, &name, &window)
}

fn analyse(state: &mut EvaluationState, Analyse { name, window, limit }: Analyse) -> Result<Trend, Refusal> {
    let points = newest(state, &name, &window)?;
    analysis::trend(&points, limit).ok_or_else(|| Refusal::NotFound(format!("series `{name}` has no sample")))
}

/// As many of the newest points as one answer may have.
fn newest(state: &EvaluationState, name: &str, window: &Window) -> Result<Vec<Sample>, Refusal> {
    let mut points = read(state, name, window)?;
    let surplus = points.len().saturating_sub(MOST_POINTS);
    points.drain(..surplus);
    Ok(points)
}

/// Refuses a name that is too long, or a new one where there are too many.
fn check_name(state: &EvaluationState, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > MOST_NAME_BYTES {
        return Err(Refusal::Invalid(format!("the name has {} bytes, not 1 to {MOST_NAME_BYTES}", name.len())));
    }
    if state.writes.series.contains_key(name) {
        return Ok(());
    }
    let mut names = state.memory.series()?;
    names.extend(state.writes.series.keys().cloned());
    names.sort();
    names.dedup();
    if names.len() >= MOST_SERIES && !names.iter().any(|known| known == name) {
        return Err(Refusal::OverBudget(format!("there are {MOST_SERIES} series already")));
    }
    Ok(())
}

/// What was committed, with this evaluation's own sample last.
fn read(state: &EvaluationState, name: &str, window: &Window) -> Result<Vec<Sample>, Refusal> {
    let write = state.writes.series.get(name).copied().unwrap_or_default();
    let now = state.context.now;
    let mut samples = if write.reset { Vec::new() } else { state.memory.samples(name, window.since)? };
    samples.retain(|sample| sample.at >= window.since && sample.at < now);
    if let Some(value) = write.value {
        samples.push(Sample { at: now, value });
    }
    Ok(analysis::reduce(samples, window.bucket, window.reduce))
}
