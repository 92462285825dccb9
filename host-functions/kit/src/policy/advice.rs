//! `ansai:policy/advice`: what a policy says in addition to its answer.

use ansai_core::event::Phase;
use ansai_core::{Millis, Recommendation, Refusal, StepRef};
use serde::{Deserialize, Serialize};

use crate::evaluation_state::EvaluationState;
use crate::function::{Base, BaseFunction};
use crate::registry::{Body, Function, InterfaceDef, base};

/// Maximum number of recommendations in one evaluation.
const MOST_RECOMMENDATIONS: usize = 16;
/// Maximum size of one recommendation, in bytes of JSON.
const MOST_BYTES: usize = 16 << 10;
/// The shortest and the longest time until another evaluation.
const SOONEST: Millis = Millis::new(1_000);
const LATEST: Millis = Millis::from_hours(24);

const fn plain(name: &'static str, body: &'static dyn BaseFunction) -> Function {
    Function { name, checks: &[], body: Body::Base(body) }
}

/// The interface.
pub static ADVICE: InterfaceDef = InterfaceDef {
    interface: base("ansai:policy/advice", "recommend something to a person, and ask for another evaluation"),
    doctor: &[],
    functions: &[
        plain("recommend", &Base(recommend)),
        plain("look-again", &Base(look_again)),
        plain("may-fail", &Base(may_fail)),
    ],
};

#[derive(Serialize, Deserialize)]
struct Recommend {
    what: Recommendation,
}

#[derive(Serialize, Deserialize)]
struct LookAgain {
    after: Millis,
}

#[derive(Serialize, Deserialize)]
struct MayFail {
    step: StepRef,
}

fn recommend(state: &mut EvaluationState, Recommend { what }: Recommend) -> Result<(), Refusal> {
    only_in_plan(state, "recommend")?;
    let bytes = serde_json::to_vec(&what).map_or(usize::MAX, |json| json.len());
    if bytes > MOST_BYTES {
        return Err(Refusal::Invalid(format!("the recommendation has {bytes} bytes, at most {MOST_BYTES}")));
    }
    let recommendations = &mut state.advice.recommendations;
    if recommendations.len() >= MOST_RECOMMENDATIONS {
        return Err(Refusal::OverBudget(format!("{MOST_RECOMMENDATIONS} recommendations in one evaluation")));
    }
    recommendations.push(what);
    Ok(())
}

fn look_again(state: &mut EvaluationState, LookAgain { after }: LookAgain) -> Result<(), Refusal> {
    if after < SOONEST || after > LATEST {
        return Err(Refusal::Invalid(format!("`after` is {after}, allowed is {SOONEST} to {LATEST}")));
    }
    let shortest = &mut state.advice.look_again;
    *shortest = Some(shortest.map_or(after, |before| before.min(after)));
    Ok(())
}

fn may_fail(state: &mut EvaluationState, MayFail { step }: MayFail) -> Result<(), Refusal> {
    only_in_plan(state, "may-fail")?;
    if step >= state.proposed {
        let proposed = state.proposed;
        return Err(Refusal::NotFound(format!("there is no step {step}: this plan has {proposed} so far")));
    }
    state.advice.may_fail.insert(step);
    Ok(())
}

fn only_in_plan(state: &EvaluationState, function: &str) -> Result<(), Refusal> {
    match state.phase {
        Phase::Plan => Ok(()),
        Phase::Detect => Err(Refusal::Denied(format!("call `{function}` in `plan`, not in `detect`"))),
    }
}
