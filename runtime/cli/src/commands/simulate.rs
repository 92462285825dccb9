//! `ansai simulate`: a configuration in virtual time, on a simulated host.

mod show;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ansai_config::Faults;
use ansai_core::{Event, InstanceName, Millis, Timestamp, codes, exit};
use ansai_daemon::Configuration;
use ansai_daemon::configuration::ConfigurationError;
use ansai_daemon::load::{self, LoadRequest};
use ansai_daemon::simulate::{BEGINS, Recorded, Simulation, faults_of, recorded_faults, simulate, usual_faults};
use ansai_supervisor::simulation::Fault;
use clap::Args;

use self::show::Line;
use crate::asking::duration;
use crate::compiler;
use crate::exit::{Fault as ProgramFault, worst};
use crate::global::{Format, Global};
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai simulate --config ansai.toml                       a month with made-up faults\n  \
    ansai simulate --config ansai.toml --faults faults.toml --days 7\n                                                           \
    a week with the faults of a file\n  \
    ansai simulate --recorded                                what this host really had in the last 30 days\n  \
    ansai simulate --approve-after 10m                       a person approves each plan after ten minutes\n  \
    ansai simulate --days 90 --seed 2 --format json          other faults, one JSON document\n\n\
    Schedules, incidents, attempts, windows, approvals and budgets are the real ones. The host is simulated: no policy\n\
    runs, no probe reads this machine, no step changes it. A step takes no time, and whether it helps is chance. The\n\
    month begins on Monday, 2026-01-05, and the same seed has the same result.\n\n\
    With --recorded, the simulation begins at midnight UTC of the day of the first incident. An incident that ansai\n\
    healed lasts until the first step. No step helps against the others: one that went away without ansai lasts as\n\
    long as it did, one that is open lasts until the end. At most the latest 1,000 incidents are simulated.")]
pub(crate) struct Arguments {
    /// How many days, at most 3660
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_660))]
    days: u64,
    /// Number that faults and the success of steps follow from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// File of faults in TOML [default: three faults for each instance]
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Simulate the incidents of this host, from its state directory: those of the last days of UTC, today included
    #[arg(long, conflicts_with = "faults")]
    recorded: bool,
    /// A person approves each plan after so long [default: nobody approves anything]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    approve_after: Option<Millis>,
    /// How many events to show at most; 0 for none
    #[arg(long, value_name = "N", default_value_t = 100)]
    events: usize,
}

/// What is kept to be shown.
#[derive(Default)]
struct Seen {
    lines: Vec<Line>,
    more: u64,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = ansai_host_functions::builtin();
    let interfaces = registry.interfaces();
    let configuration = global.configuration(&interfaces)?;
    let Some(configuration) = configuration else {
        let hint = "pass --config FILE; `ansai init` writes a configuration for this host";
        let fault = ProgramFault::usage(codes::NEEDS_CONFIGURATION, "a simulation needs a configuration").hint(hint);
        return Err(fault.into());
    };
    let engine = compiler::engine(registry.clone())?;
    let loading = load::load(&LoadRequest {
        found: &[],
        configuration: Some(&configuration),
        share: &global.share(),
        pulled: &global.pulled(),
        ceiling: ansai_core::Mode::Enforce,
        engine: &engine,
        workers: None,
        interfaces: &interfaces,
    });
    for one in &loading.not_loaded {
        output::fault(&ProgramFault::from(&one.error));
    }
    if loading.ready.is_empty() {
        if loading.not_loaded.is_empty() {
            return Err(ansai_daemon::Error::from(ConfigurationError::NoInstance).into());
        }
        return Ok(worst(loading.not_loaded.iter().map(|one| one.error.exit_code())));
    }
    let names: Vec<_> = loading.ready.iter().map(|one| &one.instance.name).collect();
    let (faults, begins, recorded) = match arguments.recorded {
        true => {
            let Recorded { faults, begins, counts } = recorded(global, &configuration, arguments.days, &names)?;
            (faults, begins, Some(counts))
        }
        false => (faults(arguments.faults.as_deref(), &names)?, BEGINS, None),
    };
    let simulation = Simulation {
        begins,
        time: Millis::from_hours(24 * arguments.days),
        seed: arguments.seed,
        approve_after: arguments.approve_after,
    };
    let (seen, most) = (Arc::new(Mutex::new(Seen::default())), arguments.events);
    let seeing = seen.clone();
    let see = move |at: Timestamp, event: &Event| {
        if let Some(line) = show::line(at, event) {
            let mut seen = seeing.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.lines.len() < most { seen.lines.push(line) } else { seen.more += 1 }
        }
    };
    let state = scratch()?;
    let summary = simulate(&loading.ready, &registry, faults, &simulation, &configuration, state.path(), see)?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    match global.format {
        Format::Text => show::text(&summary, &seen.lines, seen.more, arguments.days, recorded)?,
        Format::Json => show::json(&summary, &seen.lines, seen.more, recorded)?,
    }
    Ok(match loading.not_loaded.is_empty() {
        true => exit::FINE,
        false => worst(loading.not_loaded.iter().map(|one| one.error.exit_code())),
    })
}

/// The incidents of this host. A daemon may run meanwhile.
fn recorded(
    global: &Global,
    configuration: &Configuration,
    days: u64,
    names: &[&InstanceName],
) -> anyhow::Result<Recorded> {
    let state_dir = global.state_dir(Some(configuration))?;
    let found = recorded_faults(&state_dir, days, names)?;
    Ok(found.ok_or_else(|| {
        let message = format!("{} has no incidents: no ansai has run with it", state_dir.display());
        let hint = "start ansai with `ansai run`, or name its state directory with --state-dir";
        ProgramFault::other(codes::NOT_RUNNING, message).hint(hint)
    })?)
}

fn faults(file: Option<&Path>, names: &[&InstanceName]) -> anyhow::Result<Vec<Fault>> {
    let Some(file) = file else { return Ok(usual_faults(names.iter().copied())) };
    let faults = Faults::load(file, names)
        .map_err(|problems| ProgramFault::invalid(format!("{} is invalid", file.display()), problems))?;
    Ok(faults_of(&faults.0))
}

/// A directory that is gone afterwards: in memory if possible, because nothing in it has to outlive the simulation.
fn scratch() -> anyhow::Result<tempfile::TempDir> {
    let in_memory = tempfile::Builder::new().prefix("ansai-simulate-").tempdir_in("/dev/shm");
    Ok(in_memory.or_else(|_| tempfile::Builder::new().prefix("ansai-simulate-").tempdir())?)
}
