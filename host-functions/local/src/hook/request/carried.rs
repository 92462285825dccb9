//! The request of a hook, sent by the process that calls servers.

use std::time::Duration;

use ansai_core::Refusal;
use ansai_core::hook::Method;
use ansai_http_client::Failure;
use ansai_kit::call::to_text;
use ansai_kit::carrier::{Carrier, Handler, Lost, Masks, Octets, ask};
use ansai_kit::host::Deadline;
use ansai_kit::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{MOST_BODY, Request};

const KIND: &str = "hook";
/// The longest answer of the process, in bytes: a body in base64, and some words.
const MOST_ANSWER: usize = 2 * MOST_BODY;

/// A request as it crosses.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Passed {
    method: Method,
    url: String,
    body: Option<String>,
    secret: Option<(Option<String>, Octets)>,
}

/// What became of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Became {
    Answered { status: u16, body: Octets },
    NotSent(String),
    NoAnswer(String),
    TimeLimit,
}

/// Has it sent. The answer is masked and bounded by who asked, as one of this process.
pub(super) fn exchange(request: &Request, limit: Duration, carrier: &dyn Carrier) -> Result<(u16, Vec<u8>), Failure> {
    let Request { method, url, body, secret } = request;
    let secret = secret.as_ref().map(|(header, secret)| (header.clone(), Octets::of(secret.expose())));
    let passed = Passed { method: *method, url: url.clone(), body: body.clone(), secret };
    // A body may have the secret in base64, which has no meaning after it was masked.
    let masks = Masks::of(&[]);
    let server = ansai_http_client::endpoint(url);
    match ask(carrier, (KIND, &passed), server, &masks, (&Deadline::after(limit), false), MOST_ANSWER) {
        Ok(Became::Answered { status, body }) => {
            let body = body.expose();
            Ok((status, body.get(..=MOST_BODY).unwrap_or(body).to_vec()))
        }
        Ok(Became::NotSent(why)) => Err(Failure::NotSent(why)),
        Ok(Became::NoAnswer(why)) => Err(Failure::NoAnswer(why)),
        Ok(Became::TimeLimit) | Err(Lost::Unanswered(Refusal::TimedOut(_))) => Err(Failure::TimeLimit),
        Err(Lost::NotSent(refusal)) => Err(Failure::NotSent(refusal.to_string())),
        Err(Lost::Unanswered(refusal)) => Err(Failure::NoAnswer(refusal.to_string())),
    }
}

/// Sends requests of hooks in the process that was asked to.
#[derive(Debug)]
pub(crate) struct Exchanges;

impl Handler for Exchanges {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn answer(&self, request: &str, deadline: &Deadline) -> Result<Box<RawValue>, Refusal> {
        // The error could have a part of a secret.
        let Passed { method, url, body, secret } = serde_json::from_str(request)
            .map_err(|error| Refusal::Invalid(format!("not a hook of this version: {:?}", error.classify())))?;
        let secret = secret.map(|(header, secret)| (header, Secret::of(secret.expose())));
        let became = match super::exchange(&Request { method, url, body, secret }, deadline.remaining()) {
            Ok((status, body)) => Became::Answered { status, body: Octets::of(&body) },
            Err(Failure::NotSent(why)) => Became::NotSent(why),
            Err(Failure::NoAnswer(why)) => Became::NoAnswer(why),
            Err(Failure::TimeLimit) => Became::TimeLimit,
        };
        Ok(to_text(&became).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use ansai_kit::carrier::{Answer, Handled, Handlers, RequestText};

    use super::*;

    /// Another process that says this, or does what it is asked to.
    #[derive(Debug)]
    struct Process(Option<String>);

    impl Carrier for Process {
        fn carry(&self, request: RequestText, deadline: &Deadline, _: bool) -> Result<Box<RawValue>, Lost> {
            static ALL: Handlers = &[&Exchanges];
            if let Some(says) = &self.0 {
                return Ok(serde_json::from_str(says).unwrap());
            }
            let answer = Handled::of(&request, ALL).unwrap().unwrap().answer(deadline).unwrap();
            Ok(to_text(&Answer::Ok(answer)).unwrap())
        }
    }

    fn asked(process: &Process, url: String) -> Result<(u16, Vec<u8>), Failure> {
        let secret = Some((None, Secret::of(b"correct-horse-7f3a")));
        let request = Request { method: Method::Post, url, body: Some("{}".into()), secret };
        exchange(&request, Duration::from_secs(30), process)
    }

    #[test]
    fn an_answer_crosses_and_an_untrue_one_is_bounded() {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let mut read = 0;
            while !request[..read].ends_with(b"{}") {
                read += stream.read(&mut request[read..]).unwrap();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        assert_eq!(asked(&Process(None), url), Ok((200, b"ok".to_vec())));
        assert!(server.join().unwrap().contains("Bearer correct-horse-7f3a"));
        let nowhere = asked(&Process(None), "http://224.0.0.1:9/".into());
        assert!(matches!(&nowhere, Err(Failure::NotSent(why)) if why.contains("unreachable")), "{nowhere:?}");
        let says = |text: &str| asked(&Process(Some(text.to_owned())), "http://127.0.0.1:1/".into());
        assert_eq!(says(r#"{"ok":"time-limit"}"#), Err(Failure::TimeLimit));
        for text in [
            "{}".to_owned(),
            r#"{"ok":{"answered":{"status":70000,"body":""}}}"#.to_owned(),
            format!(r#"{{"ok":{{"answered":{{"status":200,"body":"{}"}}}}}}"#, "QUFB".repeat(MOST_BODY)),
        ] {
            assert!(matches!(says(&text), Err(Failure::NoAnswer(_))));
        }
    }
}
