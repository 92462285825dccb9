//! `ansai sign`: vouches for a policy in a registry.

use std::path::PathBuf;

use ansai_core::exit;
use ansai_registry::Claim;
use clap::Args;

use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry::{self, Checked, Reached};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    openssl genpkey -algorithm ed25519 -out key.pem && chmod 600 key.pem\n  \
    openssl pkey -in key.pem -pubout -out key.pub\n  \
    ansai sign registry.example/acme/disk-space:1.2.0 --key key.pem\n\n\
    The signature covers the digest, the name, the version, and what the policy asks for. It is written in both forms\n\
    that cosign reads. Existing signatures are kept. What the key has signed already is not signed again.")]
pub(crate) struct Arguments {
    /// Policy in a registry
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Private key of ECDSA P-256 or Ed25519, unencrypted in PEM (PKCS #8), readable by its owner only
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let key = registry::signing_key(&arguments.key)?;
    let Checked { client, fetched, locked, .. } = registry::checked(&arguments.reference, &arguments.reached, global)?;
    let claim = Claim::of(&fetched.reference, &locked);
    client.sign(&fetched.reference, &fetched.manifest, &claim, &key).map_err(ansai_daemon::Error::from)?;
    let public = key.public();
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "reference": locked.resolved,
            "digest": locked.digest,
            "key": public.hint(),
        }))?,
        Format::Text => lines::line(&format!("signed {}, {}", locked.resolved, locked.digest))?,
    }
    Ok(exit::FINE)
}
