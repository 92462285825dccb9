//! `ansai inspect`: what a component is, read from its bytes.

mod document;
mod show;

use std::path::PathBuf;

use ansai_core::exit;
use ansai_daemon::Component;
use ansai_daemon::sources::{self, Source, SourceError};
use ansai_engine::functions::functions;
use ansai_engine::metadata::{Metadata, metadata};
use clap::Args;

use crate::global::{Format, Global};
use crate::output::abilities::Functions;
use crate::output::{self, json};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai inspect policies/disk-space\n  ansai inspect disk-space.wasm --format json\n  \
    ansai inspect disk-space.wasm --licence\n\n\
    What a component can do, and which functions it imports, is read from its bytes, so it is certain. Nothing\n\
    verifies what is marked as what its author says."
)]
pub(crate) struct Arguments {
    /// Component, directory with components, or `builtin:NAME`
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// Print only the licence of the component
    #[arg(long, conflicts_with = "readme")]
    licence: bool,
    /// Print only the README of the component
    #[arg(long)]
    readme: bool,
}

/// A component with its metadata.
struct Inspected {
    component: Component,
    metadata: Metadata,
    functions: Functions,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let mut inspected = Vec::new();
    let paths = global.share().resolve(std::slice::from_ref(&arguments.path)).map_err(ansai_daemon::Error::from)?;
    for source in sources::find(&paths)? {
        match source {
            Source::Component(path) => {
                let component = Component::read(&path, &interfaces)?;
                let (metadata, functions) = (metadata(&component.bytes), functions(&component.bytes));
                inspected.push(Inspected { component, metadata, functions });
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
