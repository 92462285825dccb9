//! `ansai run`: keeps this host healthy.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ansai_core::{Event, Mode, Timestamp, codes, exit};
use ansai_daemon::{Configuration, Daemon, Running, Share, Warning};
use ansai_engine::isolated::{WorkerProgram, Workers};
use ansai_events::{Item, Published, Stream, Subscriber, Subscription};
use ansai_supervisor::{InstanceReport, clock};
use clap::{Args, ValueEnum};

use crate::exit::{Fault, worst};
use crate::global::{Format, Global};
use crate::output::details::{self, Layout};
use crate::output::progress::Progress;
use crate::output::report::{Circumstances, NotLoaded, RunReport};
use crate::output::unknown::Unknowns;
use crate::output::{self, colour, events, json, phrases, table, terminal, time};
use crate::reload::Load;
use crate::service_manager::event_log::EventLog;
use crate::service_manager::{ServiceManager, journal};
use crate::signals::Signals;
use crate::{compiler, logging, reload, runtime};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai run --once                           check once as configured, or with the built-in policies\n  \
    ansai run policies/ --once                 check once with the policies of a directory\n  \
    ansai run                                  run the configured policies until stopped\n  \
    ansai run --once --quiet                   for cron: print what needs attention, once a day or when it changes\n  \
    ansai run --once --format json             print one JSON document\n\n\
    Without a configuration, policies only observe, and see only sizes, counts and names.\n\
    The first SIGINT or SIGTERM stops ansai in order; the second one stops it immediately. SIGHUP makes the daemon\n\
    read the whole configuration again. While the file is invalid, the daemon observes with the last valid one, and\n\
    changes nothing.")]
pub(crate) struct Arguments {
    /// Policies: components, directories with a component, directories of such directories, or `builtin:NAME`
    /// [default: those of the configuration; without one, all built-in policies, which then only observe]
    #[arg(value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Evaluate every policy once, print a report, and exit
    #[arg(long)]
    once: bool,
    /// Print nothing, not even warnings, while everything is healthy or the same trouble was printed within a day; for
    /// cron
    #[arg(short, long, requires = "once")]
    quiet: bool,
    /// Highest mode: `observe` changes nothing, `approve` only what a person has approved, even if the configuration
    /// enforces [default: the modes of the
    /// configuration; without one, observe]
    #[arg(long, value_enum, value_name = "MODE")]
    mode: Option<Ceiling>,
    /// Accept the time of day, although it jumped; without this, ansai waits until it is synchronized, or for 24 hours
    #[arg(long)]
    accept_clock: bool,
    /// Run only components pinned by a digest, in `ansai.lock` or with `sha256`
    #[arg(long)]
    locked: bool,
}

/// Events that wait for the terminal, which is told how many more it missed.
const WAITING_EVENTS: usize = 4_096;
/// How long a slow terminal may take for the last lines.
const LAST_LINES: Duration = Duration::from_secs(2);

/// [`Mode`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ceiling {
    /// Change nothing.
    Observe,
    /// Apply plans that a person has approved.
    Approve,
    /// Apply plans where the configuration allows it.
    Enforce,
}

