//! One connection: one request, one answer, and an end to both.

use std::sync::Weak;
use std::time::Duration;

use ansai_core::control::{
    Answer, MOST_ANSWER_BYTES, MOST_REQUEST_BYTES, Message, Refused, Replied, Reply, Request, VERSION,
};
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
/// How long a client waits for an undo: less than it waits for any answer.
const UNDO: Duration = Duration::from_secs(8);

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
                    let undone = match &message.request {
                        Request::Undo(target) => Some(target.plan.clone()),
                        _ => None,
                    };
                    let handling = tokio::task::spawn_blocking(move || handler.handle(message.request, &by));
                    let handled = async move {
                        let panicked = "the request panicked; the log of the daemon has more";
                        handling.await.unwrap_or_else(|_| refusal(codes::OTHER, panicked, None))
                    };
                    match undone {
                        None => handled.await,
                        Some(plan) => undone_in_time(handled, UNDO, plan).await,
                    }
                }
            },
        },
    };
    if let Err(error) = timeout(WRITE, stream.write_all(&written(&replied))).await.unwrap_or(Ok(())) {
        tracing::debug!("control socket: {error}");
    }
}

/// The answer to an undo. One that takes longer than a client waits runs on, and the client is told so.
async fn undone_in_time(handled: impl Future<Output = Replied>, limit: Duration, plan: String) -> Replied {
    timeout(limit, handled).await.unwrap_or(Replied::Done(Answer::Undoing { plan }))
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
    let json = |reply: &Replied| serde_json::to_vec(&Reply { version: VERSION, reply: reply.clone() });
    let mut line = match json(reply) {
        Ok(line) if line.len() < MOST_ANSWER_BYTES => line,
        Ok(_) => json(&refusal(codes::OTHER, "the answer is longer than 16 MiB", None)).unwrap_or_default(),
        Err(error) => {
            let message = format!("the answer cannot be written: {}", inert(&error.to_string(), 200));
            json(&refusal(codes::OTHER, &message, None)).unwrap_or_default()
        }
    };
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn an_undo_that_takes_long_runs_on() {
        let plan = || "p".to_owned();
        let runs_on = undone_in_time(std::future::pending(), Duration::ZERO, plan()).await;
        assert_eq!(runs_on, Replied::Done(Answer::Undoing { plan: plan() }));
        let done = Replied::Done(Answer::Undone { steps: Vec::new() });
        assert_eq!(undone_in_time(std::future::ready(done.clone()), Duration::ZERO, plan()).await, done);
    }

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
