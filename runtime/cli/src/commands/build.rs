//! `ansai build`: from sources to a component.

use std::path::PathBuf;

use ansai_core::{exit, quantity};
use ansai_daemon::Component;
use ansai_devkit::build::{BuildError, BuildOptions, build, draft};
use clap::Args;

use crate::arguments::{Format, Global};
use crate::exit::Fault;
use crate::output::{self, abilities, json};

// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai build policies/disk-space\n  ansai build policies/disk-space --draft /tmp     soon, to try it out\n\n\
    Building runs the build scripts and macros of the policy and of what it depends on: build only what you trust."
)]
pub(crate) struct Arguments {
    /// Directories with policy.toml and source; each gets its NAME.wasm
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Build faster, into this directory, for trying out: larger, slower and other bytes than what is shipped
    #[arg(long, value_name = "DIR")]
    draft: Option<PathBuf>,
    /// Build as root, although that runs the policy's build scripts as root
    #[arg(long)]
    allow_root: bool,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let options = BuildOptions { allow_root: arguments.allow_root, interfaces: &interfaces };
    for dir in &arguments.dirs {
        let built = match &arguments.draft {
            None => build(dir, &options),
            Some(to) => draft(dir, to, &options),
        };
        let built = built.map_err(|error| fault(error, dir))?;
        match global.format {
            Format::Text => {
                output::lines::line(&format!(
                    "built {} ({}, sha256 {})",
                    built.path.display(),
                    quantity::show_bytes(built.bytes),
                    built.sha256
                ))?;
                if arguments.draft.is_some() {
                    output::lines::line("  a draft: `ansai build` without --draft makes what is shipped")?;
                } else if !built.reproducible {
                    output::lines::line(
                        "  another build of the same source gives other bytes: its tools are like that",
                    )?;
                }
                output::say(&abilities::show(&Component::read(&built.path, &interfaces)?, &interfaces))?;
            }
            Format::Json => json::line(&serde_json::json!({
                "path": built.path,
                "bytes": built.bytes,
                "sha256": built.sha256,
                "imports": built.imports,
                "reproducible": built.reproducible,
            }))?,
        }
    }
    Ok(exit::FINE)
}

fn fault(error: BuildError, dir: &std::path::Path) -> Fault {
    let message = format!("{} was not built: {error}", dir.display());
    let hint = error.hint();
    let fault = match error {
        BuildError::Root | BuildError::Foreign { .. } => Fault::refused(error.code(), message),
        _ => Fault::usage(error.code(), message),
    };
    Fault { diagnostics: error.diagnostics().cloned().map(Box::new), ..fault.maybe_hint(hint) }
}
