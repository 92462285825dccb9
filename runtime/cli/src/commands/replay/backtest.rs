//! `ansai replay --with FILE --since TIME`: the decisions that another version changes.

mod show;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ansai_audit::Listed;
use ansai_core::text::inert;
use ansai_core::{Timestamp, codes, exit};
use ansai_daemon::Component;
use ansai_daemon::recorded::Recorded;
use ansai_engine::backtest::{Backtest, Verdict};
use ansai_kit::registry::Registry;

use crate::compiler;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::progress::Progress;
use crate::since::Since;

/// Shorter replays draw no progress.
const QUIET: Duration = Duration::from_secs(1);
const DRAW: Duration = Duration::from_millis(200);

/// A recorded evaluation, and how the other version decides.
pub(in crate::commands) struct Judged {
    pub(in crate::commands) listed: Listed,
    pub(in crate::commands) at: Timestamp,
    pub(in crate::commands) verdict: Result<Verdict, Fault>,
}

pub(super) fn run(
    recorded: &Recorded,
    registry: Registry,
    with: &Path,
    since: Since,
    instances: &[String],
    global: &Global,
) -> anyhow::Result<u8> {
    let engine = compiler::engine(registry.clone())?;
    let component = Component::read(with, &registry.interfaces())?;
    let version = Backtest::new(component.compile(&engine, None)?);
    let mut listed = recorded.catalog.list();
    listed.retain(|one| since.includes(Timestamp::from_millis(one.modified_millis)));
    let chosen = chosen(instances, &component.manifest.name, &listed)?;
    listed.retain(|one| chosen.contains(&one.instance));
    // Oldest first.
    listed.reverse();
    let began = Instant::now();
    let judged = judge(recorded, &version, listed, global.format, None)?;
    let took = began.elapsed();
    match global.format {
        Format::Json => show::document(&component, &judged, took)?,
        Format::Text => show::text(&judged, took)?,
    }
    Ok(code(&judged))
}

/// The instances whose evaluations are compared.
fn chosen(asked: &[String], name: &str, listed: &[Listed]) -> Result<Vec<String>, Fault> {
    let mut known: Vec<&str> = listed.iter().map(|one| one.instance.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    let wanted = if asked.is_empty() { vec![name.to_owned()] } else { asked.to_vec() };
    match wanted.iter().find(|wanted| !known.contains(&wanted.as_str())) {
        None => Ok(wanted),
        Some(missing) => {
            let fault = Fault::usage(
                codes::UNKNOWN_RECORDING,
                format!("no recordings of instance `{}` since then", inert(missing, 80)),
            );
            Err(if known.is_empty() {
                fault.hint("pass an earlier --since")
            } else {
                fault.hint(format!("pass --instance NAME; recorded instances: {}", known.join(", ")))
            })
        }
    }
}

/// Replays them on all cores, and begins none once `limit` is over; the results are in their order.
pub(in crate::commands) fn judge(
    recorded: &Recorded,
    version: &Backtest,
    listed: Vec<Listed>,
    format: Format,
    limit: Option<Duration>,
) -> anyhow::Result<Vec<Judged>> {
    let began = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(listed.len().max(1));
    let next = AtomicUsize::new(0);
    let mut judged: BTreeMap<usize, Judged> = BTreeMap::new();
    std::thread::scope(|scope| {
        let (done, results) = mpsc::channel();
        for _ in 0..threads {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let (done, next, listed) = (done.clone(), &next, &listed);
            std::thread::Builder::new().name("replay".into()).spawn_scoped(scope, move || {
                while limit.is_none_or(|limit| began.elapsed() < limit) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = listed.get(index) else { return };
                    let judged = runtime.block_on(one_of(recorded, version, one));
                    if done.send((index, judged)).is_err() {
                        return;
                    }
                }
            })?;
        }
        drop(done);
        let mut drawn = began;
        let mut progress = Progress::new(format == Format::Text);
        for (index, one) in results {
            judged.insert(index, one);
            if began.elapsed() > QUIET && drawn.elapsed() > DRAW {
                drawn = Instant::now();
                progress.show(&format!("replayed {} of {} …", judged.len(), listed.len()));
            }
        }
        anyhow::Ok(())
    })?;
    Ok(judged.into_values().collect())
}

async fn one_of(recorded: &Recorded, version: &Backtest, listed: &Listed) -> Judged {
    let (at, verdict) = match recorded.get(&listed.id) {
        Ok(recording) => (recording.at, Ok(version.run(recording).await)),
        Err(error) => (Timestamp::from_millis(listed.modified_millis), Err(error.into())),
    };
    Judged { listed: listed.clone(), at, verdict }
}

fn code(judged: &[Judged]) -> u8 {
    crate::exit::worst(judged.iter().map(|one| match &one.verdict {
        Ok(Verdict::Same) => exit::FINE,
        Ok(Verdict::Different(_)) => exit::REFUSED,
        Ok(Verdict::Unknown(_)) => exit::UNKNOWN,
        Err(fault) => fault.exit,
    }))
}
