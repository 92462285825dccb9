//! `ansai simulate`: a configuration in virtual time, on a simulated host.

mod show;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ansai_config::Faults;
use ansai_core::{Event, Millis, Timestamp, codes, exit};
use ansai_daemon::configuration::ConfigurationError;
use ansai_daemon::load::{self, LoadRequest, LoadedInstance};
use ansai_daemon::simulate::{Simulation, faults_of, simulate, usual_faults};
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
    ansai simulate --approve-after 10m                       a person approves each plan after ten minutes\n  \
    ansai simulate --days 90 --seed 2 --format json          other faults, one JSON document\n\n\
    Schedules, incidents, attempts, windows, approvals and budgets are the real ones. The host is simulated: no policy\n\
    runs, no probe reads this machine, no step changes it. A step takes no time, and whether it helps is chance. The\n\
    month begins on Monday, 2026-01-05, and the same seed has the same result.")]
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
        ceiling: ansai_core::Mode::Enforce,
        engine: &engine,
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
    let faults = faults(arguments.faults.as_deref(), &loading.ready)?;
    let simulation = Simulation {
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
        Format::Text => show::text(&summary, &seen.lines, seen.more, arguments.days)?,
        Format::Json => show::json(&summary, &seen.lines, seen.more)?,
    }
    Ok(match loading.not_loaded.is_empty() {
        true => exit::FINE,
        false => worst(loading.not_loaded.iter().map(|one| one.error.exit_code())),
    })
}

fn faults(file: Option<&Path>, instances: &[LoadedInstance]) -> anyhow::Result<Vec<Fault>> {
    let names: Vec<_> = instances.iter().map(|one| &one.instance.name).collect();
    let Some(file) = file else { return Ok(usual_faults(names)) };
    let faults = Faults::load(file, &names)
        .map_err(|problems| ProgramFault::invalid(format!("{} is invalid", file.display()), problems))?;
    Ok(faults_of(&faults.0))
}

/// A directory that is gone afterwards: in memory if possible, because nothing in it has to outlive the simulation.
fn scratch() -> anyhow::Result<tempfile::TempDir> {
    let in_memory = tempfile::Builder::new().prefix("ansai-simulate-").tempdir_in("/dev/shm");
    Ok(in_memory.or_else(|_| tempfile::Builder::new().prefix("ansai-simulate-").tempdir())?)
}
