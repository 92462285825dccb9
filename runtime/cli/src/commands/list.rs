//! `ansai list`: the stored policies.

use ansai_core::{Bytes, Interface, exit};
use ansai_daemon::pulled::{self, Acceptance};
use ansai_registry::{Entry, Judgement, Lock, Locked, RegistryError, Store};
use clap::Args;

use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai list\n  ansai list --format json\n\n\
    It lists what `ansai pull` and `ansai load` stored, and what [[trust]] of the configuration says about it. What runs\n\
    is what ansai.lock pins.")]
pub(crate) struct Arguments {}

pub(crate) fn run(_arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let store = registry::existing_store(global)?;
    let standing = Standing::of(global, store.as_ref(), &interfaces)?;
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
                    "trust": standing.words(entry),
                    "role": standing.role(entry),
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
        let role = standing.role(entry).map(|role| format!("; {role}")).unwrap_or_default();
        let words = standing.words(entry);
        lines::line(&format!("{name:width$}  {}  {bytes:>8}  {words}{role}", entry.digest.short()))?;
    }
    Ok(exit::FINE)
}

/// What the configuration says about stored policies.
struct Standing<'a> {
    store: Option<(&'a Store, Acceptance)>,
    /// Short names are in the sources only.
    lock: Option<Lock>,
    interfaces: &'a [Interface],
}

impl<'a> Standing<'a> {
    fn of(
        global: &Global,
        store: Option<&'a Store>,
        interfaces: &'a [Interface],
    ) -> Result<Standing<'a>, ansai_daemon::Error> {
        let configuration = global.configuration_of_state(interfaces)?;
        let lock = configuration.as_ref().and_then(|configuration| pulled::lock_of(&configuration.path).ok());
        let store = store.map(|store| (store, Acceptance::of(configuration.as_ref(), store)));
        Ok(Standing { store, lock, interfaces })
    }

    /// What the lock file has a stored policy for; `None` if it does not name it.
    fn role(&self, entry: &Entry) -> Option<&'static str> {
        let lock = self.lock.as_ref()?;
        let is = |locked: &Locked| locked.digest == entry.digest;
        let of = |pinned: &Locked| {
            let shadow = lock.shadow(&pinned.source).is_some_and(|shadow| is(&shadow.policy));
            let earlier = lock.earlier(&pinned.source).is_some_and(is);
            match (is(pinned), shadow, earlier) {
                (true, ..) => Some("pinned"),
                (_, true, _) => Some("runs as a shadow"),
                (.., true) => Some("last good version"),
                _ => None,
            }
        };
        lock.policies().find_map(of)
    }

    fn words(&self, entry: &Entry) -> String {
        let Some((store, acceptance)) = &self.store else { return "unknown".to_owned() };
        let name = entry.reference.to_string();
        let pinned = self.lock.iter().flat_map(Lock::all).find(|locked| locked.digest == entry.digest);
        let source = pinned.map_or(name.as_str(), |locked| locked.source.as_str());
        let judgement = pulled::standing(acceptance, store, (source, entry), self.interfaces)
            .and_then(|vouched| Ok(vouched.judge(acceptance.policy()).map_err(RegistryError::from)?));
        match judgement {
            Ok(Judgement::Uncovered) => "observes only: no [[trust]] covers it".to_owned(),
            Ok(Judgement::Verified { signers, lists }) => {
                let files: Vec<String> = signers.iter().map(|signer| signer.path.display().to_string()).collect();
                let problems: Vec<String> = lists.iter().map(|problem| format!("; {problem}")).collect();
                format!("signed by {}{}", files.join(", "), problems.concat())
            }
            Err(error) => format!("refused: {}", error.code().word()),
        }
    }
}

/// Of the component, in bytes; `None` if its manifest is missing or was changed.
fn size(store: &Store, entry: &Entry) -> Option<u64> {
    let manifest = store.manifest(&entry.digest);
    let size = |manifest: ansai_registry::Manifest| manifest.component().map(|component| component.size).ok();
    manifest.inspect_err(|error: &RegistryError| tracing::warn!("{}: {error}", entry.reference)).ok().and_then(size)
}
