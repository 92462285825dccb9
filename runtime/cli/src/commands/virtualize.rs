//! `ansai virtualize`: a component of any toolchain for WASI becomes one that ansai runs.

use std::path::{Path, PathBuf};

use ansai_core::{Interface, exit, quantity, text::inert};
use ansai_daemon::Component;
use ansai_devkit::virtualize::{VirtualizeError, VirtualizeOptions, Virtualized, virtualize};
use clap::Args;

use crate::arguments::{Format, Global};
use crate::exit::Fault;
use crate::output::{self, MOST_TEXT, abilities, json, lines};

// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai virtualize guest.wasm                        policy.toml is beside it: makes NAME.wasm\n  \
    ansai virtualize build/guest.wasm --policy . -o my-policy.wasm\n\n\
    What it imports of WASI 0.2 is answered inside the component: the time is that of the evaluation, random numbers are \
    the same in each, what is printed goes to the log, and there are no files, variables, arguments or sockets. The host \
    still offers no WASI. A component without WASI needs none of this and is refused."
)]
pub(crate) struct Arguments {
    /// A component that imports WASI 0.2; it is not changed
    file: PathBuf,
    /// The directory with policy.toml, to embed manifest, schema, README and licence [default: that of FILE, if the
    /// component holds no manifest yet]
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// What to write [default: NAME.wasm beside policy.toml, or FILE.virtual.wasm where no name is known]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let options = VirtualizeOptions {
        policy: arguments.policy.as_deref(),
        output: arguments.output.as_deref(),
        interfaces: &interfaces,
    };
    let made = virtualize(&arguments.file, &options).map_err(|error| fault(&error, &arguments.file))?;
    match global.format {
        Format::Text => show(&made, &interfaces)?,
        Format::Json => {
            let stood_in_for = made
                .stand_ins
                .iter()
                .map(|one| serde_json::json!({ "interface": one.interface, "answers": one.answers }));
            json::line(&serde_json::json!({
                "path": made.path,
                "bytes": made.bytes,
                "added_bytes": made.added_bytes,
                "sha256": made.sha256,
                "imports": made.imports,
                "stood_in_for": stood_in_for.collect::<Vec<_>>(),
                "without_tail_calls": made.without_tail_calls,
                "runnable": made.has_manifest,
            }))?;
        }
    }
    Ok(exit::FINE)
}

fn show(made: &Virtualized, interfaces: &[Interface]) -> anyhow::Result<()> {
    lines::line(&format!(
        "made {} ({}, sha256 {})",
        made.path.display(),
        quantity::show_bytes(made.bytes),
        made.sha256
    ))?;
    if made.has_manifest {
        output::say(&abilities::show(&Component::read(&made.path, interfaces)?, interfaces))?;
    } else {
        output::say(&abilities::of_imports(&made.imports, interfaces))?;
    }
    lines::line(&format!("  stands in for, in {}:", quantity::show_bytes(made.added_bytes)))?;
    let width = made.stand_ins.iter().map(|one| one.interface.len()).max().unwrap_or(0);
    for one in &made.stand_ins {
        let interface = inert(&one.interface, MOST_TEXT);
        lines::line(&format!("      {interface:width$}  {}", one.answers))?;
    }
    if made.without_tail_calls {
        lines::line("  its tail calls are calls and returns now: ansai has them switched off")?;
    }
    if !made.has_manifest {
        lines::line("  cannot be run yet: it holds no manifest, and there is no policy.toml beside it")?;
        lines::line("      write one, and say --policy DIR; `ansai new` shows what is in it")?;
    }
    Ok(())
}

fn fault(error: &VirtualizeError, file: &Path) -> Fault {
    let message = format!("{} was not virtualized: {error}", file.display());
    let diagnostics = match error {
        VirtualizeError::Build(error) => error.diagnostics().cloned().map(Box::new),
        _ => None,
    };
    Fault { diagnostics, ..Fault::usage(error.code(), message).maybe_hint(error.hint()) }
}
