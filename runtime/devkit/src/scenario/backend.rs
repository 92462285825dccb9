//! Answers from a scenario. Authorization is the real one; context, store and series are the real ones, seeded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ansai_core::event::Phase;
use ansai_core::{Instant, Preview, Refusal, Subject};
use ansai_host_functions::authorize::authorize;
use ansai_host_functions::backend::{Abort, Answer, Backend};
use ansai_host_functions::base::{Base, Memory, Sample};
use ansai_host_functions::call::{Call, Reply, to_reply};
use ansai_host_functions::live::Scopes;
use ansai_host_functions::registry::{Body, Registry};
use serde_json::Value;
use serde_json::value::RawValue;

use super::expect::contains;
use super::file::CannedReply;

/// Replies with what is left of their `times`; shared by all evaluations of one scenario.
pub(crate) struct Replies(Mutex<Vec<(CannedReply, Option<u32>)>>);

impl Replies {
    pub(crate) fn new(replies: &[CannedReply]) -> Arc<Replies> {
        Arc::new(Replies(Mutex::new(replies.iter().map(|reply| (reply.clone(), reply.times)).collect())))
    }

    fn take(&self, name: &str, arguments: &Value) -> Option<CannedReply> {
        let mut replies = self.0.lock().ok()?;
        let (reply, left) = replies.iter_mut().find(|(reply, left)| {
            let matches = reply.arguments.as_ref().is_none_or(|wanted| contains(wanted, arguments));
            reply.call == name && *left != Some(0) && matches
        })?;
        if let Some(left) = left {
            *left -= 1;
        }
        Some(reply.clone())
    }
}

/// A step as it was proposed.
pub(crate) struct Step {
    pub(crate) action: String,
    pub(crate) arguments: Value,
}

pub(crate) struct ScenarioBackend {
    pub(crate) registry: Registry,
    pub(crate) phase: Phase,
    pub(crate) scopes: Scopes,
    pub(crate) base: Base,
    pub(crate) replies: Arc<Replies>,
    pub(crate) steps: Vec<Step>,
}

impl Backend for ScenarioBackend {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        Answer::Now(self.answer(call))
    }
}

impl ScenarioBackend {
    fn answer(&mut self, call: Call<'_>) -> Result<Reply, Abort> {
        let name = format!("{}.{}", call.interface, call.function);
        let Some((entry, function)) = self.registry.find(call.interface, call.function) else {
            return Err(Abort(format!("there is no function {name}")));
        };
        let scope = self.scopes.get(call.interface).map(AsRef::as_ref);
        if let Err(refusal) = authorize("scenario", entry, function, scope, call.arguments) {
            return Ok(Err(refusal));
        }
        let proposes = match function.body {
            Body::Base(body) => return Ok(body(&mut self.base, call.arguments)),
            Body::Probe(_) | Body::Prompt { .. } | Body::Scan(_) => false,
            Body::Action(_) if self.phase == Phase::Detect => {
                return Ok(Err(Refusal::Denied(format!("{name} cannot be called in `detect`: propose it in `plan`"))));
            }
            Body::Action(_) => true,
        };
        let arguments: Value = serde_json::from_str(call.arguments.get()).unwrap_or_default();
        Ok(match self.replies.take(&name, &arguments) {
            None => Err(Refusal::Unavailable("no reply in the scenario".into())),
            Some(CannedReply { refusal: Some(refusal), .. }) => Err(refusal),
            Some(CannedReply { ok, .. }) if proposes => self.propose(name, arguments, ok.unwrap_or_default()),
            Some(CannedReply { ok, .. }) => to_reply(&ok.unwrap_or_default()),
        })
    }

    fn propose(&mut self, action: String, arguments: Value, partial: Value) -> Reply {
        let about = Subject::new("scenario", action.clone());
        let mut preview = serde_json::to_value(Preview::nothing(about)).unwrap_or_default();
        if let (Some(preview), Value::Object(partial)) = (preview.as_object_mut(), partial) {
            preview.extend(partial);
            preview.insert("step".into(), self.steps.len().into());
        }
        self.steps.push(Step { action, arguments });
        let text = preview.to_string();
        RawValue::from_string(text).map_err(|error| Refusal::Other(error.to_string()))
    }
}

/// What the policy kept before.
pub(crate) struct Seeded {
    pub(crate) store: BTreeMap<String, String>,
    pub(crate) series: BTreeMap<String, Vec<Sample>>,
}

impl Memory for Seeded {
    fn get(&self, key: &str) -> Result<Option<String>, Refusal> {
        Ok(self.store.get(key).cloned())
    }
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal> {
        Ok(self.store.iter().map(|(key, value)| (key.clone(), value.len())).collect())
    }
    fn samples(&self, series: &str, since: Instant) -> Result<Vec<Sample>, Refusal> {
        let samples = self.series.get(series).map(Vec::as_slice).unwrap_or_default();
        Ok(samples.iter().copied().filter(|sample| sample.at >= since).collect())
    }
    fn series(&self) -> Result<Vec<String>, Refusal> {
        Ok(self.series.keys().cloned().collect())
    }
}
