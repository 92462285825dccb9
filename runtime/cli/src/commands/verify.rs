//! `ansai verify`: who vouches for a policy in a registry.

use std::path::PathBuf;

use ansai_core::exit;
use ansai_registry::{Claim, RegistryError, signers};
use clap::Args;

use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry::{self, Checked, Reached};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai verify registry.example/acme/disk-space:1.2.0 --key acme.pub\n  \
    ansai verify registry.example/acme/disk-space@^1 --key a.pub --key b.pub --minimum 2\n\n\
    A signature counts if it is of one of the keys and covers exactly this digest, name and version, and what this\n\
    policy asks for. Exit code 4 means that too few keys have signed it.")]
pub(crate) struct Arguments {
    /// Policy in a registry
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Public key of ECDSA P-256 or Ed25519, in PEM; repeatable
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// How many different keys must have signed
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    minimum: u16,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let keys = registry::public_keys(&arguments.keys)?;
    let Checked { client, fetched, locked } = registry::checked(&arguments.reference, &arguments.reached, global)?;
    let claim = Claim::of(&fetched.reference, &locked);
    let signatures = client.signatures(&fetched.reference, &locked.digest).map_err(ansai_daemon::Error::from)?;
    let found = signers(&claim, &signatures, &keys);
    let minimum = usize::from(arguments.minimum);
    if found.len() < minimum {
        let error = RegistryError::NotSigned { reference: locked.resolved, found: found.len(), minimum };
        return Err(ansai_daemon::Error::from(error).into());
    }
    let files: Vec<String> = arguments
        .keys
        .iter()
        .zip(&keys)
        .filter(|(_, key)| found.contains(key))
        .map(|(path, _)| path.display().to_string())
        .collect();
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "reference": locked.resolved,
            "digest": locked.digest,
            "signed_by": files,
        }))?,
        Format::Text => {
            lines::line(&format!("verified: {}, {}", locked.resolved, locked.digest))?;
            for file in files {
                lines::line(&format!("  signed by {file}"))?;
            }
        }
    }
    Ok(exit::FINE)
}
