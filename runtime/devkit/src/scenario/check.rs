//! Checks a scenario before it runs: calls exist, values have the right type, faults apply.

use ansai_config::{Report, did_you_mean};
use ansai_core::text::inert;
use ansai_core::{Code, codes};
use ansai_kit::registry::{Body, Registry};
use serde_json::Value;

use super::contract::{Contract, Function, Ty, contract};
use super::file::{ExpectedPlan, FaultKind, Scenario};
use super::places;
use super::value::{Missing, Wrong, check};

/// Adds every problem to the report.
pub(super) fn scenario(scenario: &Scenario, registry: &Registry, report: &mut Report) {
    let mut looked = Look { scenario, registry, contract: contract(), report };
    looked.replies();
    looked.faults();
    looked.expected();
}

struct Look<'a> {
    scenario: &'a Scenario,
    registry: &'a Registry,
    contract: &'static Contract,
    report: &'a mut Report,
}

impl Look<'_> {
    fn say(&mut self, code: Code, path: &[&str], about_key: bool, message: &str, hint: Option<String>) {
        let span = places::of(&self.scenario.text, path, about_key);
        self.report.error(code, Some(span), message, hint);
    }

    fn typed(&mut self, at: &[&str], what: &str, ty: &Ty, value: &Value, missing: Missing) {
        if let Err(Wrong { path, about_key, message, hint }) = check(ty, value, missing) {
            let path: Vec<&str> = at.iter().copied().chain(path.iter().map(String::as_str)).collect();
            let hint = hint.or_else(|| Some("the contract has the type: see wit/deps beside the policy".to_owned()));
            self.say(codes::CONTRACT_TYPE, &path, about_key, &format!("{what}: {message}"), hint);
        }
    }

    /// Looks up a call by name. `Some(None)` means that it exists but is not part of the contract, such as a test's
    /// call.
    fn call(&mut self, at: &[&str], name: &str) -> Option<Option<&'static Function>> {
        let exists = name
            .rsplit_once('.')
            .is_some_and(|(interface, function)| self.registry.find(interface, function).is_some());
        if exists {
            return Some(self.contract.functions.get(name));
        }
        let known: Vec<String> = self
            .registry
            .entries()
            .flat_map(|entry| {
                entry.functions.iter().map(|function| format!("{}.{}", entry.interface.name, function.name))
            })
            .collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = did_you_mean(name, &known);
        self.say(codes::UNKNOWN_CALL, at, false, &format!("there is no call `{}`", inert(name, 120)), hint);
        None
    }

    fn is_action(&self, name: &str) -> bool {
        let found = name.rsplit_once('.').and_then(|(interface, function)| self.registry.find(interface, function));
        matches!(found, Some((_, function)) if matches!(function.body, Body::Action(_)))
    }

    fn arguments(&mut self, at: &[&str], name: &str, function: &Function, arguments: Option<&Value>) {
        if let Some(arguments) = arguments {
            let what = format!("the arguments of {name}");
            self.typed(at, &what, &function.parameters, arguments, Missing::Anywhere);
        }
    }

    fn replies(&mut self) {
        let scenario = self.scenario;
        for (index, reply) in scenario.reply.iter().enumerate() {
            let (name, index) = (reply.call.as_str(), index.to_string());
            if reply.ok.is_some() == reply.refusal.is_some() {
                let message = format!("the reply to {} needs either `ok` or `refusal`", inert(name, 120));
                self.say(codes::REPLY_OR_REFUSAL, &["reply", &index], false, &message, None);
            }
            let Some(Some(function)) = self.call(&["reply", &index, "call"], name) else { continue };
            self.arguments(&["reply", &index, "arguments"], name, function, reply.arguments.as_ref());
            if let (Some(ok), Some(answer)) = (&reply.ok, &function.answer) {
                let missing = if self.is_action(name) { Missing::AtTop } else { Missing::Refused };
                self.typed(&["reply", &index, "ok"], &format!("the reply to {name}"), answer, ok, missing);
            }
            if reply.refusal.is_some() && !function.refusable {
                let message = format!("{name} cannot be refused");
                self.say(codes::NOT_REFUSABLE, &["reply", &index, "refusal"], true, &message, None);
            }
        }
    }

    fn faults(&mut self) {
        let scenario = self.scenario;
        for (index, fault) in scenario.fault.iter().enumerate() {
            let (name, index) = (fault.call.as_str(), index.to_string());
            let Some(Some(function)) = self.call(&["fault", &index, "call"], name) else { continue };
            self.arguments(&["fault", &index, "arguments"], name, function, fault.arguments.as_ref());
            let answered = scenario.reply.iter().any(|reply| reply.call == name && reply.ok.is_some());
            let (code, why) = match (fault.kind, &function.answer) {
                (FaultKind::Unavailable | FaultKind::Denied | FaultKind::TimedOut, _) if !function.refusable => {
                    (codes::NOT_REFUSABLE, format!("{name} cannot be refused"))
                }
                (FaultKind::Incomplete, Some(answer)) if !can_be_incomplete(answer) => {
                    (codes::IDLE_FAULT, format!("the reply to {name} has neither `complete` nor `skipped`"))
                }
                (FaultKind::Huge | FaultKind::Incomplete, Some(Ty::Record(_) | Ty::List(_))) if answered => continue,
                (FaultKind::Huge | FaultKind::Incomplete, Some(Ty::Record(_) | Ty::List(_))) => {
                    let why = format!("there is no reply to {name} with `ok` that this could be done to");
                    (codes::IDLE_FAULT, why)
                }
                (FaultKind::Huge | FaultKind::Incomplete, _) => {
                    (codes::IDLE_FAULT, format!("the reply to {name} is too simple for this"))
                }
                _ => continue,
            };
            self.say(code, &["fault", &index, "kind"], false, &why, None);
        }
    }

    fn expected(&mut self) {
        let expect = &self.scenario.expect;
        let whole = !expect.plan.is_empty() && expect.plan.iter().all(|plan| plan.finding.is_object());
        match (&expect.observations, &expect.failure) {
            (Some(_), Some(_)) => {
                let message = "`expect` has both `observations` and `failure`";
                self.say(codes::EXPECTATION, &["expect"], true, message, None);
            }
            (None, None) if !whole => {
                let hint = "or plans whose `finding` is a whole observation".to_owned();
                let message = "`expect` needs either `observations` or `failure`";
                self.say(codes::EXPECTATION, &["expect"], true, message, Some(hint));
            }
            _ => {}
        }
        let observation = self.contract.named("observation");
        for (index, wanted) in expect.observations.iter().flatten().enumerate() {
            let at = ["expect", "observations", &index.to_string()];
            self.typed(&at, "an observation", observation, wanted, Missing::Anywhere);
        }
        self.failure(&["expect", "failure"], expect.failure.as_ref());
        self.advice(&["expect", "advice"], expect.advice.as_ref(), expect.observations.is_some());
        for (index, plan) in expect.plan.iter().enumerate() {
            self.plan(&index.to_string(), plan);
        }
    }

    fn failure(&mut self, at: &[&str], failure: Option<&Value>) {
        if let Some(failure) = failure.filter(|failure| !failure.is_string()) {
            self.typed(at, "a failure", self.contract.named("failure"), failure, Missing::Anywhere);
        }
    }

    fn advice(&mut self, at: &[&str], advice: Option<&Value>, answered: bool) {
        let Some(advice) = advice else { return };
        if !answered {
            let message = "`advice` counts only with an answer: with `observations` or `decision`";
            self.say(codes::EXPECTATION, at, true, message, None);
        }
        let ty = Ty::Record(vec![
            ("look-again".into(), Ty::Whole(0, u64::MAX.into())),
            ("recommendations".into(), Ty::List(Box::new(self.contract.named("recommendation").clone()))),
            ("may-fail".into(), Ty::List(Box::new(Ty::Whole(0, u32::MAX.into())))),
        ]);
        self.typed(at, "the advice", &ty, advice, Missing::Anywhere);
    }

    fn plan(&mut self, index: &str, plan: &ExpectedPlan) {
        let at = ["expect", "plan", index];
        match &plan.finding {
            Value::String(_) => {}
            finding => {
                let observation = self.contract.named("observation");
                let at = ["expect", "plan", index, "finding"];
                self.typed(&at, "a finding", observation, finding, Missing::Refused);
            }
        }
        if plan.decision.is_some() == plan.failure.is_some() {
            self.say(codes::EXPECTATION, &at, false, "a plan needs either `decision` with `steps`, or `failure`", None);
        }
        if plan.steps.is_some() != plan.decision.is_some() {
            let hint = "write steps = [] where none is proposed".to_owned();
            self.say(codes::EXPECTATION, &at, false, "`decision` and `steps` go together", Some(hint));
        }
        self.failure(&["expect", "plan", index, "failure"], plan.failure.as_ref());
        self.advice(&["expect", "plan", index, "advice"], plan.advice.as_ref(), plan.decision.is_some());
        if let Some(decision) = &plan.decision {
            let ty = self.contract.named("decision");
            self.typed(&["expect", "plan", index, "decision"], "a decision", ty, decision, Missing::Anywhere);
        }
        for (step, wanted) in plan.steps.iter().flatten().enumerate() {
            self.step(index, &step.to_string(), wanted);
        }
    }

    fn step(&mut self, plan: &str, step: &str, wanted: &Value) {
        let at = ["expect", "plan", plan, "steps", step];
        let ty = Ty::Record(vec![("action".into(), Ty::Text), ("arguments".into(), Ty::Foreign)]);
        self.typed(&at, "a step", &ty, wanted, Missing::Anywhere);
        let Some(action) = wanted.get("action").and_then(Value::as_str) else { return };
        let at = ["expect", "plan", plan, "steps", step, "action"];
        let Some(Some(function)) = self.call(&at, action) else { return };
        if !self.is_action(action) {
            self.say(codes::NOT_AN_ACTION, &at, false, &format!("{action} is no action"), None);
        }
        let at = ["expect", "plan", plan, "steps", step, "arguments"];
        self.arguments(&at, action, function, wanted.get("arguments"));
    }
}

fn can_be_incomplete(answer: &Ty) -> bool {
    answer.field("complete").or_else(|| answer.field("skipped")).is_some()
}
