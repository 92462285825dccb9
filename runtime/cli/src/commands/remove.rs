//! `ansai remove`: a policy out of the store.

use ansai_config::REGISTRY;
use ansai_core::{Bytes, exit};
use ansai_daemon::pulled;
use ansai_registry::{Reference, RegistryError};
use clap::Args;

use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai remove registry.example/acme/disk-space:1.1.0\n\n\
    Content that no other name needs is removed, unless the ansai.lock of the configuration pins it.")]
pub(crate) struct Arguments {
    /// Policy, as `ansai list` shows it
    #[arg(value_name = "REFERENCE")]
    reference: String,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let text = arguments.reference.strip_prefix(REGISTRY).unwrap_or(&arguments.reference);
    let reference: Reference = text.parse().map_err(ansai_daemon::Error::from)?;
    let missing = || ansai_daemon::Error::from(RegistryError::NotStored(reference.to_string()));
    let store = registry::existing_store(global)?.ok_or_else(missing)?;
    // Read first: if it is unknown what is pinned, nothing is removed.
    let pinned = pulled::pinned(global.config_path().as_deref()).map_err(ansai_daemon::Error::from)?;
    let removed = store.remove(&reference).map_err(ansai_daemon::Error::from)?;
    let freed = store.sweep(&pinned).map_err(ansai_daemon::Error::from)?;
    let is_pinned = pinned.contains(&removed.digest);
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "reference": reference.to_string(),
            "digest": removed.digest,
            "freed_bytes": freed,
            "pinned": is_pinned,
        }))?,
        Format::Text => {
            let rest = if is_pinned { "; its content stays, because ansai.lock pins it" } else { "" };
            lines::line(&format!("removed {reference}, freed {}{rest}", Bytes::new(freed)))?;
        }
    }
    Ok(exit::FINE)
}
