//! `ansai sign`: vouches for a policy in a registry.

use ansai_core::exit;
use ansai_registry::Claim;
use clap::Args;

use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry::{self, Checked, Reached};
use crate::signing::Signing;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai keys new acme.key                              write acme.key and acme.pub\n  \
    ansai sign registry.example/acme/disk-space:1.2.0 --key acme.key\n  \
    ansai sign registry.example/acme/disk-space:1.2.0 --key-command '/usr/local/bin/sign acme' --command-key acme.pub\n\n\
    The signature covers the digest, the name, the version, and what the policy asks for. It is written in both forms\n\
    that cosign reads. Existing signatures are kept. What the key has signed already is not signed again.")]
pub(crate) struct Arguments {
    /// Policy in a registry
    #[arg(value_name = "REFERENCE")]
    reference: String,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let key = arguments.signing.key()?;
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
