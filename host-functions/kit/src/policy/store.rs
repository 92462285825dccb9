//! `ansai:policy/store`: a small key-value store whose writes wait for the evaluation to succeed.

use std::collections::BTreeMap;

use ansai_core::Refusal;
use serde::{Deserialize, Serialize};

use crate::evaluation_state::EvaluationState;
use crate::function::{Base, BaseFunction};
use crate::registry::{Body, Function, InterfaceDef, base};

const MOST_KEYS: usize = 256;
const MOST_KEY_BYTES: usize = 256;
const MOST_VALUE_BYTES: usize = 64 << 10;
const MOST_BYTES: usize = 1 << 20;

const fn plain(name: &'static str, body: &'static dyn BaseFunction) -> Function {
    Function { name, checks: &[], body: Body::Base(body) }
}

/// The interface.
pub static STORE: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/store", "remember small things between evaluations"),
    doctor: &[],
    functions: &[
        plain("get", &Base(get)),
        plain("set", &Base(set)),
        plain("remove", &Base(remove)),
        plain("keys", &Base(keys)),
    ],
};

#[derive(Serialize, Deserialize)]
struct Key {
    key: String,
}

#[derive(Serialize, Deserialize)]
struct KeyValue {
    key: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct Prefix {
    prefix: String,
}

fn get(state: &mut EvaluationState, Key { key }: Key) -> Result<Option<String>, Refusal> {
    match state.writes.store.get(&key) {
        Some(written) => Ok(written.clone()),
        None => state.memory.get(&key),
    }
}

fn set(state: &mut EvaluationState, KeyValue { key, value }: KeyValue) -> Result<(), Refusal> {
    if key.is_empty() || key.len() > MOST_KEY_BYTES {
        return Err(Refusal::Invalid(format!("the key has {} bytes, not 1 to {MOST_KEY_BYTES}", key.len())));
    }
    if value.len() > MOST_VALUE_BYTES {
        return Err(Refusal::OverBudget(format!("the value has {} bytes, at most {MOST_VALUE_BYTES}", value.len())));
    }
    let mut sizes = sizes(state)?;
    sizes.insert(key.clone(), value.len());
    let bytes: usize = sizes.iter().map(|(key, size)| key.len() + size).sum();
    if sizes.len() > MOST_KEYS || bytes > MOST_BYTES {
        return Err(Refusal::OverBudget(format!(
            "the store would hold {} keys and {bytes} bytes, at most {MOST_KEYS} and {MOST_BYTES}",
            sizes.len()
        )));
    }
    state.writes.store.insert(key, Some(value));
    Ok(())
}

fn remove(state: &mut EvaluationState, Key { key }: Key) -> Result<(), Refusal> {
    // Only what exists is remembered as removed: a policy can name any number of keys.
    if key.len() <= MOST_KEY_BYTES && state.memory.get(&key)?.is_some() {
        state.writes.store.insert(key, None);
    } else {
        state.writes.store.remove(&key);
    }
    Ok(())
}

fn keys(state: &mut EvaluationState, Prefix { prefix }: Prefix) -> Result<Vec<String>, Refusal> {
    Ok(sizes(state)?.into_keys().filter(|key| key.starts_with(&prefix)).collect())
}

/// Keys and value sizes as this evaluation sees them.
fn sizes(state: &EvaluationState) -> Result<BTreeMap<String, usize>, Refusal> {
    let mut sizes: BTreeMap<String, usize> = state.memory.keys()?.into_iter().collect();
    for (key, value) in &state.writes.store {
        match value {
            Some(value) => sizes.insert(key.clone(), value.len()),
            None => sizes.remove(key),
        };
    }
    Ok(sizes)
}
