//! `ansai run`: looks after this host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Instant, Mode, codes, exit};
use ansai_host_functions::registry::Registry;
use ansai_supervisor::authority::{Authority, Fixed};
use ansai_events::{Item, Published, Stream, Subscriber, Subscription};
use ansai_supervisor::{Instance, InstanceReport, OpenError, Options, Supervisor, clock, report};
use clap::{Args, ValueEnum};

use crate::arguments::{Format, Global};
use crate::authority::FromFile;
use crate::configuration::Configuration;
use crate::exit::{Fault, Warning, worst};
use crate::load::{self, Asked, Loading, Ready};
use crate::output::progress::Progress;
use crate::output::report::{Circumstances, NotLoaded, RunReport};
use crate::output::{self, colour, events, json, table, terminal, time};
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

/// Events that wait for the terminal; it is told how many more it missed.
const WAITING_EVENTS: usize = 4_096;
/// How long a slow terminal may take for the last lines.
const LAST_LINES: Duration = Duration::from_secs(2);

/// All that a run is made of.
struct Run {
    state_dir: PathBuf,
    mode: Mode,
    format: Format,
    loading: Loading,
    warnings: Vec<Warning>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = Registry::builtin();
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
        let stream = Stream::new();
        let printing = if arguments.once { None } else { Some(print(&stream, global.format)?) };
        let options = Options {
            state_dir: run.state_dir.clone(),
            mode,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            events: stream.clone(),
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
            let latest = stream.subscribe("progress", WAITING_EVENTS);
            let reports = with_progress(&supervisor, latest, run.format).await;
            once(&run, reports, &supervisor)
        } else {
            supervisor.run().await;
            if printing.is_some_and(|printing| !printing.finish(LAST_LINES)) {
                tracing::warn!("standard output is blocked: the last events are not printed, the audit log has them");
            }
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

/// Prints each event that is not part of every pass, as it comes. A terminal that is slow or gone holds nothing up.
fn print(stream: &Stream, format: Format) -> std::io::Result<Subscriber> {
    stream.spawn("terminal", WAITING_EVENTS, move |item| {
        let printed = match (&item, format) {
            (Item::Event(published), _) if published.event.is_routine() => return,
            (Item::Event(published), Format::Text) => say(published.at, &events::line(&published.event)),
            (Item::Event(published), Format::Json) => {
                json::line(&At { time: time::rfc3339(published.at), published: &**published })
            }
            (Item::Missed { count }, Format::Text) => say(clock::now(), &events::missed(*count)),
            (Item::Missed { count }, Format::Json) => json::line(&serde_json::json!({ "missed": count })),
        };
        if let Err(error) = printed {
            tracing::debug!("standard output: {error}");
        }
    })
}

fn say(at: Instant, line: &str) -> anyhow::Result<()> {
    let at = colour::paint(colour::FAINT, &time::local(at));
    Ok(output::say(&format!("{at}  {line}\n"))?)
}

/// An event with its time for people.
#[derive(serde::Serialize)]
struct At<'a> {
    time: String,
    #[serde(flatten)]
    published: &'a Published,
}

async fn with_progress(supervisor: &Supervisor, mut subscription: Subscription, format: Format) -> Vec<InstanceReport> {
    const DRAW: Duration = Duration::from_secs(1);
    let mut progress = Progress::new(format == Format::Text);
    let (began, mut latest) = (tokio::time::Instant::now(), String::new());
    let pass = supervisor.run_once();
    tokio::pin!(pass);
    loop {
        match tokio::time::timeout(DRAW, &mut pass).await {
            Ok(reports) => {
                subscription.close();
                return reports;
            }
            Err(_) => {
                while let Some(item) = subscription.try_next() {
                    match item {
                        Item::Event(published) if !published.event.is_routine() => {
                            latest = events::line(&published.event);
                        }
                        _ => {}
                    }
                }
                progress.show(&format!("checking for {} s … {latest}", began.elapsed().as_secs()));
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
