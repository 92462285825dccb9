//! `ansai push`: a policy into a registry.

use std::path::PathBuf;

use ansai_core::{codes, exit};
use ansai_daemon::Component;
use ansai_daemon::sources::{self, Source, SourceError};
use ansai_registry::{About, Reference};
use clap::Args;

use super::check;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry::{self, Reached};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai push disk-space.wasm registry.example/acme/disk-space\n  \
    ansai push policies/disk-space registry.example/acme/disk-space:1.2.0\n\n\
    The repository must end with the name of the policy, and the tag must be its version. A version that exists with\n\
    other content is refused, and so is a policy that `ansai check` refuses. The same component gets the same digest.")]
pub(crate) struct Arguments {
    /// Component, or directory with one
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// Destination: REGISTRY/REPOSITORY, with or without :VERSION
    #[arg(value_name = "REFERENCE")]
    reference: String,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let found = sources::find(std::slice::from_ref(&arguments.path))?;
    let path = match found.as_slice() {
        [Source::Component(path)] => path,
        [Source::OnlySources(dir)] => {
            return Err(ansai_daemon::Error::from(SourceError::OnlySources(dir.clone())).into());
        }
        several => {
            let message = format!("{} holds {} policies", arguments.path.display(), several.len());
            return Err(Fault::usage(codes::SEVERAL_POLICIES, message).hint("name one of them").into());
        }
    };
    if let Some(fault) = check::problem_of(&Source::Component(path.clone()), global)? {
        return Err(fault.into());
    }
    let component = Component::read(path, &interfaces)?;
    let manifest = &component.manifest;
    let about = About {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        description: manifest.description.clone(),
    };
    let reference =
        Reference::parse_with_tag(&arguments.reference, &about.version).map_err(ansai_daemon::Error::from)?;
    let store = registry::store(global, &interfaces)?;
    let client = arguments.reached.client(reference.registry(), &store)?;
    let published = client.publish(&reference, &component.bytes, &about).map_err(ansai_daemon::Error::from)?;
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "reference": reference.to_string(),
            "digest": published.digest,
            "existed": published.is_old,
        }))?,
        Format::Text => {
            let word = if published.is_old { "published already" } else { "published" };
            lines::line(&format!("{word}: {reference}, {}", published.digest))?;
        }
    }
    Ok(exit::FINE)
}
