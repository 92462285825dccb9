//! Updates a scenario's expectation to the result. Everything else stays as it is, including comments.

use serde_json::Value;
use toml_edit::{DocumentMut, Item, TableLike};

use super::expect::{contains, decides, narrowed};
use super::file::{ExpectedPlan, Scenario};
use super::run::{Came, Ran};
use super::toml_text::{NotToml, set};

/// Returns the new text; `None` if it cannot be written.
pub(super) fn updated(scenario: &Scenario, ran: &Ran) -> Option<String> {
    let mut document: DocumentMut = scenario.text.parse().ok()?;
    let expect = document.get_mut("expect")?.as_table_like_mut()?;
    if let Some(came) = &ran.detected {
        detected(expect, scenario, came).ok()?;
    }
    // Starts at the last one, because removing an entry moves those after it.
    for (index, (expected, came)) in scenario.expect.plan.iter().zip(&ran.planned).enumerate().rev() {
        match came {
            Some(came) => planned(element(expect, index)?, expected, came).ok()?,
            None => remove(expect, index),
        }
    }
    let text = document.to_string();
    (text != scenario.text).then_some(text)
}

fn detected(expect: &mut dyn TableLike, scenario: &Scenario, came: &Came) -> Result<(), NotToml> {
    match came {
        Came::Observations { observations, advice } => {
            let wanted = Value::Array(scenario.expect.observations.clone().unwrap_or_default());
            expect.remove("failure");
            set(expect, "observations", &narrowed(&template(wanted), observations, contains))?;
            advised(expect, scenario.expect.advice.as_ref(), advice)
        }
        Came::Failure { .. } if scenario.expect.failure.as_ref().is_some_and(|wanted| came.fails_as(wanted)) => Ok(()),
        Came::Failure { failure, .. } => {
            expect.remove("observations");
            expect.remove("advice");
            set(expect, "failure", failure)
        }
        Came::Plan { .. } => Ok(()),
    }
}

/// The form in which a person would have written an expectation, for results that had none.
fn template(wanted: Value) -> Value {
    match wanted.as_array() {
        Some(list) if list.is_empty() => serde_json::json!([{"key": null, "status": null}]),
        _ => wanted,
    }
}

fn planned(plan: &mut dyn TableLike, expected: &ExpectedPlan, came: &Came) -> Result<(), NotToml> {
    match came {
        Came::Plan { decision, steps, advice } => {
            plan.remove("failure");
            let wanted = expected.decision.clone().unwrap_or_default();
            set(plan, "decision", &narrowed(&wanted, decision, decides))?;
            let wanted = Value::Array(expected.steps.clone().unwrap_or_default());
            set(plan, "steps", &narrowed(&wanted, steps, contains))?;
            advised(plan, expected.advice.as_ref(), advice)
        }
        Came::Failure { .. } if expected.failure.as_ref().is_some_and(|wanted| came.fails_as(wanted)) => Ok(()),
        Came::Failure { failure, .. } => {
            plan.remove("decision");
            plan.remove("steps");
            plan.remove("advice");
            set(plan, "failure", failure)
        }
        Came::Observations { .. } => Ok(()),
    }
}

/// Only a scenario that expects advice gets the actual one.
fn advised(expect: &mut dyn TableLike, wanted: Option<&Value>, advice: &Value) -> Result<(), NotToml> {
    wanted.map_or(Ok(()), |wanted| set(expect, "advice", &narrowed(wanted, advice, decides)))
}

fn element(expect: &mut dyn TableLike, index: usize) -> Option<&mut dyn TableLike> {
    match expect.get_mut("plan")? {
        Item::ArrayOfTables(tables) => tables.get_mut(index).map(|table| table as &mut dyn TableLike),
        Item::Value(value) => {
            let table = value.as_array_mut()?.get_mut(index)?.as_inline_table_mut()?;
            Some(table as &mut dyn TableLike)
        }
        _ => None,
    }
}

