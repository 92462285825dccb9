//! Answers the calls of a scenario. Authorization, context, store, series and advice work as on a real host, with seeded
//! values.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ansai_core::{Attempt, Bytes, InstanceName, Preview, Refusal, StepRef, Subject, Timestamp};

use ansai_kit::admit::{Caller, Grants, NotAdmitted, admit};
use ansai_kit::authorize::Scopes;
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::{Call, Reply};
use ansai_kit::evaluation_state::{EvaluationState, Memory, Sample};
use ansai_kit::policy::aggregate::Aggregate;
use ansai_kit::registry::{Body, Registry};
use serde_json::Value;
use serde_json::value::RawValue;

use super::canned::{Answered, Canned, suffered};
use super::file::SeededAttempt;

/// The name in the line that a denied call says to add.
static SCENARIO: InstanceName = InstanceName::from_static("scenario");

/// A step as the policy proposed it.
pub(super) struct Step {
    pub(super) action: String,
    pub(super) arguments: Value,
}

/// One evaluation.
pub(super) struct ScenarioBackend {
    pub(super) registry: Arc<Registry>,
    pub(super) scopes: Scopes,
    pub(super) base: EvaluationState,
    pub(super) canned: Arc<Canned>,
    /// Maximum size of all replies together, in bytes.
    pub(super) reply_bytes: Bytes,
    pub(super) steps: Vec<Step>,
}

impl Backend for ScenarioBackend {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        Answer::Now(self.answer(call))
    }
}

impl ScenarioBackend {
    fn answer(&mut self, call: Call<'_>) -> Result<Reply, Abort> {
        let name = format!("{}.{}", call.interface, call.function);
        let caller = Caller { instance: &SCENARIO, phase: self.base.phase, grants: Grants::InForce(&self.scopes) };
        let allowed = match admit(&self.registry, caller, call) {
            // A scenario can answer a call that is not granted, but it cannot make a function exist.
            Err(NotAdmitted::Unauthorized(refusal)) => Err(refusal),
            Err(why) => return why.into_answer(),
            Ok(admitted) => Ok(admitted.function.body),
        };
        if let Ok(Body::Base(body)) = allowed
            && !self.canned.knows(&name)
        {
            return Ok(body.answer(&mut self.base, call.arguments));
        }
        let arguments: Value = serde_json::from_str(call.arguments.get()).unwrap_or_default();
        Ok(match (self.canned.answer(&name, &arguments, || allowed.clone().map(drop)), allowed) {
            (Some(Answered::Refused(refusal)), _) => Err(refusal),
            (Some(Answered::With(ok)), Ok(Body::Action(_))) => {
                suffered(ok.fault, self.propose(name, arguments, ok.value), self.reply_bytes)
            }
            (Some(Answered::With(ok)), Ok(_)) => suffered(ok.fault, ok.text, self.reply_bytes),
            (None, Ok(Body::Base(body))) => body.answer(&mut self.base, call.arguments),
            (None, Ok(_)) => Err(Refusal::Unavailable("the scenario has no reply for this call".into())),
            (Some(Answered::With(_)) | None, Err(refusal)) => Err(refusal),
        })
    }

    fn propose(&mut self, action: String, arguments: Value, partial: Value) -> Reply {
        let text = preview(&action, self.base.proposed, partial).to_string();
        self.base.proposed += 1;
        self.steps.push(Step { action, arguments });
        RawValue::from_string(text).map(Into::into).map_err(|error| Refusal::Other(error.to_string()))
    }
}

/// The preview of a step: an empty one with the fields of the scenario. If these are all fields, as in an exported
/// recording, an interruption that is not among them is unknown, because TOML has no null.
fn preview(action: &str, step: StepRef, partial: Value) -> Value {
    let mut preview = serde_json::to_value(Preview::nothing(Subject::new("scenario", action))).unwrap_or_default();
    if let (Some(preview), Value::Object(partial)) = (preview.as_object_mut(), partial) {
        let is_given = |(key, empty): (&String, &Value)| {
            matches!(key.as_str(), "step" | "interrupts") || empty.is_null() || partial.contains_key(key)
        };
        if preview.iter().all(is_given) {
            preview.insert("interrupts".into(), Value::Null);
        }
        preview.extend(partial);
        preview.insert("step".into(), step.into());
    }
    preview
}

/// Values that the policy stored earlier.
pub(super) struct Seeded {
    pub(super) store: BTreeMap<String, String>,
    pub(super) series: BTreeMap<String, Vec<Sample>>,
    pub(super) history: Vec<SeededAttempt>,
}

impl Memory for Seeded {
    fn get(&self, key: &str) -> Result<Option<String>, Refusal> {
        Ok(self.store.get(key).cloned())
    }
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal> {
        Ok(self.store.iter().map(|(key, value)| (key.clone(), value.len())).collect())
    }
    fn samples(&self, series: &str, range: Range<Timestamp>) -> Result<Vec<Aggregate>, Refusal> {
        let samples = self.series.get(series).map(Vec::as_slice).unwrap_or_default();
        Ok(samples.iter().filter(|sample| range.contains(&sample.at)).map(|sample| (*sample).into()).collect())
    }
    fn series(&self) -> Result<Vec<String>, Refusal> {
        Ok(self.series.keys().cloned().collect())
    }
    fn history(&self, about: &Subject, since: Timestamp, most: usize) -> Result<Vec<Attempt>, Refusal> {
        let is_wanted = |seeded: &&SeededAttempt| seeded.about == *about && seeded.attempt.at >= since;
        let mut found: Vec<Attempt> =
            self.history.iter().filter(is_wanted).map(|seeded| seeded.attempt.clone()).collect();
        found.sort_by_key(|attempt| attempt.at);
        found.drain(..found.len().saturating_sub(most));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn an_interruption_is_unknown_only_in_a_whole_preview() {
        let read = |partial| serde_json::from_value::<Preview>(preview("a.b", 2, partial)).unwrap();
        assert_eq!(
            read(json!({"items": 3})),
            Preview { step: 2, items: 3, ..Preview::nothing(Subject::new("scenario", "a.b")) }
        );
        let restart = Preview { interrupts: None, ..Preview::nothing(Subject::new("unit", "a")) };
        // As it is exported: without null, and without the number of the step.
        let mut exported = serde_json::to_value(&restart).unwrap();
        exported.as_object_mut().unwrap().retain(|key, value| !value.is_null() && key != "step");
        assert_eq!(read(exported), Preview { step: 2, ..restart });
    }
}
