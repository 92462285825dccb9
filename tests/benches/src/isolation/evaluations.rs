//! One evaluation with two probe calls, and one of disk-space: in this process, and in a worker.

#![allow(clippy::disallowed_methods, reason = "an adapter to the component")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ansai_core::Limits;
use ansai_engine::isolated::{CHILD, TrustLevel, WorkerProgram, Workers};
use ansai_engine::{Answer, Compiler, Engine, Policy};
use ansai_isolation::{Profile, Start};
use ansai_kit::backend::Backend;
use anyhow::ensure;
use serde_json::value::RawValue;

use crate::figure::Row;
use crate::guest;
use crate::prepared::{FixedHostWithState, Prepared};
use crate::samples::Samples;

const ROUNDS: usize = 20;
const EVALUATIONS: u32 = 200;
/// Two calls and the evaluation itself.
const ROUND_TRIPS: f64 = 3.0;
/// How much longer than bare round trips.
const SPARE: f64 = 1.3;
const MOST_DISK_SPACE: f64 = 2.0;

/// Measures both in turns. `round_trip` is a bare one, in microseconds.
pub(super) fn measure(round_trip: f64, policies: &Path) -> anyhow::Result<Vec<Row>> {
    let reply: Arc<RawValue> = Arc::from(RawValue::from_string(guest::REPLY.to_owned())?);
    let [of_here, of_there] = both(&guest::component()?, 1, || Ok(Prepared(reply.clone())))?;
    let aim = ROUND_TRIPS.mul_add(round_trip * SPARE, of_here.median());
    let measured = of_there.median() / aim;
    let mut of_aim = Row::new("worker ÷ aim", &of_there, "");
    of_aim.value = format!("{measured:.2}");
    let mut rows = vec![
        Row::new("evaluation with two calls", &of_here, "µs"),
        Row::new("evaluation with two calls, in a worker", &of_there, "µs"),
        of_aim.at_most(1.0, "", Some(measured)),
    ];
    let disk_space = policies.join("disk-space/disk-space.wasm");
    if disk_space.is_file() {
        let registry = ansai_host_functions::builtin();
        let component = std::fs::read(disk_space)?;
        let [of_here, of_there] = both(&component, 0, || Ok(FixedHostWithState::read(&registry)?))?;
        let ratio = of_there.median() / of_here.median();
        let mut of_both = Row::new("worker ÷ one process, disk-space", &of_there.over(&of_here), "");
        of_both.value = format!("{ratio:.2}");
        rows.extend([
            Row::new("evaluation of disk-space", &of_here, "µs"),
            Row::new("evaluation of disk-space, in a worker", &of_there, "µs"),
            of_both.at_most(MOST_DISK_SPACE, "", Some(ratio)),
        ]);
    }
    Ok(rows)
}

/// Evaluations in this process and in a worker, in microseconds each. `seen` observations are the least that it returns.
fn both<B: Backend + 'static>(
    component: &[u8],
    seen: usize,
    backend: impl Fn() -> anyhow::Result<B>,
) -> anyhow::Result<[Samples; 2]> {
    let program = std::env::current_exe()?;
    let workers = Workers::new(WorkerProgram::new(move |level| Start {
        program: program.clone(),
        ..Start::new(CHILD, Profile::Guest, level)
    }));
    let engine = Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess)?;
    let policies = [engine.load(component)?, engine.load_isolated((&workers, TrustLevel::BuiltIn), component, None)?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut samples = [Samples::default(), Samples::default()];
    for round in 0..=ROUNDS {
        for (policy, samples) in policies.iter().zip(&mut samples) {
            // They are made before, not measured.
            let backends = (0..EVALUATIONS).map(|_| backend()).collect::<anyhow::Result<Vec<B>>>()?;
            let began = Instant::now();
            runtime.block_on(evaluate(policy, backends, seen))?;
            if round > 0 {
                samples.push_each(began.elapsed(), EVALUATIONS);
            }
        }
    }
    Ok(samples)
}

async fn evaluate<B: Backend + 'static>(policy: &Policy, backends: Vec<B>, least: usize) -> anyhow::Result<()> {
    for backend in backends {
        let evaluation = policy.detect(backend, &Limits::default()).await;
        match evaluation.answer {
            Ok(Answer::Observed(seen)) => ensure!(seen.len() >= least && evaluation.calls.len() >= 2, "{seen:?}"),
            other => anyhow::bail!("the policy answered {other:?}"),
        }
    }
    Ok(())
}
