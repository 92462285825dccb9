//! `ansai test`: runs a policy against its scenarios.

mod junit;
mod show;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::codes;
use ansai_daemon::Component;
use ansai_daemon::sources::{self, Source, SourceError};
use ansai_devkit::build::is_stale;
use ansai_devkit::scenario::{self, Subject, Tested};
use ansai_engine::Engine;
use ansai_engine::isolated::{TrustLevel, WorkerProgram, Workers};
use ansai_kit::registry::Registry;
use clap::Args;

use crate::exit::{self, Fault};
use crate::global::{Format, Global};
use crate::output::{self, json};
use crate::watch::Watch;
use crate::{compiler, runtime, writing};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai test policies/disk-space\n  ansai test policies/ --only full --format json\n  \
    ansai test policies/disk-space --update     update the expected results; review the difference\n  \
    ansai test policies/disk-space --watch      run again on every change, until Ctrl-C\n\n\
    A scenario is a TOML file in the directory `scenarios` beside the component: replies of a host, faults, and the\n\
    expected findings and plan."
)]
pub(crate) struct Arguments {
    /// Built policies: directories or components
    #[arg(value_name = "DIR", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Run only scenarios whose name contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Run this scenario instead of those beside the component; repeatable
    #[arg(long, value_name = "FILE")]
    scenario: Vec<PathBuf>,
    /// Update the expected results of failing scenarios; everything else in the files stays, including comments
    #[arg(long)]
    update: bool,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run again whenever the component or a scenario changes
    #[arg(long, conflicts_with = "update")]
    watch: bool,
    /// Run guest code in this process, or in a worker process as ansai does on a host; the results are the same
    #[arg(long, value_name = "WHERE", default_value = THREAD, value_parser = [THREAD, PROCESS])]
    isolation: String,
}

const THREAD: &str = "thread";
const PROCESS: &str = "process";

/// A scenario and its result.
struct Done {
    policy: String,
    tested: Tested,
    updated: bool,
}

impl Done {
    fn is_fine(&self) -> bool {
        self.updated || self.tested.passed()
    }
}

/// All scenarios and their results.
struct Results {
    done: Vec<Done>,
    took: Duration,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = ansai_host_functions::builtin();
    let engine = compiler::engine(registry.clone())?;
    if !arguments.watch {
        return once(arguments, global, &engine, &registry);
    }
    let is_ours = |path: &Path| path.extension().is_some_and(|extension| extension == "wasm" || extension == "toml");
    runtime::block_on(async {
        let roots = arguments.paths.iter().chain(&arguments.scenario).cloned().collect();
        let mut watch = Watch::new(roots, is_ours);
        loop {
            if let Err(error) = once(arguments, global, &engine, &registry) {
                match exit::fault(&error) {
                    Some(fault) => output::fault(&fault),
                    None => return Err(error),
                }
            }
            output::tell("watching for changes; press Ctrl-C to stop");
            for path in watch.wait().await {
                output::tell(&format!("changed: {}", ansai_core::text::inert(&path.display().to_string(), 300)));
            }
        }
    })?
}

fn once(arguments: &Arguments, global: &Global, engine: &Engine, registry: &Registry) -> anyhow::Result<u8> {
    let results = all(arguments, global, engine, registry)?;
    if results.done.is_empty() {
        return Err(Fault::usage(codes::NO_SCENARIO, "no scenarios found")
            .hint("write one in the directory `scenarios` beside the component, or pass --scenario FILE")
            .into());
    }
    if let Some(path) = &arguments.junit {
        writing::replace(path, &junit::document(&results))?;
    }
    match global.format {
        Format::Json => json::document(&show::document(&results))?,
        Format::Text => output::say(&show::summary(&results))?,
    }
    Ok(if results.done.iter().all(Done::is_fine) { ansai_core::exit::FINE } else { ansai_core::exit::OTHER })
}

fn all(arguments: &Arguments, global: &Global, engine: &Engine, registry: &Registry) -> anyhow::Result<Results> {
    let began = Instant::now();
    let mut done = Vec::new();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for source in sources::find(&arguments.paths)? {
        let path = match source {
            Source::Component(path) => path,
            Source::OnlySources(dir) => return Err(ansai_daemon::Error::from(SourceError::OnlySources(dir)).into()),
        };
        fresh(&path)?;
        // Workers belong to the one thread that uses them.
        let workers = (arguments.isolation == PROCESS).then(|| Workers::new(WorkerProgram::this_program()));
        let threads = if workers.is_some() { 1 } else { threads };
        let subject = subject_in(workers.as_ref(), &path, engine, registry)?;
        let files = files(arguments, &path, &subject)?;
        let mut said: anyhow::Result<()> = Ok(());
        scenario::run_all(&subject, &files, threads, |tested| {
            if said.is_ok() {
                said = finished(arguments, global, &subject, tested).map(|one| done.push(one));
            }
        })?;
        said?;
    }
    Ok(Results { done, took: began.elapsed() })
}

/// Refuses a component that was built from other sources than those beside it: a test of it says nothing about them.
fn fresh(component: &Path) -> Result<(), Fault> {
    if !is_stale(component, &sources::read(component)?) {
        return Ok(());
    }
    let dir = component.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let message = format!("{} was built from other sources than those beside it", component.display());
    Err(Fault::usage(codes::STALE_BUILD, message).hint(format!(
        "run `ansai build {0}`, or `ansai dev {0}`, which builds and tests on every change",
        dir.display()
    )))
}

/// A component that is ready to be tested.
pub(super) fn subject(path: &Path, engine: &Engine, registry: &Registry) -> Result<Subject, Fault> {
    subject_in(None, path, engine, registry)
}

/// The same, whose guest code runs in these workers.
fn subject_in(
    workers: Option<&Arc<Workers>>,
    path: &Path,
    engine: &Engine,
    registry: &Registry,
) -> Result<Subject, Fault> {
    let component = Component::read(path, &registry.interfaces())?;
    let policy = component.compile(engine, workers.map(|workers| (workers, TrustLevel::Operator)))?;
    Ok(Subject::new(policy, component.manifest, Arc::unwrap_or_clone(component.schema), registry.clone()))
}

fn files(arguments: &Arguments, component: &Path, subject: &Subject) -> Result<Vec<PathBuf>, Fault> {
    let mut files = arguments.scenario.clone();
    if files.is_empty() {
        files = sources::scenarios(&component.parent().unwrap_or(Path::new(".")).join("scenarios"))?;
    }
    if let Some(only) = &arguments.only {
        files.retain(|file| scenario::name(subject, file).contains(only.as_str()));
    }
    Ok(files)
}

/// Updates the scenario with `--update`, and prints the result.
fn finished(arguments: &Arguments, global: &Global, subject: &Subject, tested: Tested) -> anyhow::Result<Done> {
    let text = if arguments.update { tested.updated() } else { None };
    if let Some(text) = &text {
        writing::replace(&tested.file, text)?;
    }
    let done = Done { policy: subject.name().to_owned(), tested, updated: text.is_some() };
    if global.format == Format::Text {
        output::say(&show::one(&done))?;
    }
    Ok(done)
}
