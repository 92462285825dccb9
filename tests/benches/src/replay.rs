//! Running recordings again.

use std::time::Instant;

use ansai_core::Limits;
use ansai_core::event::Phase;
use ansai_engine::engine::ENGINE_VERSION;
use ansai_engine::recording::{RECORDING_VERSION, Recording};
use ansai_engine::replay::{Replayed, replay};
use ansai_engine::{Engine, Policy};
use ansai_host_functions::registry::Registry;
use anyhow::ensure;
use serde_json::value::RawValue;

use crate::figure::{Figure, Row};
use crate::guest;
use crate::prepared::Prepared;
use crate::samples::Samples;

const ROUNDS: u32 = 20;
const REPLAYS: u32 = 2_000;

const HOW: &str = "One evaluation of the same component is recorded, then run again from its recording on one thread, \
calls, answer and fuel compared: 20 rounds of 2,000 after one unmeasured. Replays share nothing, so cores add up.";

/// Runs it.
pub(crate) fn measure() -> anyhow::Result<Figure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let engine = Engine::new(Registry::builtin(), None)?;
    let policy = engine.load(&guest::component()?)?;
    let mut rates = Samples::default();
    runtime.block_on(async {
        let recording = record(&policy).await?;
        for round in 0..=ROUNDS {
            let began = Instant::now();
            for _ in 0..REPLAYS {
                let (replayed, _) = replay(&policy, &recording).await;
                ensure!(replayed == Replayed::Identical { fuel_compared: true }, "{replayed:?}");
            }
            if round > 0 {
                rates.push(f64::from(REPLAYS) / began.elapsed().as_secs_f64());
            }
        }
        Ok(())
    })?;
    Ok(Figure {
        title: "Replay",
        how: HOW,
        rows: vec![Row::new("evaluations replayed on one core", &rates, "a second")],
        held_back_by: "",
    })
}

async fn record(policy: &Policy) -> anyhow::Result<Recording> {
    let limits = Limits::default();
    let reply = RawValue::from_string(guest::REPLY.to_owned())?;
    let evaluation = policy.detect(Box::new(Prepared(reply)), &limits).await;
    Ok(Recording {
        version: RECORDING_VERSION,
        engine: ENGINE_VERSION.into(),
        component: policy.found().digest.clone(),
        instance: "bench".into(),
        phase: Phase::Detect,
        trigger: "schedule".into(),
        at: 0,
        finding: None,
        limits,
        end: evaluation.end(),
        fuel: evaluation.usage.fuel,
        calls: evaluation.calls,
    })
}
