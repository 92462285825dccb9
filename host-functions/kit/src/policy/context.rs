//! `ansai:policy/context`: read-only, the same throughout one evaluation.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::{Reply, to_reply, typed};
use crate::evaluation_state::EvaluationState;
use crate::registry::{Body, Function, InterfaceDef, base};

const fn plain(name: &'static str, body: fn(&mut EvaluationState, &RawValue) -> Reply) -> Function {
    Function { name, checks: &[], body: Body::Base(body) }
}

/// The interface.
pub static CONTEXT: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/context", "know its settings, the time and its open incidents"),
    functions: &[
        plain("now", |base, _| to_reply(&base.context.now)),
        plain("local-time", |base, _| to_reply(&base.context.local_time)),
        plain("last-evaluated", |base, _| to_reply(&base.context.last_evaluated)),
        plain("triggered-by", |base, _| to_reply(&base.context.trigger)),
        plain("settings", |base, _| to_reply(&base.context.settings.to_string())),
        plain("setting", setting),
        plain("scopes", |base, _| to_reply(&base.context.scopes)),
        plain("host-facts", |base, _| to_reply(&base.context.host_facts)),
        plain("open-incidents", |base, _| to_reply(&base.context.open_incidents)),
        plain("attempts", |base, _| to_reply(&base.context.attempts)),
        plain("stage", |base, _| to_reply(&base.context.stage)),
    ],
};

fn setting(base: &mut EvaluationState, arguments: &RawValue) -> Reply {
    #[derive(Deserialize)]
    struct Arguments {
        path: String,
    }
    typed(arguments, |Arguments { path }| {
        let found = path.split('.').try_fold(&*base.context.settings, |value, part| value.get(part));
        Ok(found.map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }))
    })
}
