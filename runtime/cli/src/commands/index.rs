//! `ansai index`: a signed index of policies, and pages, for any web server.

mod facts;

use std::path::{Path, PathBuf};

use ansai_core::{codes, exit};
use ansai_registry::index::{FILE_NAME, Index, MOST_BYTES, pages};
use ansai_registry::{PublicKey, RegistryError};
use ansai_storage::{Directory, Permissions, WriteOptions};
use clap::Args;

use self::facts::Facts;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::{self, json, lines};
use crate::registry::{self, Reached};
use crate::signing::Signing;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai index policies/ --out public --key index.pem\n  \
    ansai index policies/ registry.example/acme/disk-space --out public --key index.pem --signer acme.pub\n\n\
    It writes index.json, which `ansai search` and `ansai info` read, and pages for people. The serial number is one\n\
    more than that of the index in the directory. Keep the directory: readers refuse a lower number than before. If it\n\
    is lost, pass --serial. Scenarios of policies in directories are run. A policy that cannot be read is named and left\n\
    out.")]
pub(crate) struct Arguments {
    /// Directories with built policies, and policies in registries: REGISTRY/REPOSITORY
    #[arg(value_name = "DIR|REPOSITORY", required = true)]
    sources: Vec<String>,
    /// Directory for a web server; a missing one is created
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    signing: Signing,
    /// Title of the index
    #[arg(long, value_name = "TEXT", default_value = "Policies for ansai")]
    title: String,
    /// Public key of an author; the index calls it by the name of the file without `.pub`; repeatable
    #[arg(long = "signer", value_name = "FILE")]
    signers: Vec<PathBuf>,
    /// Figures of a chaos board, as `make chaos` writes them, for policies in directories; repeatable. `chaos.json` beside a
    /// policy is read too
    #[arg(long = "chaos", value_name = "FILE")]
    boards: Vec<PathBuf>,
    /// How many versions of each repository are listed, the highest first
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    versions: u16,
    /// Least serial number, if the directory was lost
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    serial: u64,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let key = arguments.signing.key()?;
    let mut signers = Vec::new();
    for path in &arguments.signers {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        signers.push((name, registry::public_key(path)?));
    }
    let created = missing(&arguments.out);
    let out = Directory::create(&arguments.out).map_err(|error| failed(&error.into()))?;
    for path in created {
        // A web server is another user.
        let changed = rustix::fs::chmod(path, rustix::fs::Mode::from_raw_mode(0o755));
        changed.map_err(|error| Fault::other(codes::FILE_ACCESS, format!("{}: {error}", path.display())))?;
    }
    let serial = next_serial(&out, &key.public())?.max(arguments.serial);
    let mut boards = Vec::new();
    for path in &arguments.boards {
        let missing = || Fault::usage(codes::FILE_ACCESS, format!("{}: no such file", path.display()));
        boards.push(facts::chaos(path)?.ok_or_else(missing)?);
    }
    let mut facts = Facts::new(signers, usize::from(arguments.versions), boards)?;
    let mut refused: Vec<Fault> = Vec::new();
    for source in &arguments.sources {
        match Path::new(source).exists() {
            true => facts.directory(Path::new(source), &mut refused)?,
            false => facts.repository(source, &arguments.reached, global, &mut refused)?,
        }
    }
    let index = Index::new(serial, &arguments.title, facts.policies());
    let sealed = index.seal(&key).map_err(ansai_daemon::Error::from)?;
    // What cannot be read again is not published.
    let again = Index::open(&sealed, &[key.public()]);
    again
        .map_err(|why| RegistryError::Index { place: arguments.out.display().to_string(), why })
        .map_err(ansai_daemon::Error::from)?;
    // A web server reads them.
    let options = WriteOptions { permissions: Permissions::Mode(0o644), ..WriteOptions::PRIVATE };
    let pages = pages(&index);
    for page in &pages {
        out.replace(&page.name, page.text.as_bytes(), options).map_err(|error| failed(&error.into()))?;
    }
    out.replace(FILE_NAME, &sealed, options).map_err(|error| failed(&error.into()))?;
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "serial": serial,
            "policies": index.policies.len(),
            "pages": pages.len(),
            "key": key.public().hint(),
        }))?,
        Format::Text => lines::line(&format!(
            "wrote index {serial} with {} to {}",
            count(index.policies.len(), "policy"),
            arguments.out.display()
        ))?,
    }
    let Some(last) = refused.pop() else { return Ok(exit::FINE) };
    refused.iter().for_each(output::fault);
    Err(last.into())
}

/// The directory and those above it, as far as they do not exist. `..` is no new directory.
fn missing(out: &Path) -> Vec<&Path> {
    let above = out.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
    above.filter(|path| path.file_name().is_some()).collect()
}

fn failed(error: &RegistryError) -> Fault {
    Fault::other(error.code(), error.to_string())
}

/// One more than that of the index that is there. An index of another key is not replaced: its readers would refuse this one.
fn next_serial(out: &Directory, key: &PublicKey) -> Result<u64, ansai_daemon::Error> {
    let Some(content) = out.read(FILE_NAME, MOST_BYTES).map_err(RegistryError::from)? else { return Ok(1) };
    let refused = |why| RegistryError::Index { place: out.path_of(FILE_NAME).display().to_string(), why };
    let index = Index::open(&content.bytes, std::slice::from_ref(key)).map_err(refused)?;
    Ok(index.serial.saturating_add(1))
}