impl From<Ceiling> for Mode {
    fn from(ceiling: Ceiling) -> Mode {
        match ceiling {
            Ceiling::Observe => Mode::Observe,
            Ceiling::Approve => Mode::Approve,
            Ceiling::Enforce => Mode::Enforce,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    ansai_isolation::at_rest::share_heap();
    let source = Source {
        paths: arguments.paths.clone(),
        ceiling: arguments.mode.map(Mode::from),
        share: global.share(),
        state_dir: global.state_dir.clone(),
        config: global.config_path_beside(&arguments.paths),
        accept_clock: AtomicBool::new(arguments.accept_clock),
        is_locked: arguments.locked,
        with_shadows: !arguments.once,
    };
    let configuration = source.configuration()?;
    logging::start(global.verbose, configuration.as_ref().and_then(|c| c.config.daemon.log.as_deref()))?;
    let daemon = source.load(configuration)?;
    tell(&daemon, arguments.quiet);
    if daemon.instances().is_empty() && !daemon.not_loaded().is_empty() {
        return Ok(worst(daemon.not_loaded().iter().map(|one| one.error.exit_code())));
    }
    runtime::block_on(async {
        let stream = Stream::new();
        if arguments.once {
            return pass(&daemon, stream, global, arguments.quiet).await;
        }
        let printing = print(&stream, global.format)?;
        let manager = ServiceManager::of_environment();
        let _noticing = manager.notice(&stream)?;
        let mut signals = Signals::catch()?;
        let load: Load = Arc::new(move || Ok(source.load(source.configuration()?)?));
        reload::run(daemon, &load, |daemon| tell(daemon, false), &stream, (&mut signals, &manager)).await?;
        if !printing.finish(LAST_LINES) {
            tracing::warn!("standard output is blocked: the last events are not printed, the audit log has them");
        }
        Ok(exit::FINE)
    })?
}

/// What the daemon is loaded from.
struct Source {
    paths: Vec<PathBuf>,
    ceiling: Option<Mode>,
    share: Share,
    state_dir: Option<PathBuf>,
    config: Option<PathBuf>,
    /// Only once: the clock may jump again before the configuration is read again.
    accept_clock: AtomicBool,
    is_locked: bool,
    /// A single pass compares nothing.
    with_shadows: bool,
}

impl Source {
    fn configuration(&self) -> Result<Option<Configuration>, ansai_daemon::Error> {
        Configuration::maybe(self.config.as_deref(), &ansai_host_functions::builtin().interfaces())
    }

    fn load(&self, configuration: Option<Configuration>) -> Result<Daemon, ansai_daemon::Error> {
        Daemon::builder(compiler::compiler())
            .paths(self.paths.clone())
            .share(self.share.clone())
            .configuration(configuration)
            .ceiling(self.ceiling)
            .state_dir(self.state_dir.clone())
            .locked(self.is_locked)
            .shadows(self.with_shadows)
            .workers(Workers::new(WorkerProgram::this_program()))
            .accept_clock(self.accept_clock.swap(false, Ordering::Relaxed))
            .load()
    }
}

/// One pass, and its report.
async fn pass(daemon: &Daemon, stream: Stream, global: &Global, quiet: bool) -> anyhow::Result<u8> {
    let signals = Signals::catch()?;
    let running = daemon.open(stream.clone())?;
    if let Some(jump_ms) = running.clock_doubt() {
        let jumped = phrases::clock_jumped(jump_ms);
        let waits = "no plan is applied and no quarantine expires until the clock is synchronized, or for 24 hours";
        output::warning(&Warning::new(codes::CLOCK_JUMPED, format!("{jumped}: {waits}")));
    }
    let watching = tokio::spawn(signals.watch(running.clone()));
    let latest = stream.subscribe("progress", WAITING_EVENTS);
    let reports = with_progress(&running, latest, global.format).await;
    let code = once(daemon, reports, &running, global, quiet);
    watching.abort();
    code
}

fn tell(daemon: &Daemon, quiet: bool) {
    let not_configured = daemon.not_configured().iter().map(|name| {
        Warning::new(codes::NOT_CONFIGURED, format!("{name} is not in the configuration; it does not run"))
    });
    for warning in daemon.warnings().iter().cloned().chain(not_configured).filter(|_| !quiet) {
        output::warning(&warning);
    }
    for one in daemon.not_loaded() {
        output::fault(&Fault::from(&one.error));
    }
}

/// Prints each event that is not part of every pass, as it comes, and what is unknown after a pass and was not before. How far a long step is gets one line on a terminal that
/// the next event replaces, and no line elsewhere. A terminal that is slow or gone holds nothing up.
fn print(stream: &Stream, format: Format) -> std::io::Result<Subscriber> {
    let (mut progress, mut unknowns) = (Progress::new(format == Format::Text), Unknowns::default());
    // Who asks for JSON gets JSON, also in the journal.
    let mut journal = journal::of_stdout().filter(|_| format == Format::Text).map(EventLog::new);
    stream.spawn("terminal", WAITING_EVENTS, move |item| {
        let printed = match (&item, format) {
            (Item::Event(published), _) if published.event.is_routine() => {
                let lines = unknowns.changed(&published.event);
                match format {
                    _ if lines.is_empty() => return,
                    Format::Text => {
                        progress.clear();
                        lines.iter().try_for_each(|line| show(&mut journal, published, line))
                    }
                    Format::Json => json::line(&Timed { time: time::rfc3339(published.at), published }),
                }
            }
            (Item::Event(published), Format::Text) if matches!(published.event, Event::Progress { .. }) => {
                progress.show(&events::line(&published.event));
                return;
            }
            (Item::Event(published), Format::Text) => {
                progress.clear();
                show(&mut journal, published, &lines_of(&published.event))
            }
            (Item::Event(published), Format::Json) => {
                json::line(&Timed { time: time::rfc3339(published.at), published })
            }
            (Item::Missed { count }, Format::Text) => {
                progress.clear();
                let line = events::missed(*count);
                match journal.as_ref().is_some_and(|journal| journal.line(&line)) {
                    true => Ok(()),
                    false => say(clock::now(), &line),
                }
            }
            (Item::Missed { count }, Format::Json) => json::line(&serde_json::json!({ "missed": count })),
        };
        if let Err(error) = printed {
            tracing::debug!("standard output: {error}");
        }
    })
}

/// The line of an event, and below it what a plan touches and why. Nothing is wrapped: logs are searched by line.
fn lines_of(event: &Event) -> String {
    let below = details::of_event(event, Layout { width: usize::MAX, all: false }, 2);
    format!("{}\n{below}", events::line(event)).trim_end().to_owned()
}

/// Writes to the journal if standard output is connected to it, else prints with the time.
fn show(journal: &mut Option<EventLog>, published: &Published, line: &str) -> anyhow::Result<()> {
    match journal.as_mut().is_some_and(|journal| journal.event(&published.event, line)) {
        true => Ok(()),
        false => say(published.at, line),
    }
}

fn say(at: Timestamp, line: &str) -> anyhow::Result<()> {
    let at = colour::paint(colour::FAINT, &time::local(at));
    Ok(output::say(&format!("{at}  {line}\n"))?)
}

/// An event with its time for people.
#[derive(serde::Serialize)]
struct Timed<'a> {
    time: String,
    #[serde(flatten)]
    published: &'a Published,
}

async fn with_progress(running: &Running, mut latest: Subscription, format: Format) -> Vec<InstanceReport> {
    const DRAW: Duration = Duration::from_secs(1);
    let mut progress = Progress::new(format == Format::Text);
    let (began, mut line) = (tokio::time::Instant::now(), String::new());
    let pass = running.run_once();
    tokio::pin!(pass);
    loop {
        if let Ok(reports) = tokio::time::timeout(DRAW, &mut pass).await {
            latest.close();
            return reports;
        }
        while let Some(item) = latest.try_next() {
            if let Item::Event(published) = item
                && !published.event.is_routine()
            {
                line = events::line(&published.event);
            }
        }
        progress.show(&format!("checking for {} s … {line}", began.elapsed().as_secs()));
    }
}

fn once(
    daemon: &Daemon,
    reports: Vec<InstanceReport>,
    running: &Running,
    global: &Global,
    quiet: bool,
) -> anyhow::Result<u8> {
    let (report, code) = report(daemon, reports, running);
    let layout = global.layout(terminal::stdout_width());
    match global.format {
        Format::Json if quiet && report.is_uneventful() => {}
        Format::Json => json::document(&report)?,
        Format::Text => output::say_last(&table::render(&report, layout, colour::on_stdout(), quiet))?,
    }
    Ok(code)
}

/// What a pass found, and its exit code.
pub(super) fn report(daemon: &Daemon, reports: Vec<InstanceReport>, running: &Running) -> (RunReport, u8) {
    let not_loaded: Vec<NotLoaded> = daemon.not_loaded().iter().map(NotLoaded::from).collect();
    let code = worst(not_loaded.iter().map(|one| one.exit_code).chain([ansai_supervisor::report::exit_code(&reports)]));
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
        pending: running.pending(),
        reach: daemon.reach().into_iter().map(|(instance, reach)| (instance.to_string(), reach)).collect(),
        audit_head: running.head().to_string(),
        exit_code: code,
    };
    (RunReport::new(reports, not_loaded, circumstances), code)
}
