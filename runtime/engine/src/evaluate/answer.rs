//! The answer of a policy, read from the result of its export and checked.

use std::collections::HashSet;

use ansai_core::text::inert;
use ansai_core::{Decision, Failure, Observation};
use serde::de::DeserializeOwned;
use wasmtime::component::Val;

use super::error::EvaluationError;
use crate::typed;
use crate::value::{Json, json_bytes, max_json_bytes};

const MAX_KEY_BYTES: usize = 200;
/// Maximum size of an answer, in bytes of JSON.
const MAX_ANSWER_BYTES: usize = 1 << 20;
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
pub(super) fn observations(result: Val, max_observations: u32) -> Result<Answer, EvaluationError> {
    let bytes = check_size(&result)?;
    let observations: Vec<Observation> = ok(result)?;
    check(&observations, max_observations)?;
    if bytes > MAX_OBSERVATION_BYTES {
        check_sizes(&observations)?;
    }
    Ok(Answer::Observed(observations))
}

/// The result of `plan`.
pub(super) fn decision(result: Val) -> Result<Answer, EvaluationError> {
    check_size(&result)?;
    ok(result).map(Answer::Decided)
}

/// At least the size of an answer in bytes of JSON; exactly that where it matters.
fn check_size(result: &Val) -> Result<usize, EvaluationError> {
    let bytes = max_json_bytes(result);
    if bytes <= MAX_OBSERVATION_BYTES {
        return Ok(bytes);
    }
    let bytes = json_bytes(&Json(result)).map_err(violation)?;
    if bytes > MAX_ANSWER_BYTES {
        return Err(violation(format!("the answer has {bytes} bytes, at most {MAX_ANSWER_BYTES}")));
    }
    Ok(bytes)
}

/// Reads a `result<T, failure>`.
fn ok<T: DeserializeOwned>(result: Val) -> Result<T, EvaluationError> {
    match result {
        Val::Result(Ok(Some(value))) => typed::read(*value).map_err(violation),
        Val::Result(Err(Some(failure))) => {
            Err(typed::read::<Failure>(*failure).map_or_else(violation, EvaluationError::Failure))
        }
        _ => Err(violation("the answer is not a result with a value")),
    }
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
