//! `ansai save`: policies of the store in a directory.

use std::path::PathBuf;

use ansai_config::REGISTRY;
use ansai_core::exit;
use ansai_daemon::pulled;
use ansai_registry::{Entry, Lists, Reference, RegistryError, Selector, Store};
use ansai_storage::Directory;
use clap::Args;

use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai save -o /media/usb/policies\n  \
    ansai save -o policies registry.example/acme/disk-space:1.2.0\n\n\
    The directory is an OCI image layout, which other tools read too. Signatures and lists of revocations are copied,\n\
    too. On the other host, run `ansai load DIR`, and copy ansai.toml and ansai.lock to it.")]
pub(crate) struct Arguments {
    /// Policies, as `ansai list` shows them [default: all, and those that the ansai.lock of the configuration pins]
    #[arg(value_name = "REFERENCE")]
    references: Vec<String>,
    /// Directory to write to; existing content is kept
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let store = registry::existing_store(global)?;
    let mut entries =
        store.as_ref().map(Store::entries).transpose().map_err(ansai_daemon::Error::from)?.unwrap_or_default();
    if !arguments.references.is_empty() {
        entries = wanted(&arguments.references, &entries)?;
    } else if let Some(store) = &store {
        entries.extend(only_pinned(store, &entries, global)?);
    }
    let directory =
        Directory::create(&arguments.output).map_err(RegistryError::from).map_err(ansai_daemon::Error::from)?;
    let target = Store::at(directory).map_err(ansai_daemon::Error::from)?;
    for entry in &entries {
        let copied = store.as_ref().map(|store| store.copy(entry, &target)).transpose();
        if let Some(fetched) = copied.map_err(ansai_daemon::Error::from)? {
            target.add(&fetched).map_err(ansai_daemon::Error::from)?;
        }
        if let Some(store) = &store {
            let signatures = store.signatures(&entry.digest).map_err(ansai_daemon::Error::from)?;
            target.keep_signatures(&entry.digest, &signatures).map_err(ansai_daemon::Error::from)?;
        }
    }
    if let Some(store) = &store {
        Lists::of(store).copy(&target).map_err(ansai_daemon::Error::from)?;
    }
    let names: Vec<String> = entries.iter().map(|entry| entry.reference.to_string()).collect();
    match global.format {
        Format::Json => json::document(&serde_json::json!({ "directory": arguments.output, "policies": names }))?,
        Format::Text => {
            for name in &names {
                lines::line(&format!("saved {name}"))?;
            }
            if names.is_empty() {
                lines::line("no policies stored")?;
            }
        }
    }
    Ok(exit::FINE)
}

/// What `ansai.lock` pins and has no name in the store any more. What is not stored is left out.
fn only_pinned(store: &Store, entries: &[Entry], global: &Global) -> Result<Vec<Entry>, ansai_daemon::Error> {
    let Some(configuration) = global.config_path() else { return Ok(Vec::new()) };
    let mut found: Vec<Entry> = Vec::new();
    for locked in pulled::lock_of(&configuration)?.policies() {
        let is_known = entries.iter().chain(&found).any(|entry| entry.digest == locked.digest);
        if is_known || matches!(store.manifest(&locked.digest), Err(RegistryError::NotStored(_))) {
            continue;
        }
        let resolved: Reference = locked.resolved.parse()?;
        let reference = match entries.iter().chain(&found).any(|entry| entry.reference == resolved) {
            // Its tag names another one now.
            true => resolved.with(Selector::Digest(locked.digest.clone())),
            false => resolved,
        };
        found.push(Entry { reference, digest: locked.digest.clone() });
    }
    Ok(found)
}

fn wanted(references: &[String], entries: &[Entry]) -> Result<Vec<Entry>, ansai_daemon::Error> {
    let find = |text: &String| -> Result<Entry, ansai_daemon::Error> {
        let reference: Reference = text.strip_prefix(REGISTRY).unwrap_or(text).parse()?;
        let found = entries.iter().find(|entry| entry.reference == reference).cloned();
        Ok(found.ok_or_else(|| RegistryError::NotStored(reference.to_string()))?)
    };
    references.iter().map(find).collect()
}
