//! The key that signs: in a file, encrypted or not, or with a program that has it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_core::codes;
use ansai_core::text::inert;
use ansai_kit::program::{Ended, Program};
use ansai_registry::{RegistryError, SigningKey};
use clap::Args;

use crate::exit::Fault;
use crate::passphrase::{self, Prompt};
use crate::registry;

/// How long a program may take: a person may have to touch a device.
const LIMIT: Duration = Duration::from_secs(120);

/// Which key signs.
#[derive(Debug, Args)]
pub(crate) struct Signing {
    /// Private key that signs, in PEM, readable by its owner only: PKCS #8, or encrypted as `ansai keys new` and cosign do
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// File with the passphrase of an encrypted key [default: the variable COSIGN_PASSWORD, else the terminal]
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
    /// Command that signs its standard input and prints the signature in base64, instead of --key: an absolute path, with
    /// arguments separated by spaces
    #[arg(long, value_name = "COMMAND", conflicts_with = "key", requires = "command_key")]
    key_command: Option<String>,
    /// Public key of --key-command, in PEM
    #[arg(long, value_name = "FILE", requires = "key_command")]
    command_key: Option<PathBuf>,
}

impl Signing {
    /// The key.
    pub(crate) fn key(&self) -> anyhow::Result<SigningKey> {
        let missing = || Fault::usage(codes::USAGE, "a key that signs is missing");
        let hint =
            "pass --key FILE, or --key-command COMMAND with --command-key FILE; `ansai keys new FILE` makes a key";
        Ok(self.optional()?.ok_or_else(|| missing().hint(hint))?)
    }

    /// The key, where one is given.
    pub(crate) fn optional(&self) -> anyhow::Result<Option<SigningKey>> {
        match (&self.key, &self.key_command, &self.command_key) {
            (Some(path), ..) => of_file(path, self.passphrase_file.as_deref()).map(Some),
            (None, Some(command), Some(public)) => of_command(command, public).map(Some),
            _ => Ok(None),
        }
    }

    /// The file or command that is named, for messages.
    pub(crate) fn name(&self) -> PathBuf {
        self.key.clone().or_else(|| self.command_key.clone()).unwrap_or_default()
    }
}

fn of_file(path: &Path, passphrase_file: Option<&Path>) -> anyhow::Result<SigningKey> {
    let text = registry::key_text(path, true)?;
    if SigningKey::is_encrypted(&text) {
        let passphrase = passphrase::of(passphrase_file, Prompt::Of(path))?;
        let key = SigningKey::decrypt(&text, &passphrase);
        return key.map_err(|error| of_key(path, &error).into());
    }
    let no_key = || {
        let message = format!("{} is not a private key that can sign", path.display());
        let hint = match text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            true => "ansai does not read this form of encryption; `cosign import-key-pair --key FILE` converts it",
            false => "`ansai keys new FILE` makes one",
        };
        Fault::usage(codes::BAD_KEY, message).hint(hint)
    };
    Ok(SigningKey::of_pem(&text).ok_or_else(no_key)?)
}

fn of_key(path: &Path, error: &RegistryError) -> Fault {
    Fault::new(error.exit_code(), error.code(), format!("{}: {error}", path.display())).maybe_hint(error.hint())
}

fn of_command(command: &str, public: &Path) -> anyhow::Result<SigningKey> {
    let public = registry::public_key(public)?;
    let mut words = command.split_ascii_whitespace().map(str::to_owned);
    let program = PathBuf::from(words.next().unwrap_or_default());
    if !program.is_absolute() {
        let message = format!("--key-command {}: not an absolute path", inert(command, 200));
        return Err(Fault::usage(codes::USAGE, message).into());
    }
    let arguments: Vec<String> = words.collect();
    Ok(SigningKey::elsewhere(public, move |message| signed(&program, &arguments, message)))
}

/// What the program prints.
fn signed(program: &Path, arguments: &[String], message: &[u8]) -> Result<String, String> {
    let name = program.display();
    let run = Program::new(program).args(arguments).input(message).unmasked_stdout().limit(LIMIT).run(&|| false);
    let ran = run.map_err(|error| error.to_string())?;
    match ran.ended {
        Ended::By(status) if status.success() => Ok(ran.stdout.to_string()),
        Ended::By(status) => {
            let why = ran.stderr.last_line().map(|line| format!(": {}", inert(line, 200))).unwrap_or_default();
            Err(format!("{name} failed, {status}{why}"))
        }
        Ended::TimeLimit => Err(format!("{name} did not end within {} s", LIMIT.as_secs())),
        Ended::Stopped => Err(format!("{name} was stopped")),
    }
}
