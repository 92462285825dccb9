//! The answer of a policy, read from the result of its export and checked.

use std::collections::HashSet;

use ansai_core::text::inert;
use ansai_core::{Decision, Failure, Observation};
use serde::Serialize;

use super::error::EvaluationError;
use crate::exports::{self, IntoFinite, NotFinite};
use crate::value::json_bytes;

mod size;

use size::MaxJsonBytes;

const MAX_KEY_BYTES: usize = 200;
/// Maximum size of an answer, in bytes of JSON.
pub(crate) const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Maximum size of an observation, in bytes of JSON: one that opens an incident is kept until the incident is closed.
const MAX_OBSERVATION_BYTES: usize = 64 << 10;

/// What a policy answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The observations of `detect`.
    Observed(Vec<Observation>),
    /// The decision of `plan`.
    Decided(Decision),
}

/// The result of `detect`.
pub(super) fn observations(
    result: Result<Vec<exports::Observation>, exports::Failure>,
    max_observations: u32,
) -> Result<Answer, EvaluationError> {
    observed(finite("observations", result.map(IntoFinite::into_finite))?, max_observations)
}

/// Checks the result of `detect`.
pub(crate) fn observed(
    result: Result<Vec<Observation>, Failure>,
    max_observations: u32,
) -> Result<Answer, EvaluationError> {
    let bytes = check_size(&result)?;
    let observations = result.map_err(EvaluationError::Failure)?;
    check(&observations, max_observations)?;
    if bytes > MAX_OBSERVATION_BYTES {
        check_sizes(&observations)?;
    }
    Ok(Answer::Observed(observations))
}

/// The result of `plan`.
pub(super) fn decision(result: Result<exports::Decision, exports::Failure>) -> Result<Answer, EvaluationError> {
    decided(finite("decision.", result.map(IntoFinite::into_finite))?)
}

/// Checks the result of `plan`.
pub(crate) fn decided(result: Result<Decision, Failure>) -> Result<Answer, EvaluationError> {
    check_size(&result)?;
    result.map(Answer::Decided).map_err(EvaluationError::Failure)
}

/// The answer with the types of `ansai-core`, unless it has a number that is not finite.
fn finite<T>(
    of: &str,
    result: Result<Result<T, NotFinite>, exports::Failure>,
) -> Result<Result<T, Failure>, EvaluationError> {
    match result {
        Ok(answer) => answer.map(Ok).map_err(|error| violation(format!("{of}{error}"))),
        Err(failure) => Ok(Err(failure.into())),
    }
}

/// At least the size of an answer in bytes of JSON; exactly that where it matters.
fn check_size(result: &(impl MaxJsonBytes + Serialize)) -> Result<usize, EvaluationError> {
    let bytes = result.max_json_bytes();
    if bytes <= MAX_OBSERVATION_BYTES {
        return Ok(bytes);
    }
    let bytes = json_bytes(result).map_err(violation)?;
    if bytes > MAX_ANSWER_BYTES {
        return Err(violation(format!("the answer has {bytes} bytes, at most {MAX_ANSWER_BYTES}")));
    }
    Ok(bytes)
}

fn violation(what: impl ToString) -> EvaluationError {
    EvaluationError::ContractViolation(what.to_string())
}

fn check(observations: &[Observation], max_observations: u32) -> Result<(), EvaluationError> {
    if observations.len() > max_observations as usize {
        return Err(violation(format!("{} observations, at most {max_observations}", observations.len())));
    }
    let mut keys = HashSet::with_capacity(observations.len());
    for observation in observations {
        let key = observation.key.as_str();
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(violation(format!("a key has {} bytes, allowed are 1 to {MAX_KEY_BYTES}", key.len())));
        }
        if !keys.insert(key) {
            return Err(violation(format!("duplicate key `{}`", inert(key, MAX_KEY_BYTES))));
        }
        if let Some(distance) = observation.distance.filter(|distance| *distance < 0.0) {
            let key = inert(key, MAX_KEY_BYTES);
            return Err(violation(format!("the observation `{key}` has the negative distance {distance}")));
        }
    }
    Ok(())
}

fn check_sizes(observations: &[Observation]) -> Result<(), EvaluationError> {
    for observation in observations {
        let bytes = json_bytes(observation).unwrap_or(usize::MAX);
        if bytes > MAX_OBSERVATION_BYTES {
            let key = inert(&observation.key, MAX_KEY_BYTES);
            let what = format!("the observation `{key}` has {bytes} bytes, at most {MAX_OBSERVATION_BYTES}");
            return Err(violation(what));
        }
    }
    Ok(())
}
