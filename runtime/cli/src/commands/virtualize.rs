//! `ansai virtualize`: replaces the WASI imports of a component, so that ansai can run it.

use std::path::{Path, PathBuf};

use ansai_core::{Interface, exit, text::inert};
use ansai_daemon::Component;
use ansai_devkit::virtualize::{VirtualizeError, VirtualizeOptions, Virtualized, virtualize};
use ansai_engine::functions::functions;
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, MOST_TEXT, abilities, json, lines};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai virtualize guest.wasm                        with policy.toml beside it: writes NAME.wasm\n  \
    ansai virtualize build/guest.wasm --policy . -o my-policy.wasm\n\n\
    The component gets its own implementation of the WASI 0.2 interfaces that it imports: the clock shows the time of\n\
    the evaluation, random numbers are the same in each evaluation, output goes to the log, and there are no files,\n\
    environment variables, arguments or sockets. A component without WASI imports is refused."
)]
pub(crate) struct Arguments {
    /// Component that imports WASI 0.2; it is not changed
    file: PathBuf,
    /// Directory with policy.toml, to embed manifest, schema, README and licence [default: the directory of FILE, if
    /// the component has no manifest]
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// File to write [default: NAME.wasm beside policy.toml, or FILE.virtual.wasm without a name]
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
    lines::line(&format!("wrote {} ({}, sha256 {})", made.path.display(), made.bytes, made.sha256))?;
    if made.has_manifest {
        let component = Component::read(&made.path, interfaces)?;
        output::say(&abilities::show(&component, &functions(&component.bytes), interfaces))?;
    } else {
        output::say(&abilities::of_imports(&made.imports, interfaces))?;
    }
    lines::line(&format!("  replaced imports (added {}):", made.added_bytes))?;
    let width = made.stand_ins.iter().map(|one| one.interface.as_str().len()).max().unwrap_or(0);
    for one in &made.stand_ins {
        let interface = inert(one.interface.as_str(), MOST_TEXT);
        lines::line(&format!("      {interface:width$}  {}", one.answers))?;
    }
    if made.without_tail_calls {
        lines::line("  replaced tail calls by calls and returns: ansai does not support tail calls")?;
    }
    if !made.has_manifest {
        lines::line("  not runnable yet: no manifest, and no policy.toml beside the file")?;
        lines::line("      write policy.toml (`ansai new` creates an example) and pass --policy DIR")?;
    }
    Ok(())
}

fn fault(error: &VirtualizeError, file: &Path) -> Fault {
    let message = format!("cannot virtualize {}: {error}", file.display());
    let diagnostics = match error {
        VirtualizeError::Build(error) => error.diagnostics().cloned().map(Box::new),
        _ => None,
    };
    Fault { diagnostics, ..Fault::usage(error.code(), message).maybe_hint(error.hint()) }
}
