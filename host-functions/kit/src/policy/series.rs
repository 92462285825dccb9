//! `ansai:policy/series`: time series that the host keeps and analyses.

use ansai_core::{Millis, Refusal, Timestamp};
use serde::{Deserialize, Serialize};

use super::analysis::{self, Trend};
use super::quantiles;
use super::reduction::{self, Reduction};
use crate::evaluation_state::{EvaluationState, Sample};
use crate::function::{Base, BaseFunction};
use crate::registry::{Body, Function, InterfaceDef, base};

/// How long samples are kept, first one by one, then as hours.
pub const KEPT: Millis = Millis::from_hours(400 * 24);
const MOST_NAME_BYTES: usize = 256;
const MOST_SHARES: usize = 32;
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
        plain("quantiles", &Base(quantiles)),
        plain("reset", &Base(reset)),
    ],
};

#[derive(Serialize, Deserialize)]
struct Window {
    since: Timestamp,
    until: Option<Timestamp>,
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

#[derive(Serialize, Deserialize)]
struct Quantiles {
    name: String,
    window: Window,
    shares: Vec<f64>,
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
    let trend = analysis::trend(&newest(state, &name, &window)?, limit).ok_or_else(|| no_sample(&name))?;
    if trend.is_finite() {
        Ok(trend)
    } else {
        Err(Refusal::Invalid(format!("the samples of series `{name}` are too large to analyse")))
    }
}

fn quantiles(state: &mut EvaluationState, Quantiles { name, window, shares }: Quantiles) -> Result<Vec<f64>, Refusal> {
    if shares.len() > MOST_SHARES {
        return Err(Refusal::Invalid(format!("there are {} shares, at most {MOST_SHARES}", shares.len())));
    }
    if let Some(wrong) = shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
        return Err(Refusal::Invalid(format!("the share {wrong} is not between 0 and 1")));
    }
    let values = read(state, &name, &window)?.iter().map(|sample| sample.value).collect();
    quantiles::quantiles(values, &shares).ok_or_else(|| no_sample(&name))
}

fn no_sample(name: &str) -> Refusal {
    Refusal::NotFound(format!("series `{name}` has no sample"))
}

/// As many of the newest points as one answer may have.
fn newest(state: &EvaluationState, name: &str, window: &Window) -> Result<Vec<Sample>, Refusal> {
    let mut points = read(state, name, window)?;
    let surplus = points.len().saturating_sub(MOST_POINTS);
    points.drain(..surplus);
    Ok(points)
}

/// Refuses a name that is too long, or a new one where there are too many.
fn check_name(state: &mut EvaluationState, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > MOST_NAME_BYTES {
        return Err(Refusal::Invalid(format!("the name has {} bytes, not 1 to {MOST_NAME_BYTES}", name.len())));
    }
    let names = match &mut state.series_names {
        Some(names) => names,
        none => none.insert(state.memory.series()?.into_iter().collect()),
    };
    if names.contains(name) {
        return Ok(());
    }
    let most = state.most_series;
    if names.len() >= most as usize {
        return Err(Refusal::OverBudget(format!(
            "this instance may have {most} series; raise `series` in `[limits]` of the manifest or in \
             `[policy.NAME.limits]` of ansai.toml"
        )));
    }
    names.insert(name.to_owned());
    Ok(())
}

/// What was committed in the window, with this evaluation's own sample last. Nothing that the clock stamped later than
/// now, when it was wrong: it would hide the new samples.
///
/// A folded hour belongs to the window in which it starts, so windows side by side have each sample once. That hour may
/// hold samples from `until` on: nobody knows which of them came earlier.
fn read(state: &EvaluationState, name: &str, window: &Window) -> Result<Vec<Sample>, Refusal> {
    let write = state.writes.series.get(name).copied().unwrap_or_default();
    let now = state.context.now;
    let since = window.since.max(now - KEPT);
    let earlier = since..window.until.map_or(now, |until| until.min(now));
    let mut kept = if write.reset || earlier.is_empty() { Vec::new() } else { state.memory.samples(name, earlier)? };
    let has_now = since <= now && window.until.is_none_or(|until| now < until);
    if let Some(value) = write.value.filter(|_| has_now) {
        kept.push(Sample { at: now, value }.into());
    }
    Ok(reduction::reduce(&kept, window.bucket, window.reduce))
}

#[cfg(test)]
mod tests;
