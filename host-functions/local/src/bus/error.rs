//! Why the bus gives no answer.

use ansai_core::Refusal;
use ansai_core::text::inert;
use zbus::fdo;

/// The longest text of another program in a message, in characters.
const MOST_SHOWN: usize = 300;

/// Errors of the bus itself that say only that no answer came.
const UNANSWERED: [&str; 4] = [
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.Disconnected",
    "org.freedesktop.DBus.Error.Timeout",
    "org.freedesktop.DBus.Error.TimedOut",
];

/// The bus, or the program behind it, gives no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BusError {
    /// Nothing listens, or the connection broke.
    #[error("no connection to the system bus: {0}")]
    Closed(String),
    /// No answer within the limit.
    #[error("the system bus does not answer in time")]
    TimedOut,
    /// The program behind it refuses: the name of its error, and what it says.
    #[error("{text} ({name})")]
    Refused {
        /// `org.freedesktop.systemd1.NoSuchUnit`.
        name: String,
        /// For a person.
        text: String,
    },
    /// The answer is not as documented.
    #[error("the answer on the system bus is not as documented: {0}")]
    Invalid(String),
}

impl BusError {
    pub(super) fn closed(error: &dyn std::fmt::Display) -> BusError {
        BusError::Closed(inert(&error.to_string(), MOST_SHOWN))
    }

    /// Whether the program behind it refuses with an error of this name.
    pub(crate) fn is(&self, error: &str) -> bool {
        matches!(self, BusError::Refused { name, .. } if name == error)
    }

    /// Whether the program behind it may have done what it was told, or may still do it.
    pub(crate) fn may_be_done(&self) -> bool {
        match self {
            BusError::Refused { name, .. } => UNANSWERED.contains(&name.as_str()),
            BusError::Closed(_) | BusError::TimedOut | BusError::Invalid(_) => true,
        }
    }
}

impl From<zbus::Error> for BusError {
    fn from(error: zbus::Error) -> BusError {
        let refused =
            |name: &str, text: &str| BusError::Refused { name: inert(name, MOST_SHOWN), text: inert(text, MOST_SHOWN) };
        match error {
            zbus::Error::MethodError(name, text, _) => refused(name.as_str(), &text.unwrap_or_default()),
            zbus::Error::FDO(error) => match *error {
                fdo::Error::ZBus(error) => error.into(),
                // Nobody has the name of systemd, or it left while it was asked.
                fdo::Error::NoReply(text) | fdo::Error::Disconnected(text) => {
                    BusError::Closed(inert(&text, MOST_SHOWN))
                }
                fdo::Error::Timeout(_) | fdo::Error::TimedOut(_) => BusError::TimedOut,
                error => refused(
                    zbus::DBusError::name(&error).as_str(),
                    zbus::DBusError::description(&error).unwrap_or_default(),
                ),
            },
            zbus::Error::InputOutput(error) => BusError::closed(&error),
            zbus::Error::Connection(error, _) => BusError::closed(&error),
            zbus::Error::Handshake(text) => BusError::Closed(inert(&text, MOST_SHOWN)),
            error => BusError::Invalid(inert(&error.to_string(), MOST_SHOWN)),
        }
    }
}

/// For a policy.
impl From<BusError> for Refusal {
    fn from(error: BusError) -> Refusal {
        let text = error.to_string();
        match error {
            BusError::TimedOut => Refusal::TimedOut(text),
            BusError::Closed(_) | BusError::Refused { .. } | BusError::Invalid(_) => Refusal::Unavailable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_cannot_change_the_terminal() {
        let error = BusError::from(zbus::Error::Handshake("no\u{1b}[2J".into()));
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
        let long = BusError::from(zbus::Error::Failure("x".repeat(10_000)));
        assert!(long.to_string().len() < 1_000);
        assert!(matches!(Refusal::from(BusError::TimedOut), Refusal::TimedOut(_)));
    }

    #[test]
    fn only_a_refusal_shows_that_nothing_was_done() {
        let refused = |name: &str| BusError::Refused { name: name.into(), text: String::new() };
        assert!(!refused("org.freedesktop.systemd1.NoSuchUnit").may_be_done());
        for error in [BusError::TimedOut, BusError::Closed(String::new()), refused(UNANSWERED[0])] {
            assert!(error.may_be_done(), "{error}");
        }
    }
}
