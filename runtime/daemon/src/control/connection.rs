//! One connection: one request, one answer, and an end to both.

use std::sync::Weak;
use std::time::Duration;

use ansai_core::control::{MOST_ANSWER_BYTES, MOST_REQUEST_BYTES, Message, Refused, Replied, Reply, VERSION};
use ansai_core::order::Person;
use ansai_core::text::inert;
use ansai_core::{Code, codes, exit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::access::Right;
use super::handle::Handler;

/// How long a client may take for its request.
const READ: Duration = Duration::from_secs(5);
/// How long a client may take to read the answer.
const WRITE: Duration = Duration::from_secs(5);

/// Reads the request, does it, answers, and closes the connection.
pub(super) async fn serve(mut stream: UnixStream, right: Right, by: Person, handler: Weak<Handler>) {
    let replied = match timeout(READ, line(&mut stream)).await {
        Err(_) => refusal(codes::BAD_REQUEST, "no whole request within 5 s", None),
        Ok(Err(refused)) => refused,
        Ok(Ok(line)) => match parsed(&line) {
            Err(refused) => refused,
            Ok(message) if message.request.changes() && right < Right::Change => {
                let hint = "run this as root or as the user of the daemon, or see `operators` in [control]";
                refusal(codes::CONTROL_REFUSED, "this user may only read", Some(hint))
            }
            // It waits for the disk: beside the threads that evaluate.
            Ok(message) => match handler.upgrade() {
                None => refusal(codes::NOT_RUNNING, "ansai is stopping", None),
                Some(handler) => {
                    let handled = tokio::task::spawn_blocking(move || handler.handle(message.request, &by)).await;
                    let panicked = "the request panicked; the log of the daemon has more";
                    handled.unwrap_or_else(|_| refusal(codes::OTHER, panicked, None))
                }
            },
        },
    };
    if let Err(error) = timeout(WRITE, stream.write_all(&written(&replied))).await.unwrap_or(Ok(())) {
        tracing::debug!("control socket: {error}");
    }
}

/// Answers as far as the client takes it at once.
pub(super) fn refuse(stream: &UnixStream, replied: &Replied) {
    let _ = stream.try_write(&written(replied));
}

pub(super) fn refusal(code: Code, message: &str, hint: Option<&str>) -> Replied {
    let exit_code = if code == codes::CONTROL_REFUSED { exit::REFUSED } else { exit::OTHER };
    let (code, message) = (code.word().to_owned(), message.to_owned());
    Replied::Refused(Refused { code, message, hint: hint.map(str::to_owned), exit_code })
}

/// Up to the end of the line.
async fn line(stream: &mut UnixStream) -> Result<Vec<u8>, Replied> {
    let mut line = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let read = stream.read(&mut part).await.unwrap_or(0);
        let Some(part) = part.get(..read).filter(|part| !part.is_empty()) else {
            return Err(refusal(codes::BAD_REQUEST, "the request has no end of line", None));
        };
        match part.iter().position(|byte| *byte == b'\n') {
            Some(end) => line.extend_from_slice(part.get(..end).unwrap_or_default()),
            None => line.extend_from_slice(part),
        }
        if line.len() >= MOST_REQUEST_BYTES {
            return Err(refusal(codes::BAD_REQUEST, "the request is longer than 64 KiB", None));
        }
        if part.contains(&b'\n') {
            return Ok(line);
        }
    }
}

fn parsed(line: &[u8]) -> Result<Message, Replied> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let bad = |error: serde_json::Error| {
        refusal(codes::BAD_REQUEST, &format!("not a request: {}", inert(&error.to_string(), 200)), None)
    };
    // First the version: the form of the rest depends on it.
    let Version { version } = serde_json::from_slice(line).map_err(bad)?;
    if version != VERSION {
        let message = format!("the request has version {version} of the protocol; this ansai speaks {VERSION}");
        let hint = "use the program of the same version as the daemon";
        return Err(refusal(codes::BAD_REQUEST, &message, Some(hint)));
    }
    serde_json::from_slice(line).map_err(bad)
}

fn written(reply: &Replied) -> Vec<u8> {
    let line = |reply: &Replied| {
        let mut line = serde_json::to_vec(&Reply { version: VERSION, reply: reply.clone() }).unwrap_or_default();
        line.push(b'\n');
        line
    };
    let written = line(reply);
    if written.len() <= MOST_ANSWER_BYTES {
        return written;
    }
    line(&refusal(codes::OTHER, "the answer is longer than 16 MiB", None))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_refusal_is_typed() {
        let word = |line: &[u8]| match parsed(line).unwrap_err() {
            Replied::Refused(refused) => (refused.code, refused.message),
            Replied::Done(_) => unreachable!(),
        };
        for line in [&b""[..], b"{}", b"\xff", b"[1]", br#"{"version":1}"#, &b"[".repeat(60_000)] {
            assert_eq!(word(line).0, "bad-request");
        }
        let (code, message) = word(br#"{"version":2,"request":{"verb":"later"}}"#);
        assert!(code == "bad-request" && message.contains("version 2"), "{message}");
        assert!(parsed(br#"{"version":1,"request":{"verb":"pauses"}}"#).is_ok());
    }
}
