//! `ansai list`: the stored policies.

use ansai_core::{Bytes, exit};
use ansai_registry::{Entry, RegistryError, Store};
use clap::Args;

use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai list\n  ansai list --format json\n\n\
    It lists what `ansai pull` and `ansai load` stored. What runs is what ansai.lock pins.")]
pub(crate) struct Arguments {}

pub(crate) fn run(_arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let store = registry::existing_store(global)?;
    let entries = store.as_ref().map(Store::entries).transpose().map_err(ansai_daemon::Error::from)?;
    let entries: Vec<(Entry, Option<u64>)> = entries
        .into_iter()
        .flatten()
        .map(|entry| (entry.clone(), store.as_ref().and_then(|store| size(store, &entry))))
        .collect();
    if global.format == Format::Json {
        let entries: Vec<_> = entries
            .iter()
            .map(|(entry, bytes)| {
                serde_json::json!({
                    "reference": entry.reference.to_string(),
                    "digest": entry.digest,
                    "bytes": bytes,
                })
            })
            .collect();
        json::document(&entries)?;
        return Ok(exit::FINE);
    }
    if entries.is_empty() {
        lines::line("no policies stored")?;
    }
    let names: Vec<String> = entries.iter().map(|(entry, _)| entry.reference.to_string()).collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    for (name, (entry, bytes)) in names.iter().zip(&entries) {
        let bytes = bytes.map_or_else(|| "damaged".to_owned(), |bytes| Bytes::new(bytes).to_string());
        lines::line(&format!("{name:width$}  {}  {bytes:>8}", entry.digest.short()))?;
    }
    Ok(exit::FINE)
}

/// Of the component, in bytes; `None` if its manifest is missing or was changed.
fn size(store: &Store, entry: &Entry) -> Option<u64> {
    let manifest = store.manifest(&entry.digest);
    let size = |manifest: ansai_registry::Manifest| manifest.component().map(|component| component.size).ok();
    manifest.inspect_err(|error: &RegistryError| tracing::warn!("{}: {error}", entry.reference)).ok().and_then(size)
}
