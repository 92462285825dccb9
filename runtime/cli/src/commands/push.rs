//! `ansai push`: a policy into a registry.

use std::path::{Path, PathBuf};

use ansai_core::{Interface, codes, exit};
use ansai_daemon::sources::{self, Source, SourceError};
use ansai_daemon::{Component, pulled};
use ansai_devkit::build::{self, BuildOptions};
use ansai_engine::metadata::{Producer, metadata};
use ansai_registry::{About, Claim, Provenance, Reference, RegistryError, provenances};
use clap::Args;

use super::check;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry::{self, Reached};
use crate::signing::Signing;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai push disk-space.wasm registry.example/acme/disk-space\n  \
    ansai push policies/disk-space registry.example/acme/disk-space:1.2.0\n  \
    ansai push policies/disk-space registry.example/acme/disk-space --reproducible --key key.pem\n\n\
    The repository must end with the name of the policy, and the tag must be its version. A version that exists with\n\
    other content is refused, and so is a policy that `ansai check` refuses. The same component gets the same digest.\n\n\
    --reproducible builds the policy again, from nothing, and refuses a component with other bytes. With --key, a signed\n\
    statement about the build is put beside the policy; `ansai verify` shows it. `ansai sign` signs the policy itself.")]
pub(crate) struct Arguments {
    /// Component, or directory with one
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// Destination: REGISTRY/REPOSITORY, with or without :VERSION
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Build it again, and refuse it if the bytes differ
    #[arg(long)]
    reproducible: bool,
    #[command(flatten)]
    signing: Signing,
    /// With --reproducible: build as root, which runs the build scripts of the policy as root
    #[arg(long, requires = "reproducible")]
    allow_root: bool,
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
    let key = arguments.signing.optional()?;
    if arguments.reproducible {
        reproduced(&component, arguments.allow_root, &interfaces)?;
    }
    let store = registry::store(global, &interfaces)?;
    let client = arguments.reached.client(reference.registry(), &store)?;
    let published = client.publish(&reference, &component.bytes, &about).map_err(ansai_daemon::Error::from)?;
    if let Some(key) = &key {
        registry::sweep(&store, global);
        let fetched = client.fetch(&reference, &store).map_err(ansai_daemon::Error::from)?;
        // Only what was built here is signed for, whatever the registry has under the tag.
        if fetched.manifest.digest != published.digest {
            let (expected, found) = (published.digest, fetched.manifest.digest);
            let what = "the manifest".to_owned();
            return Err(ansai_daemon::Error::from(RegistryError::Digest { what, expected, found }).into());
        }
        let locked = pulled::check(&store, &reference.to_string(), &fetched, &interfaces)?;
        let claim = Claim::of(&reference, &locked);
        let provenance = provenance(&component, arguments.reproducible);
        let known = client.signatures(&reference, &published.digest).map_err(ansai_daemon::Error::from)?;
        // Each push again would add one more statement.
        if !provenances(&claim, &known, &[key.public()]).iter().any(|(said, _)| *said == provenance) {
            let attested = client.attest(&reference, &fetched.manifest, (&claim, &provenance), key);
            attested.map_err(ansai_daemon::Error::from)?;
        }
    }
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

/// Builds the policy again, in an empty directory, and compares.
fn reproduced(component: &Component, allow_root: bool, interfaces: &[Interface]) -> anyhow::Result<()> {
    let dir = component.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch = tempfile::Builder::new().prefix("ansai-build-").tempdir()?;
    let built = build::again(dir, scratch.path(), &BuildOptions { allow_root, interfaces });
    let built = built.map_err(|error| super::build::fault(error, dir))?;
    if built.sha256 == component.found.digest {
        return Ok(());
    }
    let message = format!("{}: another build gives other bytes", component.path.display());
    let hint = match built.reproducible {
        true => format!("run `ansai build {}` with this compiler, and push again", dir.display()),
        false => "the compiler of this language is not reproducible: push without --reproducible".to_owned(),
    };
    Err(Fault::refused(codes::NOT_REPRODUCIBLE, message).hint(hint).into())
}

fn provenance(component: &Component, is_reproduced: bool) -> Provenance {
    let metadata = metadata(&component.bytes);
    let shown = |one: Producer| format!("{} {}", one.name, one.version).trim_end().to_owned();
    Provenance {
        sources: build::recorded(&component.bytes).map(str::to_owned),
        tools: metadata.languages.into_iter().chain(metadata.tools).map(shown).collect(),
        ansai: env!("CARGO_PKG_VERSION").to_owned(),
        is_reproduced,
    }
}
