//! Measures the program in use: the daemon at rest, and a single run.
#![allow(clippy::disallowed_methods, reason = "an adapter to the program that is measured")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::figure::{Figure, Row};
use crate::machine;
use crate::samples::Samples;

const RUNS: usize = 20;
/// After that, what only the start needs is given back.
const REST: Duration = Duration::from_secs(40);
const MOST_MEMORY_MIB: f64 = 16.0;
const MOST_TOGETHER_MIB: f64 = 40.0;
const MOST_START_MS: f64 = 100.0;
/// Exit codes for healthy, findings and unknown are all valid results.
const RESULTS: [i32; 3] = [0, 3, 5];

const HOW: &str = "`ansai run policies/` without a configuration, so it only observes, with a separate state directory. Memory at \
rest comes from `/proc/PID/smaps_rollup`, forty seconds after the start; together is the proportional memory of \
ansai and of its worker processes. Start to result is the time from starting the process until `ansai run \
policies/ --once` exits, with its report discarded: once with an empty cache, then 20 times with the cache that \
the first run left. The share of the evaluations is their time in the audit log for each warm run, including \
calls to the host.";

const HELD_BACK_BY: &str = "Most of the memory is pages of files, mainly of the program: two thirds of its code are \
resident, because the kernel maps 16 pages around each page that is used, if they are in the page cache. It reclaims \
them when it needs memory. The rest, about 5 MiB, is the program's own. Of the start time only the evaluations are \
measured separately.";

const NOT_BUILT: &str = "not built: make build policies";

/// Measures this section, with the program that was built with this one.
pub(crate) fn measure(policies: &Path) -> anyhow::Result<Figure> {
    let program = program()?;
    let built = program.is_file() && policies.join("disk-space/disk-space.wasm").is_file();
    let rows = if built { rows(&program, policies)? } else { unbuilt() };
    Ok(Figure { title: "Program", how: HOW, rows, grid: None, held_back_by: HELD_BACK_BY })
}

/// Path of the program that was built with this one.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("ansai"))
}

/// Runs `work` on one processor; programs that it starts stay on that processor.
pub(crate) fn on_one_core<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let whole = sched_getaffinity(None)?;
    let mut one = CpuSet::new();
    one.set((0..CpuSet::MAX_CPU).find(|cpu| whole.is_set(*cpu)).context("no processor")?);
    sched_setaffinity(None, &one)?;
    let done = work();
    sched_setaffinity(None, &whole)?;
    done
}

const RESIDENT: &str = "memory at rest, resident (RSS)";
const PROPORTIONAL: &str = "memory at rest, proportional (PSS)";
const OF_FILES: &str = "of this, pages of files";
const TOGETHER: &str = "with its worker processes, proportional (PSS)";
const COLD: &str = "start to result, empty cache";
const WARM: &str = "start to result, warm cache";
const EVALUATIONS: &str = "of this, evaluations";

fn unbuilt() -> Vec<Row> {
    vec![
        Row::text(RESIDENT, NOT_BUILT),
        Row::text(PROPORTIONAL, NOT_BUILT).at_most(MOST_MEMORY_MIB, "MiB", None),
        Row::text(OF_FILES, NOT_BUILT),
        Row::text(TOGETHER, NOT_BUILT).at_most(MOST_TOGETHER_MIB, "MiB", None),
        Row::text(COLD, NOT_BUILT),
        Row::text(WARM, NOT_BUILT).at_most(MOST_START_MS, "ms", None),
        Row::text(EVALUATIONS, NOT_BUILT),
    ]
}

fn rows(program: &Path, policies: &Path) -> anyhow::Result<Vec<Row>> {
    let dir = tempfile::tempdir()?;
    let run = Run { program, policies, state: dir.path().join("state") };
    let cold = run.once()?;
    let mut warm = Samples::default();
    for _ in 0..RUNS {
        warm.push(run.once()?);
    }
    let [resident, proportional, of_files, together] = run.at_rest()?;
    Ok(vec![
        Row::single(RESIDENT, resident, "MiB"),
        Row::single(PROPORTIONAL, proportional, "MiB").at_most(MOST_MEMORY_MIB, "MiB", Some(proportional)),
        Row::single(OF_FILES, of_files, "MiB"),
        Row::single(TOGETHER, together, "MiB").at_most(MOST_TOGETHER_MIB, "MiB", Some(together)),
        Row::single(COLD, cold, "ms"),
        Row::new(WARM, &warm, "ms").at_most(MOST_START_MS, "ms", Some(warm.median())),
        match evaluations(&run.state.join("audit")) {
            Ok(samples) => Row::new(EVALUATIONS, &samples, "ms"),
            Err(error) => Row::text(EVALUATIONS, format!("unknown: {error}")),
        },
    ])
}

struct Run<'a> {
    program: &'a Path,
    policies: &'a Path,
    state: PathBuf,
}

impl Run<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.arg("run").arg(self.policies).arg("--state-dir").arg(&self.state);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Milliseconds from start to end.
    fn once(&self) -> anyhow::Result<f64> {
        let mut command = self.command();
        command.arg("--once");
        let began = Instant::now();
        let status = command.status().context("ansai run --once")?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        ensure!(status.code().is_some_and(|code| RESULTS.contains(&code)), "ansai run --once ended with {status}");
        Ok(took)
    }

    /// Resident memory, proportional memory, the latter's share of mapped files, and that of all processes, in MiB.
    fn at_rest(&self) -> anyhow::Result<[f64; 4]> {
        let mut daemon = Daemon(self.command().spawn().context("ansai run")?);
        std::thread::sleep(REST);
        if let Some(status) = daemon.0.try_wait()? {
            bail!("ansai run ended by itself with {status}");
        }
        let pid = daemon.0.id();
        let read = |pid: u32, name: &str| machine::mebibytes(&format!("/proc/{pid}/smaps_rollup"), name);
        let own = |name| read(pid, name).with_context(|| format!("{name} of ansai run"));
        let proportional = own("Pss")?;
        let of_workers: f64 = machine::children(pid).into_iter().filter_map(|child| read(child, "Pss")).sum();
        Ok([own("Rss")?, proportional, own("Pss_File")?, proportional + of_workers])
    }
}

/// Stops the daemon when dropped, in an orderly way if possible.
pub(crate) struct Daemon(pub(crate) Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.0.id()).map(rustix::process::Pid::from_raw)
            && let Some(pid) = pid
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        for _ in 0..100 {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(50)),
                _ => return,
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Milliseconds of the evaluations in each warm run, from the log; a run begins with `started`.
fn evaluations(audit: &Path) -> anyhow::Result<Samples> {
    let mut runs: Vec<f64> = Vec::new();
    for entry in ansai_audit::Reader::open(audit)? {
        let record: ansai_core::event::Record = serde_json::from_slice(&entry?.payload)?;
        match record.event {
            ansai_core::event::Event::Started { .. } => runs.push(0.0),
            ansai_core::event::Event::Evaluated { usage, .. } => {
                if let Some(run) = runs.last_mut() {
                    *run += usage.wall_us as f64 / 1e3;
                }
            }
            _ => {}
        }
    }
    let mut samples = Samples::default();
    runs.iter().skip(1).take(RUNS).for_each(|run| samples.push(*run));
    ensure!(runs.len() > RUNS, "the audit log has {} runs", runs.len());
    Ok(samples)
}
