//! `ansai inspect`: what a component is, from its own bytes.

mod document;
mod show;

use std::path::PathBuf;

use ansai_core::exit;
use ansai_daemon::Component;
use ansai_daemon::sources::{self, Source, SourceError};
use ansai_engine::metadata::{Metadata, metadata};
use clap::Args;

use crate::arguments::{Format, Global};
use crate::output::{self, json};

// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai inspect policies/disk-space\n  ansai inspect disk-space.wasm --format json\n  \
    ansai inspect disk-space.wasm --licence\n\n\
    What it can do is read from the component itself, not from what its author says. What is its author's word is\n\
    marked: the manifest, its reasons, languages and tools, licence and README."
)]
pub(crate) struct Arguments {
    /// A component, a directory with one or several, or `builtin:NAME`
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// Print the licence that the component carries, and nothing else
    #[arg(long, conflicts_with = "readme")]
    licence: bool,
    /// Print the README that the component carries, and nothing else
    #[arg(long)]
    readme: bool,
}

/// A component with what it carries about itself.
struct Inspected {
    component: Component,
    metadata: Metadata,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let mut inspected = Vec::new();
    let paths = global.share().resolve(std::slice::from_ref(&arguments.path)).map_err(ansai_daemon::Error::from)?;
    for source in sources::find(&paths)? {
        match source {
            Source::Component(path) => {
                let component = Component::read(&path, &interfaces)?;
                inspected.push(Inspected { metadata: metadata(&component.bytes), component });
            }
            Source::OnlySources(dir) => return Err(ansai_daemon::Error::from(SourceError::OnlySources(dir)).into()),
        }
    }
    let carried = |one: &Inspected| match arguments.licence {
        true => one.metadata.licence.clone(),
        false => one.component.found.readme.clone(),
    };
    if arguments.licence || arguments.readme {
        for one in &inspected {
            let text = carried(one).unwrap_or_default();
            output::say_last(&format!("{}\n", output::multiline(&text)))?;
        }
        return Ok(exit::FINE);
    }
    match global.format {
        Format::Json => {
            let described: Vec<_> = inspected.iter().map(|one| document::of(one, &interfaces)).collect();
            json::document(&described)?;
        }
        Format::Text => {
            for (index, one) in inspected.iter().enumerate() {
                let gap = if index == 0 { "" } else { "\n" };
                output::say(&format!("{gap}{}", show::of(one, &interfaces)))?;
            }
        }
    }
    Ok(exit::FINE)
}
