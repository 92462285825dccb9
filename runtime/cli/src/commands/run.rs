//! `ansai run`: looks after this host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_core::{Mode, codes, exit};
use ansai_supervisor::authority::{Authority, Fixed};
use ansai_supervisor::{Instance, InstanceReport, Notice, OpenError, Options, Supervisor, clock, report};
use clap::{Args, ValueEnum};

use crate::arguments::{Format, Global};
use crate::authority::FromFile;
use crate::configuration::Configuration;
use crate::exit::{Fault, Warning, worst};
use crate::load::{self, Asked, Loading, Ready};
use crate::output::progress::Progress;
use crate::output::report::{Circumstances, NotLoaded, RunReport};
use crate::output::{self, colour, json, notices, table, terminal, time};
use crate::signals::Signals;
use crate::{host, logging, runtime, sources, state};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai run policies/ --once                 look once, change nothing, print what was found\n  \
    ansai run --config /etc/ansai.toml         run the configured policies until stopped\n  \
    ansai run policies/ --once --format json   the same as one JSON document\n\n\
    Without a configuration every policy found only observes, and sees no more than sizes, counts and names.\n\
    SIGINT or SIGTERM asks for an orderly end; a second one ends at once.")]
pub(crate) struct Arguments {
    /// Policies: a component, a directory with one, or a directory of such directories
    #[arg(value_name = "DIR", required_unless_present = "config")]
    paths: Vec<PathBuf>,
    /// Evaluate every policy once, print what was found and done, and end
    #[arg(long)]
    once: bool,
    /// What this run may do at most: `observe` changes nothing whatever the configuration says
    #[arg(long, value_enum, value_name = "MODE")]
    mode: Option<Ceiling>,
}

/// [`Mode`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ceiling {
    /// Everything runs but nothing is changed.
    Observe,
    /// Plans are applied where the configuration says so.
    Enforce,
}

/// All that a run is made of.
struct Run {
    state_dir: PathBuf,
    mode: Mode,
    format: Format,
    loading: Loading,
    warnings: Vec<Warning>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = ansai_host_functions::builtin();
    let interfaces = registry.interfaces();
    let configuration = Configuration::maybe(global.config.as_deref(), &interfaces)?;
    logging::start(global.verbose, configuration.as_ref().and_then(|c| c.config.daemon.log.as_deref()))?;
    let ceiling = ceiling(arguments.mode, configuration.is_some())?;
    let mut warnings = Vec::new();
    if let Some(configuration) = &configuration {
        warnings.extend(Warning::of(&configuration.config.warnings));
        warnings.extend(configuration.check_trust(ceiling)?);
    }
    // Before anything is made: a wrong path leaves no trace.
    sources::find(&arguments.paths)?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    state::make(&state_dir)?;
    let engine = host::engine(registry.clone(), Some(&state_dir))?;
    let asked = Asked {
        paths: &arguments.paths,
        configuration: configuration.as_ref(),
        ceiling,
        engine: &engine,
        interfaces: &interfaces,
    };
    let mut loading = load::load(&asked)?;
    warnings.append(&mut loading.warnings);
    tell(&loading, &warnings);
    let ready = std::mem::take(&mut loading.ready);
    if ready.is_empty() {
        let failed = worst(loading.unloaded.iter().map(|one| one.fault.exit));
        if failed == exit::FINE {
            return Err(Fault::usage(codes::NOT_CONFIGURED, "the configuration names no policy")
                .hint("add [policy.NAME]")
                .into());
        }
        return Ok(failed);
    }
    let mode = ready.iter().map(|one| one.force.mode).max().unwrap_or_default();
    let export = configuration.as_ref().and_then(|c| c.config.export.clone());
    let authority = authority(configuration, interfaces, ceiling, &ready);
    let instances: Vec<Instance> = ready.into_iter().map(|one| one.loaded).collect();
    let shared = host::shared(registry, &state_dir);
    let run = Run { state_dir, mode, format: global.format, loading, warnings };
    runtime::block_on(async {
        let latest = Arc::new(Mutex::new(String::new()));
        let options = Options {
            state_dir: run.state_dir.clone(),
            mode,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            notice: if arguments.once { remember(latest.clone()) } else { print(global.format) },
        };
        let signals = Signals::catch()?;
        let supervisor = Supervisor::open(options, shared, authority, instances)
            .map_err(|error| cannot_open(&error, &run.state_dir))?;
        for one in &run.loading.unloaded {
            supervisor.note_not_loaded(&one.name, one.fault.code.word(), &one.fault.message);
        }
        if let Some(export) = export {
            supervisor.export_heads(export);
        }
        let watching = tokio::spawn(signals.watch(supervisor.clone()));
        let code = if arguments.once {
            let reports = with_progress(&supervisor, &latest, run.format).await;
            once(&run, reports, &supervisor)
        } else {
            supervisor.run().await;
            Ok(exit::FINE)
        };
        watching.abort();
        code
    })?
}

/// The highest mode that any instance may have.
fn ceiling(asked: Option<Ceiling>, configured: bool) -> Result<Mode, Fault> {
    match (asked, configured) {
        (Some(Ceiling::Enforce), false) => {
            Err(Fault::usage(codes::NEEDS_CONFIGURATION, "--mode enforce needs a configuration").hint(
                "say --config FILE: it says which policy may do what; `ansai check --suggest-grants DIR` begins one",
            ))
        }
        (Some(Ceiling::Observe), _) | (None, false) => Ok(Mode::Observe),
        (Some(Ceiling::Enforce) | None, true) => Ok(Mode::Enforce),
    }
}

