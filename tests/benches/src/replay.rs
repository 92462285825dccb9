//! Measures replaying recordings.
#![allow(clippy::disallowed_methods, reason = "an adapter to the component")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ansai_core::event::Phase;
use ansai_core::{InstanceName, Limits, Timestamp};
use ansai_engine::engine::ENGINE_VERSION;
use ansai_engine::recording::{RECORDING_VERSION, Recording};
use ansai_engine::replay::{Replayed, replay};
use ansai_engine::{Compiler, Engine, Policy};
use ansai_kit::backend::Backend;
use anyhow::ensure;
use serde_json::value::RawValue;

use crate::figure::{Figure, Row};
use crate::guest;
use crate::prepared::{FixedHost, Prepared};
use crate::samples::Samples;

const ROUNDS: u32 = 20;
const REPLAYS: u32 = 2_000;

const HOW: &str = "The small component is the one of the section above, recorded once. disk-space is \
recorded on a prepared host, the same in every run: four file systems, and the directories below `/var/log`, \
`/var/tmp` and `/tmp` of a server with 40 services (`tests/benches/src/host.json`). Each \
recording is replayed on one thread; calls, answer and fuel are compared. 20 rounds of 2,000 replays, after one round \
that is not counted. Replays share nothing, so the rate grows with the number of cores.";

/// Of the small component, per second.
const SMALL_AIM: f64 = 25_000.0;
/// Of disk-space, per second.
const DISK_SPACE_AIM: f64 = 10_000.0;

const HELD_BACK_BY: &str = "The profile of disk-space is flat. Guest code takes a sixth of the time; so do instances and \
calls in wasmtime. Allocating memory takes a seventh, reading the replies from JSON a ninth, writing them into the \
memory of the component a twelfth.";

/// Measures this section.
pub(crate) fn measure(policies: &Path) -> anyhow::Result<Figure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let engine = Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess)?;
    let small = engine.load(&guest::component()?)?;
    let reply: Arc<RawValue> = Arc::from(RawValue::from_string(guest::REPLY.to_owned())?);
    let recording = runtime.block_on(record(&small, Prepared(reply)))?;
    let mut rows = vec![runtime.block_on(rate("small component", &small, &recording, SMALL_AIM))?];
    let disk_space = engine.load(&std::fs::read(policies.join("disk-space/disk-space.wasm"))?)?;
    let recording = runtime.block_on(record(&disk_space, FixedHost::read()?))?;
    rows.push(runtime.block_on(rate("disk-space", &disk_space, &recording, DISK_SPACE_AIM))?);
    Ok(Figure { title: "Replay", how: HOW, rows, grid: None, held_back_by: HELD_BACK_BY })
}

async fn rate(name: &'static str, policy: &Policy, recording: &Recording, aim: f64) -> anyhow::Result<Row> {
    let mut rates = Samples::default();
    for round in 0..=ROUNDS {
        let began = Instant::now();
        for _ in 0..REPLAYS {
            let (replayed, _) = replay(policy, recording).await;
            ensure!(replayed == Replayed::Identical { fuel_compared: true }, "{replayed:?}");
        }
        if round > 0 {
            rates.push(f64::from(REPLAYS) / began.elapsed().as_secs_f64());
        }
    }
    let median = rates.median();
    Ok(Row::new(name, &rates, "per second").at_least(aim, "per second", Some(median)))
}

async fn record(policy: &Policy, host: impl Backend + 'static) -> anyhow::Result<Recording> {
    let limits = Limits::default();
    let evaluation = policy.detect(host, &limits).await;
    ensure!(evaluation.answer.is_ok(), "{:?}", evaluation.answer);
    Ok(Recording {
        version: RECORDING_VERSION,
        engine: ENGINE_VERSION.into(),
        component: policy.info().digest.clone(),
        instance: InstanceName::from_static("bench"),
        phase: Phase::Detect,
        trigger: "schedule".into(),
        at: Timestamp::EPOCH,
        finding: None,
        limits,
        end: evaluation.end(),
        fuel: evaluation.usage.fuel,
        calls: evaluation.calls,
    })
}
