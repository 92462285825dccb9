//! `ansai revoke`: makes and signs a list of revocations.

use std::path::PathBuf;

use ansai_core::quantity;
use ansai_core::{Millis, codes, exit};
use ansai_daemon::Error;
use ansai_registry::{
    NamedKey, PublicKey, RegistryError, RevocationList, RevocationSource, RevokedDigest, RevokedKey, RevokedVersions,
};
use ansai_storage::{Location, Permissions, WriteOptions};
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry;
use crate::signing::Signing;

/// The most bytes of a list.
const MOST_BYTES: u64 = 1 << 20;
const MOST_REASON: usize = 200;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai revoke acme.revocations --key key.pem --name acme            a list that revokes nothing yet\n  \
    ansai revoke acme.revocations --key key.pem --versions 'web@<1.2.3' --reason 'deletes too much'\n  \
    ansai revoke acme.revocations --key new.pem --signed-by old.pub --public-key old.pub --reason 'stolen'\n  \
    ansai revoke acme.revocations --key key.pem                        a new end, with the next serial\n\n\
    FILE is read if it exists, and gets the next serial. A list only grows: hosts refuse one that revokes less. Publish\n\
    it where `revocations` of [[trust]] points, and sign a new one before it expires. If FILE is lost, pass --serial with\n\
    a higher number than before, and revoke again what it revoked.")]
pub(crate) struct Arguments {
    /// The list
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    signing: Signing,
    /// Name of a new list
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Public key of whoever signed the existing list [default: that of --key]
    #[arg(long, value_name = "FILE")]
    signed_by: Option<PathBuf>,
    /// Revoke versions of a policy; repeatable
    #[arg(long, value_name = "NAME@RANGE", requires = "reason")]
    versions: Vec<String>,
    /// Revoke the manifest with this digest; repeatable
    #[arg(long, value_name = "sha256:DIGEST", requires = "reason")]
    digest: Vec<String>,
    /// Revoke a public key; repeatable
    #[arg(long, value_name = "FILE", requires = "reason")]
    public_key: Vec<PathBuf>,
    /// Why; hosts show it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// When the list expires
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    expires: String,
    /// Least serial number, if the newest list was lost
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    serial: u64,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let usage = |message: String| Fault::usage(codes::USAGE, message);
    let key = arguments.signing.key()?;
    let milliseconds = quantity::milliseconds(&arguments.expires);
    let lasts = milliseconds.map_err(|error| usage(format!("--expires: {error}")))?;
    if !(60_000..=366 * 86_400_000).contains(&lasts) {
        return Err(usage("--expires must be from 1 minute to 366 days".to_owned()).into());
    }
    let expires = ansai_supervisor::clock::now() + Millis::new(lasts);
    let reason = arguments.reason.clone().unwrap_or_default();
    if reason.len() > MOST_REASON || ansai_core::text::inert(&reason, MOST_REASON) != reason {
        return Err(usage(format!("--reason has more than {MOST_REASON} bytes, or control characters")).into());
    }
    let place = Location::followed(&arguments.file);
    let existing = place.read(MOST_BYTES).map_err(RegistryError::from).map_err(Error::from)?;
    let mut list = match existing {
        Some(content) => {
            let signer = match &arguments.signed_by {
                Some(path) => registry::public_key(path)?,
                None => key.public(),
            };
            let keys = vec![NamedKey { path: arguments.signing.name(), key: Ok(signer) }];
            let source = RevocationSource { address: arguments.file.display().to_string(), keys };
            let list =
                RevocationList::read(&content.bytes, &source).map_err(RegistryError::from).map_err(Error::from)?;
            if arguments.name.as_ref().is_some_and(|name| *name != list.name) {
                return Err(usage(format!("{} is the list `{}`", arguments.file.display(), list.name)).into());
            }
            let serial =
                list.serial.checked_add(1).ok_or_else(|| usage("the serial cannot grow any more".to_owned()))?;
            RevocationList { serial, expires, ..list }
        }
        None => {
            let name = arguments.name.as_ref().filter(|name| ansai_config::is_name(name));
            let missing =
                || usage(format!("{} does not exist: pass --name NAME to begin a list", arguments.file.display()));
            RevocationList::new(name.ok_or_else(missing)?, expires)
        }
    };
    list.serial = list.serial.max(arguments.serial);
    add(&mut list, arguments, &reason)?;
    let bytes = list.signed(&key).map_err(Error::from)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
        return Err(
            usage("the list is larger than 1 MiB: revoke ranges of versions instead of digests".to_owned()).into()
        );
    }
    let options = WriteOptions { permissions: Permissions::Mode(0o644), ..WriteOptions::PRIVATE };
    place.replace(&bytes, options).map_err(RegistryError::from).map_err(Error::from)?;
    let [versions, digests, keys] = [list.versions.len(), list.digests.len(), list.keys.len()];
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "file": arguments.file, "name": list.name, "serial": list.serial, "expires": list.expires,
            "versions": versions, "digests": digests, "keys": keys,
        }))?,
        Format::Text => lines::line(&format!(
            "signed {}: serial {}, ranges of versions: {versions}, digests: {digests}, keys: {keys}",
            arguments.file.display(),
            list.serial,
        ))?,
    }
    Ok(exit::FINE)
}

/// What is revoked already keeps its reason.
fn add(list: &mut RevocationList, arguments: &Arguments, reason: &str) -> anyhow::Result<()> {
    for text in &arguments.versions {
        let parts = text.split_once('@').and_then(|(name, range)| RevokedVersions::of(name, range, reason));
        let bad = || Fault::usage(codes::BAD_REFERENCE, format!("--versions {text}: write it as 'disk-space@<1.2.3'"));
        let one = parts.filter(|one| ansai_config::is_name(&one.name)).ok_or_else(bad)?;
        if !list.versions.iter().any(|known| known.name == one.name && known.versions == one.versions) {
            list.versions.push(one);
        }
    }
    for text in &arguments.digest {
        let digest = text.parse().map_err(Error::from)?;
        if !list.digests.iter().any(|known| known.digest == digest) {
            list.digests.push(RevokedDigest { digest, reason: reason.to_owned() });
        }
    }
    for path in &arguments.public_key {
        let key = PublicKey::hint(&registry::public_key(path)?);
        if !list.keys.iter().any(|known| known.key == key) {
            list.keys.push(RevokedKey { key, reason: reason.to_owned() });
        }
    }
    Ok(())
}
