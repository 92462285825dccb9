//! What the answer of a target says about its service.

use ansai_sdk::{Host, Refusal, Span};

use crate::calls;
use crate::imports::ansai::http::http_probe::{Answer, Cause, Outcome};
use crate::serves::Serve;
use crate::settings::Settings;

/// What a service answers. Of several targets of one service, the last one of this list counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answered {
    Well(String),
    Unknown(String),
    /// It cannot be reached for a reason that is not its own: its name, the network.
    Unreachable(String),
    /// It answers, and not as it should. A restart may lose what explains it.
    Wrong(String),
    /// It answers nothing, and nothing else explains it.
    Nothing(String),
    /// It has more to do than it can. A restart makes that worse.
    Overloaded(String),
}

/// What all targets answered, and whether they have a common cause.
pub(crate) struct Round {
    units: Vec<(String, Answered)>,
    /// No target of several services is reached: the network, or what they share.
    pub(crate) is_common: bool,
    /// The machine of at least one target has answered, well or badly.
    pub(crate) is_reached: bool,
}

impl Round {
    /// Asks the targets of these services.
    pub(crate) fn ask(settings: &Settings, host: &Host, is_asked: impl Fn(&str) -> bool) -> Round {
        let serves: Vec<&Serve> = settings.serves.0.iter().filter(|serve| is_asked(&serve.unit)).collect();
        let requests: Vec<_> = serves.iter().map(|serve| serve.request()).collect();
        if requests.is_empty() {
            return Round { units: Vec::new(), is_common: false, is_reached: false };
        }
        let answers = match calls::look_at_targets(host, &requests) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(refusal) => vec![Err(refusal); requests.len()],
        };
        let asked: Vec<(&Serve, Result<Answer, Refusal>)> = serves.into_iter().zip(answers).collect();
        let one = |unit: &str| {
            let own = asked.iter().filter(|(serve, _)| serve.unit == unit);
            own.map(|(serve, answer)| judge(serve, answer)).max().unwrap_or(Answered::Unknown("no answer".into()))
        };
        let asked_units = settings.serving().into_iter().filter(|unit| is_asked(unit));
        let units: Vec<(String, Answered)> = asked_units.map(|unit| (unit.to_owned(), one(unit))).collect();
        let is_common = units.len() > 1 && asked.iter().all(|(_, answer)| may_be_the_network(answer));
        let is_reached = asked.iter().any(|(_, answer)| is_reached(answer));
        Round { units, is_common, is_reached }
    }

    /// What a service answered; `None` if it was not asked.
    pub(crate) fn of(&self, unit: &str) -> Option<&Answered> {
        self.units.iter().find(|(one, _)| one == unit).map(|(_, answered)| answered)
    }

    /// How many services were asked.
    pub(crate) fn asked(&self) -> usize {
        self.units.len()
    }
}

/// Whether the service may be well although there is no answer. A connection that is refused or closed comes from the
/// machine of the service.
fn may_be_the_network(answer: &Result<Answer, Refusal>) -> bool {
    let Ok(Answer { outcome: Outcome::NoAnswer(no), .. }) = answer else { return false };
    matches!(no.why, Cause::NameNotResolved | Cause::Unreachable | Cause::TimedOut)
}

/// Whether the answer comes from the machine of the service.
fn is_reached(answer: &Result<Answer, Refusal>) -> bool {
    let Ok(answer) = answer else { return false };
    match &answer.outcome {
        Outcome::Status(_) => true,
        Outcome::NoAnswer(no) => {
            matches!(no.why, Cause::ConnectionRefused | Cause::Closed | Cause::InvalidAnswer | Cause::Tls)
        }
        Outcome::Refused(_) => false,
    }
}

fn judge(serve: &Serve, answer: &Result<Answer, Refusal>) -> Answered {
    let target = &serve.target;
    let answer = match answer {
        Ok(answer) => answer,
        Err(refusal) => return Answered::Unknown(format!("target {target} was not asked: {}", refusal.words())),
    };
    match &answer.outcome {
        Outcome::Refused(refusal) => Answered::Unknown(format!("target {target} was not asked: {}", refusal.words())),
        Outcome::NoAnswer(no) => {
            let words = format!("target {target}: {}", no.detail);
            match no.why {
                Cause::ConnectionRefused | Cause::Closed | Cause::TimedOut | Cause::InvalidAnswer => {
                    Answered::Nothing(words)
                }
                Cause::NameNotResolved | Cause::Unreachable => Answered::Unreachable(words),
                Cause::Tls => Answered::Wrong(words),
                Cause::Other => Answered::Unknown(words),
            }
        }
        Outcome::Status(status) => {
            let words = format!("target {target} answers with status {status}");
            match answer.retry_after {
                Some(wait) if matches!(status, 429 | 503) => {
                    Answered::Overloaded(format!("{words} and asks to wait {}", Span(wait)))
                }
                _ if !serve.accepts(*status) => Answered::Wrong(words),
                _ if !answer.contained => Answered::Wrong(format!("{words}, without the expected text")),
                _ => Answered::Well(format!("{words} after {}", Span(answer.took))),
            }
        }
    }
}
