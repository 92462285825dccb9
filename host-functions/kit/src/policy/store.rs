//! `ansai:policy/store`: a small key-value store whose writes wait for the evaluation to succeed.

use std::collections::BTreeMap;

use ansai_core::Refusal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::{Reply, typed};
use crate::evaluation_state::EvaluationState;
use crate::registry::{Body, Function, InterfaceDef, base};

const MOST_KEYS: usize = 256;
const MOST_KEY_BYTES: usize = 256;
const MOST_VALUE_BYTES: usize = 64 << 10;
const MOST_BYTES: usize = 1 << 20;

const fn plain(name: &'static str, body: fn(&mut EvaluationState, &RawValue) -> Reply) -> Function {
    Function { name, checks: &[], body: Body::Base(body) }
}

/// The interface.
pub static STORE: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/store", "remember small things between evaluations"),
    functions: &[plain("get", get), plain("set", set), plain("remove", remove), plain("keys", keys)],
};

#[derive(Deserialize)]
struct Key {
    key: String,
}

fn get(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    typed(arguments, |Key { key }| match base.writes.store.get(&key) {
        Some(written) => Ok(written.clone()),
        None => base.memory.get(&key),
    })
}

fn set(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    #[derive(Deserialize)]
    struct Arguments {
        key: String,
        value: String,
    }
    typed(arguments, |Arguments { key, value }| {
        if key.is_empty() || key.len() > MOST_KEY_BYTES {
            return Err(Refusal::Invalid(format!("key has {} bytes, not 1 to {MOST_KEY_BYTES}", key.len())));
        }
        if value.len() > MOST_VALUE_BYTES {
            return Err(Refusal::OverBudget(format!("value has {} bytes, at most {MOST_VALUE_BYTES}", value.len())));
        }
        let mut sizes = sizes(base)?;
        sizes.insert(key.clone(), value.len());
        let bytes: usize = sizes.iter().map(|(key, size)| key.len() + size).sum();
        if sizes.len() > MOST_KEYS || bytes > MOST_BYTES {
            return Err(Refusal::OverBudget(format!(
                "the store would hold {} keys and {bytes} bytes, at most {MOST_KEYS} and {MOST_BYTES}",
                sizes.len()
            )));
        }
        base.writes.store.insert(key, Some(value));
        Ok(())
    })
}

fn remove(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    typed(arguments, |Key { key }| {
        base.writes.store.insert(key, None);
        Ok(())
    })
}

fn keys(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    #[derive(Deserialize)]
    struct Arguments {
        prefix: String,
    }
    typed(arguments, |Arguments { prefix }| {
        Ok(sizes(base)?.into_keys().filter(|key| key.starts_with(&prefix)).collect::<Vec<_>>())
    })
}

/// Keys and value sizes as this evaluation sees them.
fn sizes(base: &EvaluationState) -> Result<BTreeMap<String, usize>, Refusal> {
    let mut sizes: BTreeMap<String, usize> = base.memory.keys()?.into_iter().collect();
    for (key, value) in &base.writes.store {
        match value {
            Some(value) => sizes.insert(key.clone(), value.len()),
            None => sizes.remove(key),
        };
    }
    Ok(sizes)
}
