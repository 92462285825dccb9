//! `ansai recordings`: what evaluations saw and said.

mod export;

use ansai_audit::{Catalog, Class, GetError, RecordingId};
use ansai_core::text::inert;
use ansai_core::{exit, quantity};
use ansai_daemon::recorded::{self, RecordingError};
use ansai_daemon::{Configuration, state};
use ansai_engine::recording::{RecordedEnd, RecordedReply};
use clap::{Args, Subcommand};

use crate::arguments::{Format, Global};
use crate::output::{self, json, lines, time};

// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai recordings list\n  ansai recordings show ID\n  ansai recordings export ID -o scenario.toml"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the recordings that are kept, newest first
    #[command(after_help = "Example:\n  ansai recordings list --format json")]
    List,
    /// Show one: every call with its reply, and how it ended
    #[command(after_help = "Example:\n  ansai recordings show ID --format json")]
    Show {
        /// Its id, as `ansai recordings list` shows it
        id: RecordingId,
    },
    /// Make a scenario of one, for `ansai test`: what the policy was told, and what it said
    #[command(
        after_help = "Examples:\n  ansai recordings export ID --policies policies/ -o policies/disk-space/scenarios/full.toml\n\n\
        The recording must be the one of the audit log. Where its component is found, the scenario is run before it is written."
    )]
    Export(export::Arguments),
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = Configuration::maybe(global.config.as_deref(), &interfaces)?;
    if let Verb::Export(arguments) = &arguments.verb {
        return export::run(arguments, global, configuration.as_ref());
    }
    let state_dir = state::directory(global.state_dir.as_deref(), configuration.as_ref())?;
    let catalog = recorded::catalog(&state_dir)?;
    match (&arguments.verb, catalog) {
        (Verb::List, catalog) => list(catalog.as_ref(), global.format)?,
        (Verb::Show { id }, Some(catalog)) => show(&catalog, id, global.format)?,
        (Verb::Export(_), _) => {}
        (Verb::Show { id }, None) => {
            return Err(ansai_daemon::Error::from(RecordingError::from(GetError::Unknown(id.clone()))).into());
        }
    }
    Ok(exit::FINE)
}

fn list(catalog: Option<&Catalog>, format: Format) -> anyhow::Result<()> {
    let listed = catalog.map(Catalog::list).unwrap_or_default();
    let class = |class| match class {
        Class::Healthy => "healthy",
        Class::Notable => "notable",
    };
    if format == Format::Json {
        let entries: Vec<_> = listed
            .iter()
            .map(|one| {
                serde_json::json!({
                    "id": one.id,
                    "instance": one.instance,
                    "class": class(one.class),
                    "bytes": one.bytes,
                    "at": time::rfc3339(one.modified_millis),
                })
            })
            .collect();
        return json::document(&entries);
    }
    if listed.is_empty() {
        return Ok(lines::line("there are no recordings yet")?);
    }
    let width = listed.iter().map(|one| one.id.as_str().len()).max().unwrap_or(0);
    for one in &listed {
        let size = quantity::show_bytes(one.bytes);
        let (at, class) = (time::local(one.modified_millis), class(one.class));
        lines::line(&format!("{:width$}  {at}  {class}  {size:>8}  {}", one.id.as_str(), one.instance))?;
    }
    Ok(())
}

fn show(catalog: &Catalog, id: &RecordingId, format: Format) -> anyhow::Result<()> {
    const MOST: usize = 500;
    let recording = recorded::stored(catalog, id)?;
    if format == Format::Json {
        return json::document(&recording);
    }
    output::say(&lines::pairs(&[
        ("recording", id.to_string()),
        ("instance", recording.instance.clone()),
        ("component", recording.component.clone()),
        ("engine", recording.engine.clone()),
        ("at", time::local(recording.at)),
        ("asked", format!("{:?}, because of {}", recording.phase, recording.trigger).to_lowercase()),
        ("fuel", recording.fuel.to_string()),
    ]))?;
    for (index, call) in recording.calls.iter().enumerate() {
        let reply = match &call.reply {
            RecordedReply::Ok(answer) => inert(answer.get(), MOST),
            RecordedReply::Refused(refusal) => inert(&refusal.to_string(), MOST),
        };
        let (name, arguments) = (inert(&call.name(), 200), inert(call.arguments.get(), MOST));
        output::say(&format!("{:>4}  {name} {arguments}\n      -> {reply}\n", index + 1))?;
    }
    let end = match &recording.end {
        RecordedEnd::Deadline => "ended by its deadline".to_owned(),
        end => serde_json::to_string(end)?,
    };
    Ok(output::say(&format!("end   {}\n", inert(&end, output::MOST_TEXT)))?)
}
