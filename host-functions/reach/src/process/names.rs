//! Looking up names in a process of its own: the resolver of the system reads what any name server sends.
//!
//! It knows no secret and no policy, and has the network. What it can do if it is taken over is what a name server can do: lie
//! about the addresses of a name.

use std::net::SocketAddr;
use std::time::Duration;

use ansai_core::{Millis, Refusal};
use ansai_kit::call::to_text;
use ansai_kit::carrier::{Carrier, RequestText};
use ansai_kit::host::Deadline;
use ansai_kit::lookup::{LookupError, look_up};
use serde::{Deserialize, Serialize};

use super::child::{Work, work_on};
use super::frame::Found;

/// The longest that a lookup may take.
const LONGEST: Duration = Duration::from_secs(30);

/// A name to be looked up.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    host: String,
    port: u16,
    /// Milliseconds.
    limit: Millis,
}

/// Looks up names until the supervisor closes the channel. `job` is the last argument of the process. The exit code.
pub fn run(job: &str) -> u8 {
    work_on(job, |text| {
        let Question { host, port, limit } =
            serde_json::from_str(text).map_err(|_| Refusal::Invalid("not a question of this version".into()))?;
        let limit = Duration::from(limit).min(LONGEST);
        let answer = move || {
            let found = look_up(&host, port, limit).map_or_else(Found::None, Found::Addresses);
            to_text(&found).unwrap_or_default()
        };
        Ok(Work { deadline: Deadline::after(limit), answer: Box::new(answer) })
    })
}

/// The addresses of a name, found by the process that `carrier` reaches. What it sends is not believed to be addresses.
///
/// # Errors
/// There are none.
pub(super) fn found_by(
    carrier: &dyn Carrier,
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Vec<SocketAddr>, LookupError> {
    let limit = limit.min(LONGEST);
    let question = Question { host: host.to_owned(), port, limit: Millis::from(limit) };
    let not_found = |why: &str| LookupError::NotResolved(why.to_owned());
    let text = to_text(&question).map_err(|_| not_found("it is no name"))?;
    match carrier.carry(RequestText::new(text.get().to_owned()), &Deadline::after(limit), false) {
        Ok(answer) => match serde_json::from_str(answer.get()) {
            Ok(Found::Addresses(addresses)) => Ok(addresses),
            Ok(Found::None(error)) => Err(error),
            Err(_) => Err(not_found("the process that looks up names sent an invalid answer")),
        },
        Err(lost) => match lost.into_refusal() {
            Refusal::TimedOut(_) => Err(LookupError::TimedOut),
            refusal => Err(LookupError::NotResolved(refusal.to_string())),
        },
    }
}
