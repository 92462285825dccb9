//! `ansai notify`: channels, and messages that wait or were not delivered.

use std::path::Path;

use ansai_core::control::{Answer, Request};
use ansai_core::exit;
use ansai_core::notify::MessageChoice;
use ansai_core::text::inert;
use ansai_daemon::{Configuration, notify};
use ansai_notify::channel::Receipt;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::asking::ask;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::count::count;
use crate::output::{json, lines, notifications, orders};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai notify test mail      send a test message through a channel\n  \
    ansai notify status         show the channels, and messages that were not delivered\n  \
    ansai notify retry mail     send what was not delivered through a channel again, now")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Send a test message through a channel, and show what the other side answers
    #[command(after_help = "Examples:\n  ansai notify test mail\n  ansai notify test pager --format json\n\n\
        The message is sent by this command, with the configuration as it is now, whether a daemon runs or not. It\n\
        needs to read the secrets of the channel: run it as root.")]
    Test {
        /// Name of the channel: `mail` for `[notify.channel.mail]`
        channel: String,
    },
    /// Show channels: what waits, what failed, and why
    #[command(after_help = "Examples:\n  ansai notify status\n  ansai notify status --format json\n\n\
        Asks the running daemon. If none runs, it shows what the last run left. Exit code 3 means that messages were\n\
        not delivered, or that a channel does not deliver now.")]
    Status,
    /// Send messages again that were not delivered, and try channels now that rest after a failure
    #[command(after_help = "Examples:\n  ansai notify retry                     all messages of all channels\n  \
        ansai notify retry mail                those of a channel\n  \
        ansai notify retry 1764400000000-7     one message, by its id")]
    Retry {
        /// Channel, or id of a message [default: all]
        #[arg(value_name = "CHANNEL|ID")]
        name: Option<String>,
    },
    /// Drop messages that wait or were not delivered: nobody gets them
    #[command(after_help = "Examples:\n  ansai notify drop mail                 all messages of a channel\n  \
        ansai notify drop 1764400000000-7      one message, by its id\n  \
        ansai notify drop --all                all messages of all channels")]
    Drop {
        /// Channel, or id of a message
        #[arg(value_name = "CHANNEL|ID", required_unless_present = "all")]
        name: Option<String>,
        /// Drop the messages of all channels
        #[arg(long, conflicts_with = "name")]
        all: bool,
    },
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    match &arguments.verb {
        Verb::Test { channel } => test(channel, global),
        Verb::Status => status(global),
        Verb::Retry { name } => {
            let request = Request::NotifyRetry(choice(name.as_deref()));
            change(request, global, |messages| format!("{} may be sent now", count(messages, "message")))
        }
        Verb::Drop { name, .. } => {
            let request = Request::NotifyDrop(choice(name.as_deref()));
            change(request, global, |messages| format!("dropped {}", count(messages, "message")))
        }
    }
}

fn choice(name: Option<&str>) -> MessageChoice {
    name.map_or(MessageChoice::All, |name| MessageChoice::Named { name: name.to_owned() })
}

fn test(channel: &str, global: &Global) -> anyhow::Result<u8> {
    accepted(channel, global, |configuration, program| notify::test(configuration, channel, program))
}

/// Sends a message through a channel with the configuration of now, and shows the answer.
pub(super) fn accepted(
    channel: &str,
    global: &Global,
    send: impl FnOnce(&Configuration, Option<&Path>) -> Result<Receipt, notify::NotifyError>,
) -> anyhow::Result<u8> {
    let configuration = global.configuration(&ansai_host_functions::builtin().interfaces())?;
    let Some(configuration) = configuration else {
        return Err(Fault::from(&ansai_daemon::Error::from(notify::NotifyError::NoChannels)).into());
    };
    let program = ansai_daemon::host::program(crate::compiler::compiler());
    let receipt = send(&configuration, program.as_deref()).map_err(ansai_daemon::Error::from)?;
    match global.format {
        Format::Text => lines::line(&format!("{channel} accepted the message: {}", inert(&receipt.answer, 300)))?,
        Format::Json => json::document(&json!({ "format": 1, "channel": channel, "answer": receipt.answer }))?,
    }
    Ok(exit::FINE)
}

fn status(global: &Global) -> anyhow::Result<u8> {
    let done = ask(global, Request::Notifications)?;
    let Answer::Notifications(status) = &done.answer else { anyhow::bail!("the daemon answered something else") };
    match global.format {
        Format::Text => {
            for line in notifications::lines(status) {
                lines::line(&line)?;
            }
            if !done.is_running {
                lines::line("no ansai runs: this is what it left")?;
            }
        }
        Format::Json => json::document(&orders::document(&done))?,
    }
    let is_bad = status.channels.iter().any(|channel| channel.dead > 0 || channel.failures > 0);
    Ok(if is_bad { exit::UNHEALTHY } else { exit::FINE })
}

fn change(request: Request, global: &Global, says: impl Fn(u64) -> String) -> anyhow::Result<u8> {
    let done = ask(global, request)?;
    match (global.format, &done.answer) {
        (Format::Text, Answer::Messages { messages }) => lines::line(&says(*messages))?,
        _ => json::document(&orders::document(&done))?,
    }
    Ok(exit::FINE)
}
