//! One evaluation with two probe calls: in this process, and in a worker.

use std::sync::Arc;
use std::time::Instant;

use ansai_core::Limits;
use ansai_engine::isolated::{CHILD, TrustLevel, WorkerProgram, Workers};
use ansai_engine::{Answer, Compiler, Engine, Policy};
use ansai_isolation::{Profile, Start};
use anyhow::ensure;
use serde_json::value::RawValue;

use crate::figure::Row;
use crate::guest;
use crate::prepared::Prepared;
use crate::process::program;
use crate::samples::Samples;

const THERE: &str = "evaluation with two calls, in a worker";
const ROUNDS: usize = 20;
const EVALUATIONS: u32 = 200;
/// Two calls and the evaluation itself.
const ROUND_TRIPS: f64 = 3.0;
/// How much longer than bare round trips.
const SPARE: f64 = 1.3;

/// Measures both in turns. `round_trip` is a bare one on the same cores, in microseconds.
pub(super) fn measure(round_trip: f64) -> anyhow::Result<Vec<Row>> {
    let program = std::env::current_exe()?;
    if !program.is_file() {
        return Ok(vec![Row::text(THERE, "not built: make build")]);
    }
    let workers = Workers::new(WorkerProgram::new(move |level| Start {
        program: program.clone(),
        ..Start::new(CHILD, Profile::Guest, level)
    }));
    let component = guest::component()?;
    let engine = Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess)?;
    let policies = [engine.load(&component)?, engine.load_isolated((&workers, TrustLevel::BuiltIn), &component, None)?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reply: Arc<RawValue> = Arc::from(RawValue::from_string(guest::REPLY.to_owned())?);
    let mut samples = [Samples::default(), Samples::default()];
    for round in 0..=ROUNDS {
        for (policy, samples) in policies.iter().zip(&mut samples) {
            let began = Instant::now();
            runtime.block_on(evaluate(policy, &reply))?;
            if round > 0 {
                samples.push_each(began.elapsed(), EVALUATIONS);
            }
        }
    }
    let [of_here, of_there] = samples;
    let aim = ROUND_TRIPS.mul_add(round_trip * SPARE, of_here.median());
    let measured = of_there.median() / aim;
    let mut of_aim = Row::new("worker ÷ aim", &of_there, "");
    of_aim.value = format!("{measured:.2}");
    Ok(vec![
        Row::new("evaluation with two calls", &of_here, "µs"),
        Row::new(THERE, &of_there, "µs"),
        of_aim.at_most(1.0, "", Some(measured)),
    ])
}

async fn evaluate(policy: &Policy, reply: &Arc<RawValue>) -> anyhow::Result<()> {
    for _ in 0..EVALUATIONS {
        let evaluation = policy.detect(Prepared(reply.clone()), &Limits::default()).await;
        match evaluation.answer {
            Ok(Answer::Observed(seen)) => ensure!(seen.len() == 1 && evaluation.calls.len() == 2, "{seen:?}"),
            other => anyhow::bail!("the policy answered {other:?}"),
        }
    }
    Ok(())
}
