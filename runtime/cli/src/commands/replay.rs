//! `ansai replay`: runs recorded evaluations again. The same replies must give the same findings and plans.

pub(in crate::commands) mod backtest;

use std::path::PathBuf;

use ansai_audit::RecordingId;
use ansai_core::{codes, exit};
use ansai_daemon::recorded::{Components, Recorded};
use ansai_engine::replay::{Replayed, replay};
use clap::Args;

use crate::exit::{Fault, worst};
use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::{json, lines};
use crate::since::Since;
use crate::{compiler, runtime};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai replay ID                           with the configured and the built-in policies\n  \
    ansai replay ID --policies policies/      with the policies of a directory\n  \
    ansai replay ID --with new.wasm           compare with another version\n  \
    ansai replay --all --policies policies/\n  \
    ansai replay --with new.wasm --since 7d   show which decisions of a week another version changes\n\n\
    A recording is replayed only if its hash is the one in the audit log.\n\
    With --since, only decisions are compared: the severity of findings, and the steps to apply. If the other version\n\
    makes a call that was not recorded, its decision is unknown.\n\n\
    Exit codes: 0 identical; 4 different, or not the recording of the audit log; 5 not replayed."
)]
pub(crate) struct Arguments {
    /// Recording, from `ansai recordings list`
    #[arg(required_unless_present_any = ["all", "since"], conflicts_with_all = ["all", "since"])]
    id: Option<RecordingId>,
    /// Replay every recording
    #[arg(long, conflicts_with = "since")]
    all: bool,
    /// Replay with this component instead of the recorded one
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Directories with components, besides the sources of the configuration and the built-in policies
    #[arg(long, value_name = "DIR", num_args = 1..)]
    policies: Vec<PathBuf>,
    /// Compare the decisions of all evaluations since this time: an age such as `7d`, or a time such as
    /// `2026-11-21 03:00`
    #[arg(long, value_name = "TIME", requires = "with")]
    since: Option<Since>,
    /// With --since: only evaluations of this instance; repeatable [default: the instance with the component's name]
    #[arg(long, value_name = "NAME", requires = "since")]
    instance: Vec<String>,
}

/// The result of one replay.
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

    /// The result for programs, and for people.
    fn words(&self) -> (&'static str, String) {
        match self {
            Compared::Identical { fuel_compared: true } => ("identical", "identical, including fuel".to_owned()),
            Compared::Identical { fuel_compared: false } => (
                "identical",
                "identical; fuel not compared (different component or engine, or its stack ended)".to_owned(),
            ),
            Compared::Differs(difference) => ("differs", format!("differs: {difference}")),
            Compared::Excluded => {
                ("excluded", "not replayed: ended by a deadline, which depends on the machine".to_owned())
            }
            Compared::NotReplayed(why) => ("not-replayed", format!("not replayed: {why}")),
            Compared::Refused(why) => ("refused", format!("refused: {why}")),
        }
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let registry = ansai_host_functions::builtin();
    let configuration = global.configuration(&registry.interfaces())?;
    let state_dir = global.state_dir(configuration.as_ref())?;
    let recorded = Recorded::open(&state_dir)?;
    if let (Some(since), Some(with)) = (arguments.since, &arguments.with) {
        return backtest::run(&recorded, registry, with, since, &arguments.instance, global);
    }
    let with = arguments.with.as_deref();
    let engine = compiler::engine(registry)?;
    let (share, pulled) = (global.share(), global.pulled());
    let mut components = Components::new(engine, &arguments.policies, with, configuration.as_ref(), &share, &pulled)?;
    let ids = match &arguments.id {
        Some(id) => vec![id.clone()],
        None => recorded.catalog.list().into_iter().map(|one| one.id).collect(),
    };
    let mut results = Vec::new();
    for id in ids {
        let result = match one(&recorded, &mut components, &id) {
            Ok(result) => result,
            // With --all, a fault is one line; for a named recording, it is an error with its hint.
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
        let of = |word: &str| results.iter().filter(|(_, result)| result.words().0 == word).count();
        lines::line(&format!(
            "{}: {} identical, {} different, {} refused, {} not replayed",
            count(results.len(), "recording"),
            of("identical"),
            of("differs"),
            of("refused"),
            of("excluded") + of("not-replayed"),
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
