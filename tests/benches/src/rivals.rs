//! The same check of file systems by other means: an Extism plugin and a shell.
#![allow(clippy::disallowed_methods, reason = "an adapter to the programs that are measured")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::event::Phase;
use ansai_core::{InstanceName, InterfaceName, Limits, Scope, Timestamp};
use ansai_engine::compile::Compiler;
use ansai_engine::{Answer, Engine, Policy};
use ansai_host_functions::live::{Live, LiveHost};
use ansai_kit::authorize::Scopes;
use ansai_kit::backend::Backend;
use ansai_kit::evaluation_state::{Context, EvaluationState, NoMemory};
use ansai_kit::host::Host;
use anyhow::{Context as _, ensure};
use serde_json::value::RawValue;

use crate::figure::{Figure, Row};
use crate::guest;
use crate::prepared::Prepared;
use crate::samples::Samples;

const ROUNDS: u32 = 20;
const PLUGINS: u32 = 200;
const SHELLS: u32 = 20;
const EXTISM_AIM: f64 = 5.0;
const SHELL_AIM: f64 = 30.0;
const ONE_LINER: &str = "df -Pk | tail -n +2";

const HOW: &str = "First, the small policy through the gate against the same policy as a plugin of the crate extism \
1.41 (`tests/benches/extism`). The plugin is compiled once and instantiated for each evaluation, with limits on fuel, \
memory and time. Its two host functions return the same JSON, which is copied into the plugin's memory as extism's \
development kits do. Second, the policy with the real probe, called once, against `sh -c 'df -Pk | tail -n +2'` with \
its output read. Both read the mounts of this machine and the usage of each file system. If a mount is not local \
(autofs, overlay, network), the probe changes threads twice more. 20 alternating rounds of 200 evaluations or 20 \
shells.";

const HELD_BACK_BY: &str = "The real probe reads and parses the mount table. A call on a thread of its own, which \
ansai uses if a mount could hang, costs two more changes of threads.";

/// Measures this section.
pub(crate) fn measure(_policies: &Path) -> anyhow::Result<Figure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let engine = Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess)?;
    let policy = engine.load(&guest::component()?)?;
    let reply: Arc<RawValue> = Arc::from(RawValue::from_string(guest::REPLY.to_owned())?);
    let prepared = || Prepared(reply.clone());
    let mut rows = Vec::new();
    match Extism::start()? {
        Some(mut extism) => {
            let (mut ours, mut theirs) = (Samples::default(), Samples::default());
            for round in 0..=ROUNDS {
                let gate = runtime.block_on(evaluate(&policy, PLUGINS, &prepared))?;
                let plugin = extism.evaluate(PLUGINS)?;
                if round > 0 {
                    ours.push_each(gate, PLUGINS);
                    theirs.push_each(plugin, PLUGINS);
                }
            }
            rows.push(Row::new("ansai, prepared reply", &ours, "µs"));
            rows.push(Row::new("extism, a new plugin each time", &theirs, "µs"));
            let times = theirs.median() / ours.median();
            rows.push(Row::single("extism ÷ ansai", times, "×").at_least(EXTISM_AIM, "×", Some(times)));
        }
        None => rows
            .push(Row::text("extism, a new plugin each time", "not built: make bench").at_least(EXTISM_AIM, "×", None)),
    }
    let shared = LiveHost::new(Host::at("/"), ansai_host_functions::builtin(), 2, Duration::from_secs(10));
    let scopes: Scopes =
        Arc::new([(InterfaceName::from_static("ansai:disk/disk-probe"), Scope::default().into())].into());
    let live = || {
        let context = Context::at(Timestamp::from_millis(1_790_000_000_000));
        let base = EvaluationState::new(Phase::Detect, context, Arc::new(NoMemory));
        Live::new(shared.clone(), InstanceName::from_static("bench"), scopes.clone(), base)
    };
    let policy = engine.load(&guest::component_asking_once()?)?;
    let (mut ours, mut shells) = (Samples::default(), Samples::default());
    for round in 0..=ROUNDS {
        let gate = runtime.block_on(evaluate(&policy, PLUGINS, &live))?;
        let shell = shells_of(SHELLS)?;
        if round > 0 {
            ours.push_each(gate, PLUGINS);
            shells.push_each(shell, SHELLS);
        }
    }
    rows.push(Row::new("ansai, real probe", &ours, "µs"));
    rows.push(Row::new("shell with `df`", &shells, "µs"));
    let times = shells.median() / ours.median();
    rows.push(Row::single("shell ÷ ansai", times, "×").at_least(SHELL_AIM, "×", Some(times)));
    Ok(Figure { title: "Comparison with extism and a shell", how: HOW, rows, grid: None, held_back_by: HELD_BACK_BY })
}

async fn evaluate<B: Backend + 'static>(
    policy: &Policy,
    count: u32,
    backend: &impl Fn() -> B,
) -> anyhow::Result<Duration> {
    let limits = Limits::default();
    let began = Instant::now();
    for _ in 0..count {
        let evaluation = policy.detect(backend(), &limits).await;
        ensure!(matches!(&evaluation.answer, Ok(Answer::Observed(seen)) if seen.len() == 1), "{:?}", evaluation.answer);
    }
    Ok(began.elapsed())
}

fn shells_of(count: u32) -> anyhow::Result<Duration> {
    let began = Instant::now();
    for _ in 0..count {
        let output = Command::new("sh").args(["-c", ONE_LINER]).stdin(Stdio::null()).output()?;
        ensure!(output.status.success() && !output.stdout.is_empty(), "df said nothing");
    }
    Ok(began.elapsed())
}

/// The Extism program, which evaluates on request.
struct Extism {
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Extism {
    /// Starts it; `None` if it was not built.
    fn start() -> anyhow::Result<Option<Extism>> {
        let Some(program) = std::env::var_os("ANSAI_BENCH_EXTISM").map(PathBuf::from).filter(|path| path.is_file())
        else {
            return Ok(None);
        };
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let asked = child.stdin.take().context("its standard input")?;
        let answers = BufReader::new(child.stdout.take().context("its standard output")?);
        Ok(Some(Extism { child, asked, answers }))
    }

    fn evaluate(&mut self, count: u32) -> anyhow::Result<Duration> {
        writeln!(self.asked, "{count}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(Duration::from_nanos(line.trim().parse().context("nanoseconds from the program with extism")?))
    }
}

impl Drop for Extism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
