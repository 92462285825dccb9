//! The index of policies that a command reads, and its facts in words.

use std::path::PathBuf;

use ansai_core::codes;
use ansai_registry::Connection;
use ansai_registry::index::{Index, Known, Listed, Place, Version};
use clap::Args;

use crate::exit::Fault;
use crate::global::Global;
use crate::output::count::count;
use crate::registry;

/// Which index is read.
#[derive(Debug, Args)]
pub(crate) struct Indexed {
    /// File or URL of the index [default: `source` of `[index]` in the configuration]
    #[arg(long, value_name = "FILE|URL", requires = "index_key")]
    index: Option<String>,
    /// Public key of its publisher, in PEM [default: `key` of `[index]` in the configuration]
    #[arg(long, value_name = "FILE", requires = "index")]
    index_key: Option<PathBuf>,
    /// CA certificates for the web server, in PEM [default: those of this host]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Indexed {
    /// Reads the index, verifies its signature, and remembers its serial number.
    pub(crate) fn read(&self, global: &Global) -> anyhow::Result<Index> {
        let interfaces = ansai_host_functions::builtin().interfaces();
        let (source, key) = match (&self.index, &self.index_key) {
            (Some(source), Some(key)) => (source.clone(), key.clone()),
            _ => {
                let configured = global.configuration(&interfaces)?.and_then(|one| one.config.index);
                let missing = || {
                    Fault::usage(codes::NEEDS_CONFIGURATION, "the configuration names no index of policies")
                        .hint("add `[index]` with `source` and `key`, or pass --index and --index-key")
                };
                let configured = configured.ok_or_else(missing)?;
                (configured.source, configured.key)
            }
        };
        let key = registry::public_key(&key)?;
        let place = Place::from(source.as_str());
        let store = registry::store(global, &interfaces)?;
        let connection = Connection { authorities: self.ca.clone(), ..Connection::default() };
        let index = place.read(&connection, &[key]).map_err(ansai_daemon::Error::from)?;
        let known = Known::of(&store).map_err(ansai_daemon::Error::from)?;
        known.accept(&store, &place, &index).map_err(ansai_daemon::Error::from)?;
        Ok(index)
    }
}

/// The names of the keys that have signed it.
pub(crate) fn signers(version: &Version) -> String {
    let names: Vec<&str> = version.signers.iter().map(|one| one.name.as_str()).collect();
    if names.is_empty() { "no key that the publisher knows".to_owned() } else { names.join(", ") }
}

/// `3 of 3 pass`.
pub(crate) fn scenarios(version: &Version) -> String {
    match version.scenarios {
        Some(scenarios) => format!("{} of {} pass", scenarios.passed, scenarios.count),
        None => "unknown".to_owned(),
    }
}

/// Where it is, who signed it, and its scenarios, in one line.
pub(crate) fn marks(policy: &Listed) -> String {
    let mut marks: Vec<String> = policy.repository.iter().cloned().collect();
    if let Some(newest) = policy.newest() {
        match newest.signers.len() {
            0 => marks.push("no known signer".to_owned()),
            _ => marks.push(format!("signed by {}", signers(newest))),
        }
        if let Some(scenarios) = newest.scenarios {
            marks.push(format!("{} of {} pass", scenarios.passed, count(scenarios.count, "scenario")));
        }
        marks.extend(newest.chaos.as_ref().map(ansai_registry::index::Chaos::summary));
    }
    marks.join(", ")
}
