//! Channels: one file for each way to send a message. All of them block, and none waits longer than its time limit.

mod answer;
mod command;
mod journal;
mod mail;
mod network;
mod open;
mod settings;
mod socket;
mod syslog;
mod webhook;

use std::time::Duration;

use ansai_kit::carrier::Handler;
pub use open::{ChannelError, Surroundings, check, open};
use serde::{Deserialize, Serialize};
pub use settings::{
    ChannelSettings, CommandSettings, JournalSettings, MailSettings, Preset, SecretPlace, SyslogSettings, Tls,
    WebhookSettings,
};

use crate::message::Message;

/// Sends messages in the process that calls servers, if the channel was given a carrier to it.
pub const HANDLER: &dyn Handler = &network::Sends;

/// How long an attempt may take, and whether it has to end earlier.
#[derive(Clone, Copy)]
pub struct Deadline<'a> {
    /// The time limit of the attempt.
    pub within: Duration,
    /// Whether ansai is stopping.
    pub is_stopping: &'a dyn Fn() -> bool,
}

/// A way to send messages.
pub trait Channel: Send + Sync {
    /// Sends a message and waits until the other side has accepted it.
    ///
    /// # Errors
    /// It was not accepted, or that is unknown.
    fn send(&self, message: &Message, deadline: Deadline<'_>) -> Result<Receipt, Fault>;

    /// Its kind: `mail`.
    fn kind(&self) -> &'static str;

    /// Where it sends to, for people, without secrets.
    fn destination(&self) -> String;
}

/// The other side accepted a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// What it answered, safe for terminals and without secrets: `250 2.0.0 Ok: queued as 9F3C`.
    pub answer: String,
}

/// Why a message was not accepted. `why` is safe for terminals, and has no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Fault {
    /// It was not accepted, and a later attempt may succeed.
    #[error("{why}")]
    Later {
        /// The shortest time to wait, if the other side names one.
        after: Option<Duration>,
        /// What happened.
        why: String,
    },
    /// It was refused, and would be refused again.
    #[error("{why}")]
    Never {
        /// What the other side answered.
        why: String,
    },
    /// It may have been accepted: the connection ended before the answer.
    #[error("{why}")]
    Unknown {
        /// What happened.
        why: String,
    },
}

impl Fault {
    pub(crate) fn later(why: impl Into<String>) -> Fault {
        Fault::Later { after: None, why: why.into() }
    }

    pub(crate) fn never(why: impl Into<String>) -> Fault {
        Fault::Never { why: why.into() }
    }

    pub(crate) fn unknown(why: impl Into<String>) -> Fault {
        Fault::Unknown { why: why.into() }
    }
}
