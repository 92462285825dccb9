//! `ansai replay`: the same answers must give the same findings and plans.

mod backtest;

use std::path::PathBuf;

use ansai_audit::RecordingId;
use ansai_core::{codes, exit, quantity};
use ansai_daemon::recorded::{Components, Recorded};
use ansai_daemon::{Configuration, state};
use ansai_engine::replay::{Replayed, replay};
use clap::Args;

use crate::arguments::{Format, Global};
use crate::exit::{Fault, worst};
use crate::output::{json, lines};
use crate::{compiler, runtime};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai replay ID --policies policies/\n  \
    ansai replay ID --with new.wasm       what would another version have done?\n  \
    ansai replay --all --policies policies/\n  \
    ansai replay --with new.wasm --since 7d   what would it have decided differently in a week?\n\n\
    A recording is replayed only when its hash is the one that the audit log holds.\n\
    With --since, calls are answered wherever the recording has them, and only decisions are compared: which findings\n\
    are how bad, and which steps are to be applied. A call that was not recorded cannot be answered: could not tell.\n\
    Exit code 0: identical; 4: different, or not the recording of the log; 5: could not be replayed.")]
pub(crate) struct Arguments {
    /// The recording, as `ansai recordings list` names it
    #[arg(required_unless_present_any = ["all", "since"], conflicts_with_all = ["all", "since"])]
    id: Option<RecordingId>,
    /// Every recording that is kept
    #[arg(long, conflicts_with = "since")]
    all: bool,
    /// Replay with this component, whichever was recorded
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Where components are looked for, besides the sources of the configuration
    #[arg(long, value_name = "DIR", num_args = 1..)]
    policies: Vec<PathBuf>,
    /// What --with would have decided differently in all evaluations that were recorded since, such as `7d`
    #[arg(long, value_name = "DURATION", requires = "with", value_parser = quantity::milliseconds)]
    since: Option<u64>,
    /// With --since, the evaluations of this instance; else of the one called as the component calls itself
    #[arg(long, value_name = "NAME", requires = "since")]
    instance: Vec<String>,
}

/// How one went.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Compared {
    Identical { fuel_compared: bool },
    Differs(String),
    Excluded,
    NotReplayed(String),
    Refused(String),
}

impl Compared {
    fn code(&self) -> u8 {
        match self {
            Compared::Identical { .. } => exit::FINE,
            Compared::Differs(_) | Compared::Refused(_) => exit::REFUSED,
            Compared::Excluded | Compared::NotReplayed(_) => exit::UNKNOWN,
        }
    }

    /// A word for programs, and the words for people.
    fn words(&self) -> (&'static str, String) {
        match self {
            Compared::Identical { fuel_compared: true } => ("identical", "identical, fuel too".to_owned()),
            Compared::Identical { fuel_compared: false } => {
                ("identical", "identical; fuel not compared: another component or engine".to_owned())
            }
            Compared::Differs(difference) => ("differs", format!("differs: {difference}")),
            Compared::Excluded => ("excluded", "ended by a deadline: when depends on the machine".to_owned()),
            Compared::NotReplayed(why) => ("not-replayed", format!("not replayed: {why}")),
            Compared::Refused(why) => ("refused", format!("refused: {why}")),
        }
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = ansai_host_functions::builtin();
    let configuration = Configuration::maybe(global.config.as_deref(), &registry.interfaces())?;
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    let recorded = Recorded::open(&state_dir)?;
    if let (Some(since), Some(with)) = (arguments.since, &arguments.with) {
        return backtest::run(&recorded, registry, with, since, &arguments.instance, global);
    }
    let with = arguments.with.as_deref();
    let engine = compiler::engine(registry)?;
    let mut components = Components::new(engine, &arguments.policies, with, configuration.as_ref(), &global.share())?;
    let ids = match &arguments.id {
        Some(id) => vec![id.clone()],
        None => recorded.catalog.list().into_iter().map(|one| one.id).collect(),
    };
    let mut results = Vec::new();
    for id in ids {
        let result = match one(&recorded, &mut components, &id) {
            Ok(result) => result,
            // One asked for by name is an error with its hint; among all it is a line.
            Err(fault) if arguments.all && fault.exit == exit::REFUSED => Compared::Refused(fault.message),
            Err(fault) if arguments.all => Compared::NotReplayed(fault.message),
            Err(fault) => return Err(fault.into()),
        };
        if global.format == Format::Text {
            lines::line(&format!("{id}: {}", result.words().1))?;
        }
        results.push((id, result));
    }
    if global.format == Format::Json {
        let entries: Vec<_> = results
            .iter()
            .map(|(id, result)| {
                let (result, detail) = result.words();
                serde_json::json!({ "recording": id, "result": result, "detail": detail })
            })
            .collect();
        json::document(&entries)?;
    } else if arguments.all {
        let count = |word: &str| results.iter().filter(|(_, result)| result.words().0 == word).count();
        lines::line(&format!(
            "{} recordings: {} identical, {} different, {} refused, {} not replayed",
            results.len(),
            count("identical"),
            count("differs"),
            count("refused"),
            count("excluded") + count("not-replayed"),
        ))?;
    }
    Ok(worst(results.iter().map(|(_, result)| result.code())))
}

fn one(recorded: &Recorded, components: &mut Components, id: &RecordingId) -> Result<Compared, Fault> {
    let recording = recorded.get(id)?;
    let policy = components.policy(&recording.component)?;
    let replayed = runtime::block_on(replay(&policy, &recording))
        .map_err(|error| Fault::other(codes::OTHER, format!("{error:#}")))?;
    Ok(match replayed.0 {
        Replayed::Identical { fuel_compared } => Compared::Identical { fuel_compared },
        Replayed::Differs(difference) => Compared::Differs(difference.to_string()),
        Replayed::Excluded => Compared::Excluded,
    })
}
