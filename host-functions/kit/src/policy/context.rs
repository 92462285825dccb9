//! `ansai:policy/context`: read-only, the same throughout one evaluation.

use std::sync::Arc;

use ansai_core::{Attempt, Measure, Observation, Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::NoArguments;
use crate::evaluation_state::{EvaluationState, Trigger, WallClock};
use crate::function::{Base, BaseFunction};
use crate::registry::{Body, Function, InterfaceDef, base};

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
        plain("settings", &Base(settings)),
        plain("setting", &Base(setting)),
        plain("scopes", &Base(scopes)),
        plain("host-facts", &Base(host_facts)),
        plain("open-incidents", &Base(open_incidents)),
        plain("attempts", &Base(attempts)),
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

fn settings(state: &mut EvaluationState, _: NoArguments) -> Answer<String> {
    Ok(state.context.settings.to_string())
}

#[derive(Serialize, Deserialize)]
struct Setting {
    path: String,
}

fn setting(state: &mut EvaluationState, Setting { path }: Setting) -> Answer<Option<String>> {
    let found = path.split('.').try_fold(&*state.context.settings, |value, part| value.get(part));
    Ok(found.map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }))
}

fn scopes(state: &mut EvaluationState, _: NoArguments) -> Answer<Arc<str>> {
    Ok(state.context.scopes.clone())
}

fn host_facts(state: &mut EvaluationState, _: NoArguments) -> Answer<Arc<Vec<Measure>>> {
    Ok(state.context.host_facts.clone())
}

fn open_incidents(state: &mut EvaluationState, _: NoArguments) -> Answer<Vec<Observation>> {
    Ok(state.context.open_incidents.clone())
}

fn attempts(state: &mut EvaluationState, _: NoArguments) -> Answer<Vec<Attempt>> {
    Ok(state.context.attempts.clone())
}

fn stage(state: &mut EvaluationState, _: NoArguments) -> Answer<String> {
    Ok(state.context.stage.clone())
}