fn remove(expect: &mut dyn TableLike, index: usize) {
    match expect.get_mut("plan") {
        Some(Item::ArrayOfTables(tables)) if index < tables.len() => {
            tables.remove(index);
        }
        Some(Item::Value(value)) => {
            if let Some(array) = value.as_array_mut().filter(|array| index < array.len()) {
                array.remove(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    const TEXT: &str = r#"# A comment at the top.
description = "d" # beside it
[settings]
percent = 80 # as written

[expect]
# Before the list.
observations = [
  # About the root.
  { key = "/", status = "healthy" }, # beside the root
  { key = "/gone", status = "healthy" },
]

[[expect.plan]] # the plan
finding = "/"
# Why it stops.
decision = { apply = "stop" }
steps = [
  { action = "a.remove", arguments = { what = { root = "/var/log" } } }, # logs
]
"#;

    fn scenario(text: &str) -> Scenario {
        Scenario::parse("f", text).unwrap()
    }

    fn observed(observations: Value) -> Came {
        Came::Observations { observations, advice: json!({"recommendations": [], "may-fail": []}) }
    }

    #[test]
    fn only_differences_are_rewritten() {
        let ran = Ran {
            detected: Some(observed(json!([
                {"key": "/", "status": {"unhealthy": "warning"}, "summary": "s"},
                {"key": "/new", "status": "healthy", "summary": "s"},
            ]))),
            planned: vec![Some(Came::Plan {
                decision: json!({"wait": "for what is held"}),
                steps: json!([{"action": "a.remove", "arguments": {"what": {"root": "/tmp", "n": 1}, "reason": "r"}}]),
                advice: json!({"recommendations": [], "may-fail": [], "look-again": 90_000}),
            })],
            ..Ran::default()
        };
        let wanted = TEXT
            .replace("status = \"healthy\" }, # beside", "status = { unhealthy = \"warning\" } }, # beside")
            .replace("\"/gone\"", "\"/new\"")
            .replace("{ apply = \"stop\" }", "{ wait = \"for what is held\" }")
            .replace("/var/log", "/tmp");
        assert_eq!(updated(&scenario(TEXT), &ran).unwrap(), wanted);

        let advice = |milliseconds: &str| format!("advice = {{ look-again = {milliseconds} }}\n");
        let text = updated(&scenario(&format!("{TEXT}{}", advice("5000"))), &ran).unwrap();
        assert_eq!(text, format!("{wanted}{}", advice("90000")), "advice is written where it is expected");
    }

    #[test]
    fn a_failure_replaces_observations_and_plans_without_a_finding_are_removed() {
        let failure = json!({"could-not-tell": "why"});
        let came = Came::Failure { failure, message: "could not tell: why".into() };
        let ran = Ran { detected: Some(came), planned: vec![None], ..Ran::default() };
        let text = updated(&scenario(TEXT), &ran).unwrap();
        assert!(!text.contains("observations") && !text.contains("expect.plan"), "{text}");
        assert!(text.contains("failure = { could-not-tell = \"why\" }") && text.contains("# A comment at the top."));
        let again = scenario(&text);
        assert!(again.expect.failure.is_some() && again.expect.plan.is_empty());
    }

    #[test]
    fn expected_results_are_not_written() {
        let came = json!([
            {"key": "/", "status": "healthy", "summary": "s"},
            {"key": "/gone", "status": "healthy", "summary": "s"},
        ]);
        let plan = Came::Plan {
            decision: json!({"apply": "stop"}),
            steps: json!([{"action": "a.remove", "arguments": {"what": {"root": "/var/log"}, "reason": "r"}}]),
            advice: json!({}),
        };
        let ran = Ran { detected: Some(observed(came)), planned: vec![Some(plan)], ..Ran::default() };
        assert_eq!(updated(&scenario(TEXT), &ran), None);
    }
}
