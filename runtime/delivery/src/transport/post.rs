//! Posts a message to a web server. Sends nothing else, reads only the status of the answer, and follows no redirects.
//!
//! The message is posted by a process without rights if there is a carrier: it gets the address, the message, the token and the
//! certificates, and can only say something untrue about this message.

use std::path::PathBuf;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_core::text::prose;
use ansai_kit::call::to_text;
use ansai_kit::carrier::{Carrier, Handler, Lost, Masks, Octets, ask_until_stopping};
use ansai_kit::host::Deadline;
use ansai_kit::secret::Secret;
use ansai_kit::{authorities, passed};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::SendError;
use super::url::{agent, roots_file, token, words};
use crate::message::Message;
use crate::target::UrlTarget;

/// The kind of the requests.
const KIND: &str = "post";
/// The longest answer of the process, in bytes.
const MOST_ANSWER: usize = 16 << 10;
/// The longest text of the process that is kept, in characters.
const MOST_TOLD: usize = 1_024;
/// The largest file of certificates that is passed, in bytes.
const MOST_FILE: u64 = 4 << 20;

/// What posts messages in the process that calls servers.
pub const HANDLER: &dyn Handler = &Posts;

/// A message as it crosses to the process.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Request {
    url: String,
    content_type: String,
    body: Octets,
    token: Option<Octets>,
    ca_file: Option<PathBuf>,
    /// What is in `ca_file`.
    trusts: Option<Octets>,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answered {
    /// The server answered with this status.
    Status(u16),
    TimeLimit,
    /// The certificates cannot be used, in these words.
    Certificates(String),
    /// There is no answer, in these words.
    None(String),
}

/// Posts the message, by the carrier if there is one. A status from 200 to 299 is success; the body of the answer is not read.
pub(super) fn send(
    target: &UrlTarget,
    message: &Message,
    carrier: Option<&dyn Carrier>,
    (limit, is_stopping): (Duration, &dyn Fn() -> bool),
) -> Result<(), SendError> {
    let token = target.token_file.as_deref().map(token).transpose()?;
    let mut request = Request {
        url: target.url.clone(),
        content_type: message.content_type.clone(),
        body: Octets::of(&message.body),
        token: token.as_ref().map(|token| Octets::of(token.as_bytes())),
        ca_file: target.ca_file.clone(),
        trusts: None,
    };
    let answered = match carrier {
        None => request.perform(limit),
        Some(carrier) => {
            request.take_certificates()?;
            let server = ansai_http_client::endpoint(&request.url);
            // The address may be a secret, too.
            let secrets: Vec<Secret> =
                token.iter().chain([&request.url]).map(|text| Secret::of(text.as_bytes())).collect();
            let masks = Masks::of(&secrets);
            let asked =
                ask_until_stopping(carrier, (KIND, &request), server, &masks, (limit, is_stopping), MOST_ANSWER);
            match asked {
                Ok(answered) => answered,
                Err(_) if is_stopping() => return Err(SendError::Stopping),
                Err(Lost::NotSent(Refusal::TimedOut(_)) | Lost::Unanswered(Refusal::TimedOut(_))) => {
                    Answered::TimeLimit
                }
                Err(lost) => Answered::None(lost.into_refusal().to_string()),
            }
        }
    };
    judged(answered, limit)
}

/// What the answer means.
fn judged(answered: Answered, limit: Duration) -> Result<(), SendError> {
    match answered {
        Answered::Status(200..=299) => Ok(()),
        Answered::Status(redirect @ 300..=399) => Err(SendError::Redirect(redirect)),
        Answered::Status(status) => Err(SendError::Status(status)),
        Answered::TimeLimit => Err(SendError::TimeLimit(limit)),
        Answered::Certificates(why) => Err(SendError::Certificates(prose(&why, MOST_TOLD))),
        Answered::None(why) => Err(SendError::Http(prose(&why, MOST_TOLD))),
    }
}

impl Request {
    /// Adds the certificates, which only the supervisor can read and check.
    fn take_certificates(&mut self) -> Result<(), SendError> {
        if self.url.starts_with("https://") {
            let path = roots_file(self.ca_file.as_deref())?;
            let content = authorities::read(&path, MOST_FILE)
                .map_err(|error| SendError::Certificates(format!("{}: {error}", path.display())))?;
            self.trusts = Some(Octets::of(&content));
            self.ca_file = Some(path);
        }
        Ok(())
    }

