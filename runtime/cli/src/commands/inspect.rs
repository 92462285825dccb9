//! `ansai inspect`: what a component is, read from its bytes.

pub(super) mod document;
pub(super) mod show;

use ansai_core::exit;
use ansai_daemon::Component;
use ansai_engine::functions::functions;
use ansai_engine::metadata::{Metadata, metadata};
use clap::Args;

use crate::global::{Format, Global};
use crate::output::abilities::Functions;
use crate::output::{self, json};
use crate::registry::Reached;
use crate::subject::Finder;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai inspect policies/disk-space\n  ansai inspect disk-space.wasm --format json\n  \
    ansai inspect registry.example/acme/disk-space:1.2.0\n  ansai inspect disk-space.wasm --licence\n\n\
    What a component can do, and which functions it imports, is read from its bytes, so it is certain. Nothing\n\
    verifies what is marked as what its author says."
)]
pub(crate) struct Arguments {
    /// Component, directory with components, `builtin:NAME`, instance of the configuration, or policy in a registry
    #[arg(value_name = "FILE|DIR|NAME")]
    name: String,
    /// Print only the licence of the component
    #[arg(long, conflicts_with = "readme")]
    licence: bool,
    /// Print only the README of the component
    #[arg(long)]
    readme: bool,
    #[command(flatten)]
    reached: Reached,
}

/// A component with its metadata.
pub(super) struct Inspected {
    pub(super) component: Component,
    metadata: Metadata,
    functions: Functions,
}

pub(super) fn of(component: Component) -> Inspected {
    let (metadata, functions) = (metadata(&component.bytes), functions(&component.bytes));
    Inspected { component, metadata, functions }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let finder = Finder { global, reached: &arguments.reached, keys: &[], interfaces: &interfaces };
    let inspected: Vec<Inspected> = finder.all(&arguments.name)?.into_iter().map(|one| of(one.component)).collect();
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
