//! What an error of the client tells a policy: the kind, never the text of the server, which may hold values and statements.

use std::error::Error as _;

use ansai_core::Refusal;
use tokio_postgres::Error;

/// The refusal for an error of a target.
pub(super) fn refusal(target: &str, error: &Error) -> Refusal {
    let Some(state) = error.code() else {
        return Refusal::Unavailable(format!("target `{target}`: {}", without_server(error)));
    };
    let code = ansai_core::text::inert(state.code(), 5);
    let say = |what: &str| format!("target `{target}`: {what} (SQLSTATE {code})");
    match state.code() {
        "57014" => Refusal::TimedOut(say("the server ended the statement, because its time was over")),
        "55P03" => Refusal::Busy(say("a lock was not available in time")),
        "28P01" | "28000" => Refusal::Unavailable(say("the server refuses the login")),
        "3D000" => Refusal::Unavailable(say("there is no such database")),
        "53300" => Refusal::Busy(say("the server has no free connection")),
        "57P01" | "57P02" | "57P03" => Refusal::Unavailable(say("the server is starting or stopping")),
        "42501" => Refusal::Unavailable(say("the role lacks a privilege")),
        "42703" | "42883" | "42P01" | "42704" | "0A000" => {
            Refusal::Unsupported(say("this version of the server lacks something"))
        }
        "25006" => Refusal::Unsupported(say("the server is a replica, or read-only")),
        _ => Refusal::Unavailable(say("the server reports an error")),
    }
}

/// An error of ours or of the system, which holds no text of the server.
fn without_server(error: &Error) -> String {
    if error.is_closed() {
        return "the server closed the connection".into();
    }
    match error.source().and_then(|source| source.downcast_ref::<std::io::Error>()) {
        Some(io) if io.get_ref().is_none() => io.kind().to_string(),
        // Of `guarded`, or of TLS.
        Some(io) => ansai_core::text::inert(&io.to_string(), 200),
        None => "the login or a reply was invalid".into(),
    }
}
