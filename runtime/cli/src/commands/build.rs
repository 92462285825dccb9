//! `ansai build`: from sources to a component.

use std::path::PathBuf;

use ansai_core::exit;
use ansai_daemon::Component;
use ansai_devkit::build::{BuildError, BuildOptions, build, draft};
use ansai_engine::functions::functions;
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, abilities, json};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai build policies/disk-space\n  ansai build policies/disk-space --draft /tmp   build fast, to try it\n\n\
    Building runs the build scripts and macros of the policy and its dependencies: build only what you trust."
)]
pub(crate) struct Arguments {
    /// Directories with policy.toml and sources; each gets a NAME.wasm
    #[arg(value_name = "DIR", default_value = ".")]
    dirs: Vec<PathBuf>,
    /// Make a fast draft build in this directory, not for release: larger, slower, and with other bytes
    #[arg(long, value_name = "DIR")]
    draft: Option<PathBuf>,
    /// Build as root, which runs the build scripts of the policy as root
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
                    built.bytes,
                    built.sha256
                ))?;
                if arguments.draft.is_some() {
                    output::lines::line(
                        "  fast draft build, not for release; for release, run `ansai build` without --draft",
                    )?;
                } else if !built.reproducible {
                    output::lines::line(
                        "  another build of the same sources gives other bytes: this toolchain is not reproducible",
                    )?;
                }
                let component = Component::read(&built.path, &interfaces)?;
                output::say(&abilities::show(&component, &functions(&component.bytes), &interfaces))?;
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

pub(super) fn fault(error: BuildError, dir: &std::path::Path) -> Fault {
    let message = format!("cannot build {}: {error}", dir.display());
    let hint = error.hint();
    let fault = match error {
        BuildError::Root | BuildError::Foreign { .. } => Fault::refused(error.code(), message),
        _ => Fault::usage(error.code(), message),
    };
    Fault { diagnostics: error.diagnostics().cloned().map(Box::new), ..fault.maybe_hint(hint) }
}
