//! What an error of a server tells a policy: the kind, never the text of the server, which may hold values and statements.

use std::io;

use ansai_core::Refusal;
use ansai_core::text::inert;

use super::packet::Content;

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection, or a reply that is not as documented.
    Connection(io::Error),
    /// The server reports an error with this number.
    Server(u16),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Connection(error)
    }
}

impl Failure {
    /// Of a packet that reports an error.
    pub(super) fn of_server(content: &[u8]) -> Failure {
        let number = Content(content.get(1..).unwrap_or_default()).number(2);
        Failure::Server(number.and_then(|number| u16::try_from(number).ok()).unwrap_or(0))
    }

    /// Whether the server closed the connection before it answered.
    pub(super) fn is_closed(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        matches!(self, Failure::Connection(error)
            if matches!(error.kind(), UnexpectedEof | BrokenPipe | ConnectionReset | ConnectionAborted))
    }

    /// The refusal for a target.
    pub(super) fn refusal(&self, target: &str) -> Refusal {
        let number = match self {
            Failure::Connection(_) if self.is_closed() => {
                return Refusal::Unavailable(format!("target `{target}`: the server closed the connection"));
            }
            // Of ours, of TLS, or of the system: no text of the server.
            Failure::Connection(error) => {
                return Refusal::Unavailable(format!("target `{target}`: {}", inert(&error.to_string(), 200)));
            }
            Failure::Server(number) => *number,
        };
        let say = |what: &str| format!("target `{target}`: {what} (error {number})");
        match number {
            1_317 | 1_969 | 3_024 => {
                Refusal::TimedOut(say("the server ended the statement, because its time was over"))
            }
            1_205 | 1_213 => Refusal::Busy(say("a lock was not available in time")),
            1_044 | 1_045 | 1_130 | 1_251 | 1_698 | 3_118 | 4_151 => {
                Refusal::Unavailable(say("the server refuses the login"))
            }
            1_129 => Refusal::Unavailable(say("the server refuses this host, because too many logins failed")),
            1_049 => Refusal::Unavailable(say("there is no such database")),
            1_040 | 1_203 | 1_226 => Refusal::Busy(say("the server has no free connection")),
            1_053 | 1_927 => Refusal::Unavailable(say("the server is stopping, or ended the connection")),
            1_142 | 1_143 | 1_227 | 1_370 | 1_095 => Refusal::Unavailable(say("the user lacks a privilege")),
            1_094 => Refusal::Changed(say("the session is over")),
            1_054 | 1_064 | 1_109 | 1_146 | 1_193 | 1_235 | 1_305 => {
                Refusal::Unsupported(say("this version of the server lacks something"))
            }
            1_290 | 1_836 => Refusal::Unsupported(say("the server is a replica, or read-only")),
            _ => Refusal::Unavailable(say("the server reports an error")),
        }
    }
}
