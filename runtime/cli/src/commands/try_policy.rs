//! `ansai try`: whether to run a policy of somebody else on this host.

mod look;
mod scenarios;

use std::path::PathBuf;

use ansai_config::{Suggested, suggest};
use ansai_core::exit;
use ansai_core::text::inert;
use ansai_engine::isolated::{WorkerProgram, Workers};
use clap::Args;
use serde_json::{Value, json};

use self::look::Look;
use self::scenarios::Scenarios;
use crate::commands::inspect::{self, document, show};
use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::{self, colour, lines, table, terminal};
use crate::registry::Reached;
use crate::subject::{Finder, Found};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai try registry.example/acme/disk-space:1.2.0 --key acme.pub\n  \
    ansai try ./disk-space.wasm\n\n\
    It prints what the policy can do, who signed it, how the scenarios next to it end, what it would propose on this\n\
    host, and lines for the configuration. The look at this host is one evaluation in observe mode, in a worker process\n\
    without rights: it sees only sizes, counts and names, calls no server, and nothing acts.")]
pub(crate) struct Arguments {
    /// Component, directory, `builtin:NAME`, instance of the configuration, or policy in a registry
    #[arg(value_name = "FILE|NAME")]
    name: String,
    /// Public key of an author, in PEM; repeatable; for a policy in a registry
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    #[command(flatten)]
    reached: Reached,
}

/// Everything that answers "should I?".
struct Tried {
    inspected: inspect::Inspected,
    signature: String,
    scenarios: Scenarios,
    look: Look,
    stanza: String,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let finder = Finder { global, reached: &arguments.reached, keys: &arguments.keys, interfaces: &interfaces };
    let found = finder.one(&arguments.name)?;
    let signature = signature(&found);
    let inspected = inspect::of(found.component);
    let component = &inspected.component;
    let (manifest, settings) = (&component.manifest, component.schema.describe());
    let suggested = Suggested { manifest, settings: &settings, instance: &manifest.name, source: &found.source };
    let stanza = suggest(&suggested, &interfaces);
    // Only files have scenarios next to them: what lies next to the content of the store is of other policies.
    let scenarios = if found.is_of_registry { Scenarios::None } else { scenarios::run(&component.path)? };
    let workers = Workers::new(WorkerProgram::this_program());
    let look = look::at_this_host(&component.path, &workers, global);
    let tried = Tried { inspected, signature, scenarios, look, stanza };
    match global.format {
        Format::Json => output::json::document(&json_of(&tried, &interfaces))?,
        Format::Text => text(&tried, &interfaces, global)?,
    }
    Ok(exit::FINE)
}

fn signature(found: &Found) -> String {
    match &found.signed_by {
        Some(files) if files.is_empty() => "none of the given keys has signed it".to_owned(),
        Some(files) => format!("signed by {}", files.iter().cloned().collect::<Vec<_>>().join(", ")),
        None if found.is_of_registry => "not verified: pass --key FILE with the public key of the author".to_owned(),
        None => "a file has no signatures; check where it is from".to_owned(),
    }
}

fn text(tried: &Tried, interfaces: &[ansai_core::Interface], global: &Global) -> anyhow::Result<()> {
    output::say(&show::of(&tried.inspected, interfaces))?;
    output::say(&lines::title("Signature"))?;
    output::say(&format!("  {}\n", inert(&tried.signature, output::MOST_TEXT)))?;
    output::say(&lines::title("Scenarios"))?;
    output::say(&match &tried.scenarios {
        Scenarios::None => "  none: a component carries none, and there are none next to it\n".to_owned(),
        Scenarios::Ended { passed, failed } if failed.is_empty() => {
            format!("  {} passed\n", count(*passed, "scenario"))
        }
        Scenarios::Ended { passed, failed } => {
            let names = inert(&failed.join(", "), output::MOST_TEXT);
            format!("  {} of {} failed: {names}\n", failed.len(), passed + failed.len())
        }
    })?;
    output::say(&lines::title("On this host, in observe mode (nothing acts)"))?;
    match &tried.look {
        Look::Report(report) => {
            let layout = global.layout(terminal::stdout_width());
            output::say(&table::render(report, layout, colour::on_stdout(), false))?;
        }
        Look::Fault(fault) => output::fault(fault),
    }
    output::say(&lines::title("\nFor ansai.toml, after review"))?;
    output::say_last(&format!("\n{}", output::multiline(&tried.stanza)))?;
    output::say_last("\n")?;
    Ok(())
}

fn json_of(tried: &Tried, interfaces: &[ansai_core::Interface]) -> Value {
    let scenarios = match &tried.scenarios {
        Scenarios::None => Value::Null,
        Scenarios::Ended { passed, failed } => json!({ "passed": passed, "failed": failed }),
    };
    let (report, fault) = match &tried.look {
        Look::Report(report) => (json!(report), Value::Null),
        Look::Fault(fault) => (Value::Null, json!({ "code": fault.code.word(), "message": fault.message })),
    };
    json!({
        "component": document::of(&tried.inspected, interfaces),
        "signature": tried.signature,
        "scenarios": scenarios,
        "dry_run": report,
        "dry_run_problem": fault,
        "stanza": tried.stanza,
    })
}
