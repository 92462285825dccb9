//! `ansai:policy/context`: read-only, the same throughout one evaluation.

use std::sync::Arc;

use ansai_core::{Attempt, Measure, Observation, Refusal, Subject, Timestamp, overlay};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::NoArguments;
use crate::evaluation_state::{EvaluationState, Label, Target, Trigger, WallClock};
use crate::function::{Base, BaseFunction};
use crate::registry::{Body, Function, InterfaceDef, base};

/// Maximum number of attempts in one answer of `history`.
const MOST_ATTEMPTS: usize = 100;

const fn plain(name: &'static str, body: &'static dyn BaseFunction) -> Function {
    Function { name, checks: &[], body: Body::Base(body) }
}

/// The interface.
pub static CONTEXT: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/context", "know its settings, the time and its open incidents"),
    doctor: &[],
    functions: &[
        plain("now", &Base(now)),
        plain("local-time", &Base(local_time)),
        plain("last-evaluated", &Base(last_evaluated)),
        plain("triggered-by", &Base(triggered_by)),
        plain("host", &Base(host)),
        plain("settings", &Base(settings)),
        plain("setting", &Base(setting)),
        plain("setting-list", &Base(setting_list)),
        plain("targets", &Base(targets)),
        plain("target-setting", &Base(target_setting)),
        plain("scopes", &Base(scopes)),
        plain("scope-list", &Base(scope_list)),
        plain("scope-bound", &Base(scope_bound)),
        plain("host-facts", &Base(host_facts)),
        plain("labels", &Base(labels)),
        plain("open-incidents", &Base(open_incidents)),
        plain("attempts", &Base(attempts)),
        plain("history", &Base(history)),
        plain("stage", &Base(stage)),
    ],
};

type Answer<T> = Result<T, Refusal>;

fn now(state: &mut EvaluationState, _: NoArguments) -> Answer<Timestamp> {
    Ok(state.context.now)
}

fn local_time(state: &mut EvaluationState, _: NoArguments) -> Answer<WallClock> {
    Ok(state.context.local_time)
}

fn last_evaluated(state: &mut EvaluationState, _: NoArguments) -> Answer<Option<Timestamp>> {
    Ok(state.context.last_evaluated)
}

fn triggered_by(state: &mut EvaluationState, _: NoArguments) -> Answer<Trigger> {
    Ok(state.context.trigger.clone())
}

fn host(state: &mut EvaluationState, _: NoArguments) -> Answer<Subject> {
    Ok(state.context.host.clone())
}

fn settings(state: &mut EvaluationState, _: NoArguments) -> Answer<String> {
    Ok(state.context.settings.to_string())
}

#[derive(Serialize, Deserialize)]
struct Setting {
    path: String,
}

/// The value at a dotted path of an object.
fn at<'a>(settings: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(settings, |value, part| value.get(part))
}

/// A string as it is, anything else as JSON.
fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn setting(state: &mut EvaluationState, Setting { path }: Setting) -> Answer<Option<String>> {
    Ok(at(&state.context.settings, &path).map(plain_text))
}

fn setting_list(state: &mut EvaluationState, Setting { path }: Setting) -> Answer<Vec<String>> {
    let list = at(&state.context.settings, &path).and_then(Value::as_array);
    Ok(list.into_iter().flatten().map(plain_text).collect())
}

fn targets(state: &mut EvaluationState, _: NoArguments) -> Answer<Vec<Target>> {
    Ok(state.context.targets.iter().map(|known| known.target.clone()).collect())
}

#[derive(Serialize, Deserialize)]
struct TargetSetting {
    target: String,
    path: String,
}

fn target_setting(
    state: &mut EvaluationState,
    TargetSetting { target, path }: TargetSetting,
) -> Answer<Option<String>> {
    let known = state.context.targets.iter().find(|known| known.target.name == target);
    let own = known.and_then(|known| at(&known.settings, &path));
    let of_all = at(&state.context.settings, &path);
    Ok(match (own, of_all) {
        // A table holds what the operator set for this target, and the rest as for the others.
        (Some(own @ Value::Object(_)), Some(of_all)) => Some(plain_text(&overlay(of_all, own))),
        (own, of_all) => own.or(of_all).map(plain_text),
    })
}

fn scopes(state: &mut EvaluationState, _: NoArguments) -> Answer<Arc<str>> {
    Ok(state.context.scopes.clone())
}

#[derive(Serialize, Deserialize)]
struct ScopeField {
    capability: String,
    field: String,
}

/// The values of a field in the tables of a capability.
fn in_scopes(state: &EvaluationState, ScopeField { capability, field }: &ScopeField) -> Answer<Vec<Value>> {
    let scopes: Value = serde_json::from_str(&state.context.scopes)
        .map_err(|error| Refusal::Other(format!("the scopes cannot be read: {error}")))?;
    let tables = scopes.get(capability).and_then(Value::as_array);
    Ok(tables.into_iter().flatten().filter_map(|table| table.get(field)).cloned().collect())
}

fn scope_list(state: &mut EvaluationState, field: ScopeField) -> Answer<Vec<String>> {
    let mut values: Vec<String> = Vec::new();
    for list in in_scopes(state, &field)? {
        let texts = list.as_array().into_iter().flatten().map(plain_text);
        for text in texts {
            if !values.contains(&text) {
                values.push(text);
            }
        }
    }
    Ok(values)
}

fn scope_bound(state: &mut EvaluationState, field: ScopeField) -> Answer<Option<u64>> {
    let bound = |value: &Value| value.as_u64().or_else(|| value.as_bool().map(u64::from));
    Ok(in_scopes(state, &field)?.iter().find_map(bound))
}

fn host_facts(state: &mut EvaluationState, _: NoArguments) -> Answer<Arc<Vec<Measure>>> {
    Ok(state.context.host_facts.clone())
}

fn labels(state: &mut EvaluationState, _: NoArguments) -> Answer<Arc<Vec<Label>>> {
    Ok(state.context.labels.clone())
}

fn open_incidents(state: &mut EvaluationState, _: NoArguments) -> Answer<Vec<Observation>> {
    Ok(state.context.open_incidents.clone())
}

fn attempts(state: &mut EvaluationState, _: NoArguments) -> Answer<Vec<Attempt>> {
    Ok(state.context.attempts.clone())
}

#[derive(Serialize, Deserialize)]
struct History {
    about: Subject,
    since: Timestamp,
}

fn history(state: &mut EvaluationState, History { about, since }: History) -> Answer<Vec<Attempt>> {
    state.memory.history(&about, since, MOST_ATTEMPTS)
}

fn stage(state: &mut EvaluationState, _: NoArguments) -> Answer<String> {
    Ok(state.context.stage.clone())
}

#[cfg(test)]
mod tests;