fn tell(loading: &Loading, warnings: &[Warning]) {
    for warning in warnings {
        output::warning(warning);
    }
    for name in &loading.not_configured {
        output::warning(&Warning::new(codes::NOT_CONFIGURED, format!("{name}: not configured, not run")));
    }
    for unloaded in &loading.unloaded {
        output::fault(&unloaded.fault);
    }
}

fn authority(
    configuration: Option<Configuration>,
    interfaces: Vec<ansai_core::Interface>,
    ceiling: Mode,
    ready: &[Ready],
) -> Arc<dyn Authority> {
    match configuration {
        Some(configuration) => {
            let manifests: BTreeMap<_, _> =
                ready.iter().map(|one| (one.loaded.name.to_string(), one.component.manifest.clone())).collect();
            Arc::new(FromFile::new(configuration, interfaces, ceiling, manifests))
        }
        None => Arc::new(Fixed::new(ready.iter().map(|one| (one.loaded.name.to_string(), one.force.clone())))),
    }
}

/// Why the state cannot be used, as every command that writes it says it.
pub(crate) fn cannot_open(error: &OpenError, state_dir: &Path) -> Fault {
    let in_use = matches!(
        error,
        OpenError::Audit(ansai_audit::OpenError::InUse(_))
            | OpenError::Recordings(ansai_audit::RecordingsError::InUse(_))
    );
    if in_use {
        return Fault::other(codes::IN_USE, format!("another ansai uses {}", state_dir.display()))
            .hint("stop it, or say --state-dir DIR with another directory");
    }
    let refused = match error {
        OpenError::Head(error) => error.is_refusal(),
        error => matches!(error, OpenError::Audit(ansai_audit::OpenError::Corrupt { .. })),
    };
    let (exit, code) = match (refused, error) {
        (true, OpenError::Head(_)) => (exit::REFUSED, codes::HEAD_KEY),
        (true, _) => (exit::REFUSED, codes::AUDIT_TAMPERED),
        (false, _) => (exit::OTHER, codes::STATE_DIRECTORY),
    };
    Fault::new(exit, code, format!("{}: {error}", state_dir.display())).maybe_hint(error.hint())
}

type OnNotice = Arc<dyn Fn(Notice) + Send + Sync>;

/// The latest, for the line that says what goes on.
fn remember(latest: Arc<Mutex<String>>) -> OnNotice {
    Arc::new(move |notice| *latest.lock().unwrap_or_else(PoisonError::into_inner) = notices::line(&notice))
}

/// Each as it comes. That nobody reads any more does not stop the daemon.
fn print(format: Format) -> OnNotice {
    Arc::new(move |notice| {
        let now = clock::now();
        let printed = match format {
            Format::Text => {
                let at = colour::paint(colour::FAINT, &time::local(now));
                output::say(&format!("{at}  {}\n", notices::line(&notice))).map_err(anyhow::Error::from)
            }
            Format::Json => json::line(&At { at: time::rfc3339(now), notice }),
        };
        if let Err(error) = printed {
            tracing::debug!("standard output: {error}");
        }
    })
}

/// A notice with its time.
#[derive(serde::Serialize)]
struct At {
    at: String,
    #[serde(flatten)]
    notice: Notice,
}

async fn with_progress(supervisor: &Supervisor, latest: &Mutex<String>, format: Format) -> Vec<InstanceReport> {
    const DRAW: Duration = Duration::from_secs(1);
    let mut progress = Progress::new(format == Format::Text);
    let began = tokio::time::Instant::now();
    let pass = supervisor.run_once();
    tokio::pin!(pass);
    loop {
        match tokio::time::timeout(DRAW, &mut pass).await {
            Ok(reports) => return reports,
            Err(_) => {
                let latest = latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
                progress.show(&format!("looking for {} s … {latest}", began.elapsed().as_secs()));
            }
        }
    }
}

fn once(run: &Run, reports: Vec<InstanceReport>, supervisor: &Supervisor) -> anyhow::Result<u8> {
    let not_loaded: Vec<NotLoaded> = run.loading.unloaded.iter().map(NotLoaded::from).collect();
    let code = worst(not_loaded.iter().map(|one| one.exit_code).chain([report::exit_code(&reports)]));
    for instance in &reports {
        for (level, line) in &instance.log {
            tracing::info!(instance = %instance.instance, "{level}: {}", ansai_core::text::inert(line, 1_000));
        }
    }
    let circumstances = Circumstances {
        at: clock::now(),
        mode: run.mode,
        state_dir: run.state_dir.display().to_string(),
        not_configured: run.loading.not_configured.clone(),
        warnings: run.warnings.iter().map(|warning| warning.message.clone()).collect(),
        audit_head: supervisor.head().to_string(),
        exit_code: code,
    };
    let report = RunReport::new(reports, not_loaded, circumstances);
    match run.format {
        Format::Json => json::document(&report)?,
        Format::Text => output::say_last(&table::render(&report, terminal::stdout_width(), colour::on_stdout()))?,
    }
    Ok(code)
}