    /// Posts it from this process.
    fn perform(&self, limit: Duration) -> Answered {
        let failed = |error| match error {
            SendError::TimeLimit(_) => Answered::TimeLimit,
            SendError::Certificates(why) => Answered::Certificates(why),
            other => Answered::None(other.to_string()),
        };
        let agent = match agent(&self.url, self.ca_file.as_deref(), limit) {
            Ok(agent) => agent,
            Err(error) => return failed(error),
        };
        let mut request = agent.post(&self.url).header("content-type", &self.content_type);
        if let Some(token) = &self.token {
            let bearer = [b"Bearer ", token.expose()].concat();
            request = request.header("authorization", bearer.as_slice());
        }
        match request.send(self.body.expose()) {
            Ok(answer) => Answered::Status(answer.status().as_u16()),
            Err(error) => failed(words(&error, limit)),
        }
    }
}

/// Posts messages in the process that was asked to.
#[derive(Debug)]
struct Posts;

impl Handler for Posts {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn answer(&self, request: &str, deadline: &Deadline) -> Result<Box<RawValue>, Refusal> {
        // The error could have a part of a secret.
        let mut request: Request = serde_json::from_str(request)
            .map_err(|error| Refusal::Invalid(format!("not a message of this version: {:?}", error.classify())))?;
        let trusts = request.ca_file.clone().zip(request.trusts.take());
        let _trusts = trusts.map(|(path, content)| passed::file(path, Secret::of(content.expose())));
        to_text(&request.perform(deadline.remaining()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use ansai_kit::carrier::{Answer, Handled, RequestText};

    use super::*;

    /// Has the handler of this process answer, or says what a process that was taken over says.
    #[derive(Debug)]
    struct Other(Option<&'static str>);

    impl Carrier for Other {
        fn carry(&self, request: RequestText, deadline: &Deadline, ends: bool) -> Result<Box<RawValue>, Lost> {
            assert!(ends, "a message that nobody waits for is not sent later");
            assert_eq!(request.endpoints().len(), 1, "it may reach the server of the URL only");
            if let Some(text) = self.0 {
                return Ok(serde_json::from_str(text).unwrap());
            }
            let handled = Handled::of(&request, &[HANDLER]).unwrap().map_err(Lost::NotSent)?;
            Ok(to_text(&Answer::Ok(handled.answer(deadline).unwrap())).unwrap())
        }
    }

    fn sent(url: &str, says: Option<&'static str>) -> Result<(), SendError> {
        let target = UrlTarget { url: url.into(), shown: "shown".into(), token_file: None, ca_file: None };
        let message = Message::new("test", "1", "text/plain", b"hello".to_vec());
        send(&target, &message, Some(&Other(says)), (Duration::from_secs(60), &|| false))
    }

    /// Would break: a status that the other process judges, or words that are kept as it sends them.
    #[test]
    fn only_a_status_of_success_is_a_success() {
        let url = "http://127.0.0.1:1/hook?secret-of-the-url";
        assert!(sent(url, Some(r#"{"ok":{"status":204}}"#)).is_ok());
        for (says, told) in [
            (r#"{"ok":{"status":307}}"#, "redirects are not followed"),
            (r#"{"ok":{"status":500}}"#, "the server answered 500"),
            (r#"{"ok":{"status":0}}"#, "the server answered 0"),
            (r#"{"ok":"time-limit"}"#, "took longer than 60 s"),
            (r#"{"ok":{"status":"204"}}"#, "invalid answer"),
            (r#"{"ok":{"status":204,"and":1}}"#, "invalid answer"),
            (r#"{"lost":{"other":"it may have arrived"}}"#, "it may have arrived"),
            (r#"{"ok":{"none":"\u001b[2Jred"}}"#, "red"),
            (r#"{"ok":{"none":"at http://127.0.0.1:1/hook?secret-of-the-url"}}"#, "at ***"),
        ] {
            let error = sent(url, Some(says)).unwrap_err().to_string();
            assert!(error.contains(told), "{says}: {error}");
            assert!(!error.contains('\u{1b}') && !error.contains("secret"), "{says}: {error}");
        }
    }

    #[test]
    fn the_handler_says_what_this_process_says() {
        // Nobody listens there.
        let port = ansai_harness::server::free_port();
        let error = sent(&format!("http://127.0.0.1:{port}/"), None).unwrap_err();
        assert!(matches!(&error, SendError::Http(why) if why.contains("refused")), "{error}");
    }
}
