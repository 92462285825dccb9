//! `ansai keys`: keys that sign.

use std::path::{Path, PathBuf};

use ansai_core::exit;
use ansai_daemon::Error;
use ansai_registry::{KeyKind, NewKey};
use ansai_storage::Existing;
use clap::{Args, Subcommand, ValueEnum};

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::passphrase::{self, Prompt};
use crate::writing;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key that signs, encrypted with a passphrase, and its public key
    #[command(after_help = "Examples:\n  \
        ansai keys new acme.key                              write acme.key and acme.pub\n  \
        ansai keys new acme.key --passphrase-file passphrase\n  \
        ansai keys new ci.key --unencrypted                  for a machine that nobody types at\n\n\
        The passphrase comes from the file, from the variable COSIGN_PASSWORD, or from the terminal. cosign reads the key\n\
        too. An existing file is never replaced.")]
    New {
        /// File of the private key; the public key gets the same name with `.pub`
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What the key signs with
        #[arg(long, value_enum, default_value_t = Kind::P256)]
        kind: Kind,
        /// File with the passphrase
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// Do not encrypt the key: whoever reads the file can sign
        #[arg(long, conflicts_with = "passphrase_file")]
        unencrypted: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// ECDSA with P-256, as cosign makes them
    P256,
    /// Ed25519
    Ed25519,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let Verb::New { file, kind, passphrase_file, unencrypted } = &arguments.verb;
    let public_file = file.with_extension("pub");
    if public_file == *file {
        let message = format!("{} is the name of a public key", file.display());
        return Err(Fault::usage(ansai_core::codes::USAGE, message).hint("name the private key FILE.key").into());
    }
    for path in [file, &public_file] {
        absent(path, writing::absent_unless(false, path))?;
    }
    let kind = match kind {
        Kind::P256 => KeyKind::P256,
        Kind::Ed25519 => KeyKind::Ed25519,
    };
    let new = NewKey::generate(kind).map_err(Error::from)?;
    let public = new.key().map_err(Error::from)?.public();
    let text = match unencrypted {
        true => new.to_pem(),
        false => {
            let passphrase = passphrase::of(passphrase_file.as_deref(), Prompt::New)?;
            new.encrypted(&passphrase).map_err(Error::from)?
        }
    };
    absent(file, writing::create_with_directory(file, &text))?;
    absent(&public_file, writing::write_readable(&public_file, &public.to_pem(), Existing::Refused))?;
    match global.format {
        Format::Json => json::document(&serde_json::json!({
            "private": file,
            "public": public_file,
            "key": public.hint(),
            "encrypted": !unencrypted,
        }))?,
        Format::Text => {
            lines::line(&format!("private key: {}", file.display()))?;
            lines::line(&format!("public key:  {}", public_file.display()))?;
        }
    }
    Ok(exit::FINE)
}

/// A key is never replaced, so nothing offers that.
fn absent(path: &Path, written: Result<(), Fault>) -> Result<(), Fault> {
    written.map_err(|fault| match fault.code == ansai_core::codes::EXISTS {
        true => fault.hint(format!("choose another name: a key cannot be made again once {} is lost", path.display())),
        false => fault,
    })
}
