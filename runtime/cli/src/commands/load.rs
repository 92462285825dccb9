//! `ansai load`: policies of a directory into the store.

use std::path::PathBuf;

use ansai_core::exit;
use ansai_daemon::pulled::{self, Acceptance};
use ansai_registry::{Locked, RegistryError, Store};
use ansai_storage::Directory;
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, json, lines};
use crate::registry;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai load /media/usb/policies\n\n\
    Each size and digest is verified, and each component and its signatures are checked as `ansai pull` does it. A\n\
    policy that is refused keeps no other one from being loaded. Nothing is pinned: copy ansai.lock from the host that pulled.")]
pub(crate) struct Arguments {
    /// Directory that `ansai save` wrote, or another OCI image layout with policies
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let from = Directory::open(&arguments.directory).map_err(RegistryError::from).and_then(Store::at_existing);
    let from = from.map_err(ansai_daemon::Error::from)?;
    let store = registry::store(global, &interfaces)?;
    registry::sweep(&store, global);
    let configuration = global.configuration(&interfaces)?;
    let mut acceptance = Acceptance::of(configuration.as_ref(), &store);
    acceptance.take_lists(&from)?;
    let (mut loaded, mut refused): (Vec<Locked>, Vec<Fault>) = (Vec::new(), Vec::new());
    for entry in from.entries().map_err(ansai_daemon::Error::from)? {
        let name = entry.reference.to_string();
        let fetched = from.copy(&entry, &store).map_err(ansai_daemon::Error::from);
        let signatures = from.signatures(&entry.digest).unwrap_or_default();
        match fetched.and_then(|fetched| pulled::add(&acceptance, &store, &name, (&fetched, signatures), &interfaces)) {
            Ok(locked) => loaded.push(locked),
            Err(error) => {
                let fault = Fault::from(error);
                refused.push(Fault { message: format!("{name}: {}", fault.message), ..fault });
            }
        }
    }
    match global.format {
        Format::Json => json::document(&loaded.iter().map(registry::document).collect::<Vec<_>>())?,
        Format::Text => {
            for locked in &loaded {
                lines::line(&format!("loaded {}, {}", locked.resolved, locked.digest))?;
            }
            if loaded.is_empty() && refused.is_empty() {
                lines::line(&format!("{} has no policies", arguments.directory.display()))?;
            }
        }
    }
    let Some(last) = refused.pop() else { return Ok(exit::FINE) };
    refused.iter().for_each(output::fault);
    Err(last.into())
}
