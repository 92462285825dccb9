//! `ansai diff`: what differs between two versions of a policy.

pub(super) mod show;

use std::path::PathBuf;

use ansai_core::exit;
use ansai_daemon::difference::{Difference, Subject, subject};
use clap::Args;

use crate::global::{Format, Global};
use crate::output::{self, json, terminal};
use crate::registry::Reached;
use crate::subject::{Finder, Found};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai diff old.wasm new.wasm\n  \
    ansai diff disk-space registry.example/acme/disk-space@^1     the pinned version and the newest one\n  \
    ansai diff registry.example/acme/web:1.0.0 registry.example/acme/web:1.1.0 --format json\n\n\
    Exit code 7 means that NEW can do more than OLD: another interface or function, or a wider scope. With --key, it\n\
    also means that a key has signed OLD and not NEW.")]
pub(crate) struct Arguments {
    /// Component, directory, `builtin:NAME`, instance of the configuration, or policy in a registry
    #[arg(value_name = "OLD")]
    old: String,
    /// The same for the other version
    #[arg(value_name = "NEW")]
    new: String,
    /// Public key whose signatures are compared, in PEM; repeatable; for policies in registries
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let finder = Finder { global, reached: &arguments.reached, keys: &arguments.keys, interfaces: &interfaces };
    let compared = |found: Found| Subject { signers: found.signed_by, ..subject(&found.component, &interfaces) };
    let (old, new) = (compared(finder.one(&arguments.old)?), compared(finder.one(&arguments.new)?));
    let difference = Difference::between(&old, &new);
    match global.format {
        Format::Json => json::document(&document(&old, &new, &difference))?,
        Format::Text => {
            let versions = show::versions(&old, &new);
            output::say_last(&show::text(&versions, &difference, terminal::stdout_width()))?;
        }
    }
    Ok(if difference.is_wider() { exit::WIDER } else { exit::FINE })
}

fn document(old: &Subject, new: &Subject, difference: &Difference) -> serde_json::Value {
    let version = |subject: &Subject| {
        serde_json::json!({
            "name": subject.name,
            "version": subject.version,
            "sha256": subject.component,
            "bytes": subject.bytes,
            "signed_by": subject.signers,
        })
    };
    serde_json::json!({
        "old": version(old),
        "new": version(new),
        "wider": difference.is_wider(),
        "changes": difference,
    })
}
