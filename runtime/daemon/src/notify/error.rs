//! Why notifications do not work.

use ansai_core::text::inert;
use ansai_core::{Code, codes, exit};
use ansai_notify::channel::{ChannelError, Fault};
use ansai_notify::outbox::OutboxError;
use ansai_storage::StorageError;

/// Notifications cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The configuration has no channel, so nothing was ever to be told.
    #[error("the configuration has no [notify.channel.NAME]")]
    NoChannels,
    /// The daemon has channels, and runs without notifications.
    #[error("notifications do not run: they could not start")]
    NotStarted,
    /// No channel has this name.
    #[error("there is no channel `{}`", inert(name, 80))]
    UnknownChannel {
        /// The name.
        name: String,
        /// The names of all.
        known: Vec<String>,
    },
    /// The settings of a channel are invalid.
    #[error("[notify.channel.{channel}]: {error}")]
    Channel {
        /// The channel.
        channel: String,
        /// What is wrong.
        error: ChannelError,
    },
    /// A test message was not accepted.
    #[error("the channel {channel} does not deliver: {fault}")]
    NotSent {
        /// The channel.
        channel: String,
        /// Why.
        fault: Fault,
    },
    /// The outbox cannot be read or written.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// Its files cannot be made.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The system cannot create a thread.
    #[error("notifications: no thread can be created: {0}")]
    Thread(std::io::Error),
}

impl NotifyError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            NotifyError::NoChannels | NotifyError::UnknownChannel { .. } => codes::UNKNOWN_CHANNEL,
            NotifyError::Channel { error, .. } => error.code,
            NotifyError::NotSent { .. } => codes::NOT_DELIVERED,
            NotifyError::Outbox(_) | NotifyError::Storage(_) => codes::STATE_DIRECTORY,
            NotifyError::NotStarted | NotifyError::Thread(_) => codes::OTHER,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        match self {
            NotifyError::NoChannels => Some("add one, such as [notify.channel.log] with kind = \"syslog\"".to_owned()),
            NotifyError::UnknownChannel { name, known } => {
                let near = ansai_config::nearest_word(name, known.iter().map(String::as_str));
                Some(near.map_or_else(
                    || format!("channels: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                ))
            }
            NotifyError::Channel { error, .. } => Some(error.hint.clone()),
            NotifyError::NotSent { fault: Fault::Later { .. }, .. } => {
                Some("check that the server is running and reachable, and its log".to_owned())
            }
            NotifyError::NotSent { .. } => Some("correct the settings of the channel".to_owned()),
            NotifyError::NotStarted => Some("the log of ansai says why: `journalctl -u ansai`".to_owned()),
            NotifyError::Outbox(OutboxError::Newer { .. }) => Some("install that ansai again".to_owned()),
            NotifyError::Outbox(_) | NotifyError::Storage(_) | NotifyError::Thread(_) => None,
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            NotifyError::NoChannels | NotifyError::UnknownChannel { .. } | NotifyError::Channel { .. } => exit::USAGE,
            _ => exit::OTHER,
        }
    }
}
