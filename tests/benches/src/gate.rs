//! The whole gate against bare wasmtime.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::Limits;
use ansai_engine::engine::{InstanceAllocation, PoolSize};
use ansai_engine::memory::MemoryInit;
use ansai_engine::{Answer, Compiler, Engine, Policy};
use anyhow::{Context as _, ensure};
use serde_json::value::RawValue;

use crate::bare::Bare;
use crate::figure::{Figure, Row};
use crate::guest;
use crate::prepared::Prepared;
use crate::samples::Samples;

const ROUNDS: u32 = 25;
const SLICES: u32 = 20;
const SLICE: u32 = 100;
const AIM: f64 = 1.4;

const HOW: &str = "One evaluation on one thread: a new store with fuel, epoch and memory limits; `detect` of a small \
component, which lists the file systems twice and returns one observation; the store dropped. Through the gate, each \
call has its arguments written as JSON, is checked against the budget, goes to a backend (which answers at once from \
a prepared reply), is read back as the component's type, recorded and charged. The evaluation has its deadline, and \
its answer is checked. Bare wasmtime has the same configuration, limits and values behind typed host functions, and \
nothing else. 25 rounds of 2,000 evaluations each, after one round that is not counted; the variants alternate every \
100 evaluations. The ratio is that of the medians; its range is that of the rounds.";

const HELD_BACK_BY: &str = "What a call costs is JSON: its reply is text, which ansai records and replays, and is read \
once more for the memory of the component. The ratio was lower before guest memory came from a pool, because bare \
wasmtime then took five times as long.";

/// Measures this section.
pub(crate) fn measure() -> anyhow::Result<Figure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let component = guest::component()?;
    let engine = Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess)?;
    let policy = engine.load(&component)?;
    let limits = Limits::default();
    let bare = Bare::new(&component, InstanceAllocation::Pooling(PoolSize::MANY))
        .map_err(anyhow::Error::from)
        .context("bare wasmtime")?;
    let unpooled = Bare::new(&component, InstanceAllocation::OnDemand(MemoryInit::Copied))
        .map_err(anyhow::Error::from)
        .context("bare wasmtime")?;
    let reply: Arc<RawValue> = Arc::from(RawValue::from_string(guest::REPLY.to_owned())?);

    let (mut through, mut plain, mut mapped) = (Samples::default(), Samples::default(), Samples::default());
    for round in 0..=ROUNDS {
        let (mut gate, mut pooled, mut on_demand) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for _ in 0..SLICES {
            gate += timed(|| runtime.block_on(through_gate(&policy, &reply, &limits)))?;
            pooled += timed(|| runtime.block_on(in_bare(&bare, &limits)))?;
            on_demand += timed(|| runtime.block_on(in_bare(&unpooled, &limits)))?;
        }
        if round > 0 {
            through.push_each(gate, SLICES * SLICE);
            plain.push_each(pooled, SLICES * SLICE);
            mapped.push_each(on_demand, SLICES * SLICE);
        }
    }
    let mut ratio = Row::new("gate ÷ bare wasmtime", &through.over(&plain), "");
    let of_medians = through.median() / plain.median();
    ratio.value = format!("{of_medians:.2}");
    Ok(Figure {
        title: "Gate",
        how: HOW,
        rows: vec![
            Row::new("one evaluation with two calls, through the gate", &through, "µs"),
            Row::new("the same evaluation in bare wasmtime", &plain, "µs"),
            ratio.at_most(AIM, "", Some(of_medians)),
            Row::new("for comparison: bare wasmtime without the memory pool", &mapped, "µs"),
        ],
        grid: None,
        held_back_by: HELD_BACK_BY,
    })
}

fn timed(run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let began = Instant::now();
    run()?;
    Ok(began.elapsed())
}

async fn through_gate(policy: &Policy, reply: &Arc<RawValue>, limits: &Limits) -> anyhow::Result<()> {
    for _ in 0..SLICE {
        let evaluation = policy.detect(Prepared(reply.clone()), limits).await;
        match evaluation.answer {
            Ok(Answer::Observed(seen)) => ensure!(seen.len() == 1 && evaluation.calls.len() == 2, "{seen:?}"),
            other => anyhow::bail!("the policy answered {other:?}"),
        }
    }
    Ok(())
}

async fn in_bare(bare: &Bare, limits: &Limits) -> anyhow::Result<()> {
    for _ in 0..SLICE {
        ensure!(bare.detect(limits).await? == 1, "the policy answered something else");
    }
    Ok(())
}
