//! `ansai login`: logs in to a registry.

use std::io::{IsTerminal as _, Read as _};

use ansai_core::{codes, exit};
use ansai_registry::{Client, Credentials, Login, Reference};
use clap::Args;
use zeroize::Zeroizing;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{json, lines};
use crate::registry::{self, Reached};

/// The most bytes of a password or token.
const MOST_SECRET: u64 = 16 << 10;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai login registry.example --user deploy < password\n\n\
    ansai checks the login with the registry, then stores it in the state directory, readable only by its owner. A later\n\
    login to the same registry replaces it.")]
pub(crate) struct Arguments {
    /// Host of the registry, with its port if it has one
    #[arg(value_name = "REGISTRY")]
    registry: String,
    /// User; the password or token is read from standard input
    #[arg(long, value_name = "NAME")]
    user: String,
    #[command(flatten)]
    reached: Reached,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    // The host is checked as in the name of a policy.
    let host = format!("{}/any:1", arguments.registry).parse::<Reference>();
    let host = host.map_err(ansai_daemon::Error::from)?;
    if std::io::stdin().is_terminal() {
        let fault = Fault::usage(codes::USAGE, "the password is read from standard input, which is a terminal");
        return Err(fault.hint(format!("ansai login {} --user NAME < FILE", arguments.registry)).into());
    }
    let login = Login { user: arguments.user.clone(), secret: secret()? };
    let store = registry::store(global, &interfaces)?;
    let client = Client::new(host.registry(), &arguments.reached.connection(), Some(login.clone()));
    client.and_then(|client| client.check_login()).map_err(ansai_daemon::Error::from)?;
    let kept = Credentials::of(&store).and_then(|known| known.keep(&store, host.registry(), &login));
    kept.map_err(ansai_daemon::Error::from)?;
    match global.format {
        Format::Json => json::document(&serde_json::json!({ "registry": host.registry(), "user": login.user }))?,
        Format::Text => lines::line(&format!("logged in to {} as {}", host.registry(), login.user))?,
    }
    Ok(exit::FINE)
}

/// One line.
fn secret() -> anyhow::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin().take(MOST_SECRET + 1).read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).ok().map(|text| text.trim_end_matches(['\n', '\r']));
    let is_line =
        |text: &&str| !text.is_empty() && text.len() as u64 <= MOST_SECRET && !text.chars().any(char::is_control);
    match text.filter(is_line) {
        Some(text) => Ok(Zeroizing::new(text.to_owned())),
        None => Err(Fault::usage(codes::USAGE, "standard input is not one line with a password").into()),
    }
}
