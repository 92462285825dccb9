//! `ansai run`: keeps this host healthy.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_core::{Mode, codes, exit};
use ansai_daemon::{Daemon, Running, Warning};
use ansai_supervisor::{InstanceReport, Notice, clock, report};
use clap::{Args, ValueEnum};

use crate::exit::{Fault, worst};
use crate::global::{Format, Global};
use crate::output::progress::Progress;
use crate::output::report::{Circumstances, NotLoaded, RunReport};
use crate::output::{self, colour, json, notices, table, terminal, time};
use crate::signals::Signals;
use crate::{compiler, logging, runtime};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai run --once                           check once with the built-in policies, change nothing\n  \
    ansai run policies/ --once                 check once with the policies of a directory\n  \
    ansai run --config /etc/ansai/ansai.toml   run the configured policies until stopped\n  \
    ansai run --once --format json             print one JSON document\n\n\
    Without a configuration, policies only observe, and see only sizes, counts and names.\n\
    The first SIGINT or SIGTERM stops ansai in order; the second one stops it immediately.")]
pub(crate) struct Arguments {
    /// Policies: components, directories with a component, directories of such directories, or `builtin:NAME`
    /// [default: those of the configuration; without one, all built-in policies]
    #[arg(value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Evaluate every policy once, print a report, and exit
    #[arg(long)]
    once: bool,
    /// Highest mode: `observe` changes nothing, even if the configuration enforces [default: the modes of the
    /// configuration; without one, observe]
    #[arg(long, value_enum, value_name = "MODE")]
    mode: Option<Ceiling>,
}

/// [`Mode`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ceiling {
    /// Change nothing.
    Observe,
    /// Apply plans where the configuration allows it.
    Enforce,
}

impl From<Ceiling> for Mode {
    fn from(ceiling: Ceiling) -> Mode {
        match ceiling {
            Ceiling::Observe => Mode::Observe,
            Ceiling::Enforce => Mode::Enforce,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = global.configuration(&interfaces)?;
    logging::start(global.verbose, configuration.as_ref().and_then(|c| c.config.daemon.log.as_deref()))?;
    let daemon = Daemon::builder(compiler::compiler())
        .paths(arguments.paths.clone())
        .share(global.share())
        .configuration(configuration)
        .ceiling(arguments.mode.map(Mode::from))
        .state_dir(global.state_dir.clone())
        .load()?;
    tell(&daemon);
    if daemon.instances().is_empty() && !daemon.not_loaded().is_empty() {
        return Ok(worst(daemon.not_loaded().iter().map(|one| one.error.exit_code())));
    }
    runtime::block_on(async {
        let latest = Arc::new(Mutex::new(String::new()));
        let signals = Signals::catch()?;
        let running = daemon.open(if arguments.once { remember(latest.clone()) } else { print(global.format) })?;
        let watching = tokio::spawn(signals.watch(running.clone()));
        let code = if arguments.once {
            let reports = with_progress(&running, &latest, global.format).await;
            once(&daemon, reports, &running, global.format)
        } else {
            running.run().await;
            Ok(exit::FINE)
        };
        watching.abort();
        code
    })?
}

fn tell(daemon: &Daemon) {
    for warning in daemon.warnings() {
        output::warning(warning);
    }
    for name in daemon.not_configured() {
        output::warning(&Warning::new(
            codes::NOT_CONFIGURED,
            format!("{name} is not in the configuration; it does not run"),
        ));
    }
    for one in daemon.not_loaded() {
        output::fault(&Fault::from(&one.error));
    }
}

type OnNotice = Arc<dyn Fn(Notice) + Send + Sync>;

/// Remembers the latest, for the progress line.
fn remember(latest: Arc<Mutex<String>>) -> OnNotice {
    Arc::new(move |notice| *latest.lock().unwrap_or_else(PoisonError::into_inner) = notices::line(&notice))
}

/// Prints each as it comes. A reader that is gone does not stop the daemon.
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

async fn with_progress(running: &Running, latest: &Mutex<String>, format: Format) -> Vec<InstanceReport> {
    const DRAW: Duration = Duration::from_secs(1);
    let mut progress = Progress::new(format == Format::Text);
    let began = tokio::time::Instant::now();
    let pass = running.run_once();
    tokio::pin!(pass);
    loop {
        match tokio::time::timeout(DRAW, &mut pass).await {
            Ok(reports) => return reports,
            Err(_) => {
                let latest = latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
                progress.show(&format!("checking for {} s … {latest}", began.elapsed().as_secs()));
            }
        }
    }
}

fn once(daemon: &Daemon, reports: Vec<InstanceReport>, running: &Running, format: Format) -> anyhow::Result<u8> {
    let not_loaded: Vec<NotLoaded> = daemon.not_loaded().iter().map(NotLoaded::from).collect();
    let code = worst(not_loaded.iter().map(|one| one.exit_code).chain([report::exit_code(&reports)]));
    for instance in &reports {
        for (level, line) in &instance.log {
            tracing::info!(instance = %instance.instance, "{level}: {}", ansai_core::text::inert(line, 1_000));
        }
    }
    let circumstances = Circumstances {
        at: clock::now(),
        mode: daemon.mode(),
        state_dir: daemon.state_dir().display().to_string(),
        not_configured: daemon.not_configured().to_vec(),
        warnings: daemon.warnings().iter().map(|warning| warning.message.clone()).collect(),
        audit_head: running.head().to_string(),
        exit_code: code,
    };
    let report = RunReport::new(reports, not_loaded, circumstances);
    match format {
        Format::Json => json::document(&report)?,
        Format::Text => output::say_last(&table::render(&report, terminal::stdout_width(), colour::on_stdout()))?,
    }
    Ok(code)
}
