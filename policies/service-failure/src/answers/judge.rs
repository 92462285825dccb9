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
#[derive(Default)]
pub(crate) struct Round {
    units: Vec<(String, Answered)>,
    /// No target of several services is reached: the network, or what they share.
    pub(crate) is_common: bool,
    /// The machine of at least one target has answered, well or badly.
    pub(crate) is_reached: bool,
}

/// What one answer says.
struct Judged {
    answered: Answered,
    /// The service may be well although there is no answer.
    may_be_the_network: bool,
    /// The answer comes from the machine of the service.
    is_reached: bool,
}

impl Round {
    /// Asks the targets of these services.
    pub(crate) fn ask(settings: &Settings, host: &Host, is_asked: impl Fn(&str) -> bool) -> Round {
        let serves: Vec<&Serve> = settings.serves.0.iter().filter(|serve| is_asked(&serve.unit)).collect();
        let requests: Vec<_> = serves.iter().map(|serve| serve.request()).collect();
        if requests.is_empty() {
            return Round::default();
        }
        let answers = match calls::look_at_targets(host, &requests) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(refusal) => vec![Err(refusal); requests.len()],
        };
        let asked = serves.into_iter().zip(answers);
        let judged: Vec<(&str, Judged)> = asked.map(|(serve, answer)| (&*serve.unit, judge(serve, answer))).collect();
        let one = |unit: &str| {
            let own = judged.iter().filter(|(one, _)| *one == unit).map(|(_, judged)| judged.answered.clone());
            (unit.to_owned(), own.max().unwrap_or(Answered::Unknown("no answer".into())))
        };
        let units: Vec<_> = settings.serving().into_iter().filter(|unit| is_asked(unit)).map(one).collect();
        let is_common = units.len() > 1 && judged.iter().all(|(_, one)| one.may_be_the_network);
        Round { units, is_common, is_reached: judged.iter().any(|(_, one)| one.is_reached) }
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

/// What it means that there is no answer, whether it may be the network, and whether the machine of the service is reached: a
/// connection that is refused or closed comes from there.
fn meaning(why: Cause) -> (fn(String) -> Answered, bool, bool) {
    match why {
        Cause::ConnectionRefused | Cause::Closed | Cause::InvalidAnswer => (Answered::Nothing, false, true),
        Cause::TimedOut => (Answered::Nothing, true, false),
        Cause::NameNotResolved | Cause::Unreachable => (Answered::Unreachable, true, false),
        Cause::Tls => (Answered::Wrong, false, true),
        Cause::Other => (Answered::Unknown, false, false),
    }
}

fn judge(serve: &Serve, answer: Result<Answer, Refusal>) -> Judged {
    let target = &serve.target;
    let (answered, may_be_the_network, is_reached) = match answer {
        Err(refusal) | Ok(Answer { outcome: Outcome::Refused(refusal), .. }) => {
            (Answered::Unknown(format!("target {target} was not asked: {}", refusal.words())), false, false)
        }
        Ok(Answer { outcome: Outcome::NoAnswer(no), .. }) => {
            let (kind, may_be_the_network, is_reached) = meaning(no.why);
            (kind(format!("target {target}: {}", no.detail)), may_be_the_network, is_reached)
        }
        Ok(Answer { outcome: Outcome::Status(status), retry_after, contained, took, .. }) => {
            let words = format!("target {target} answers with status {status}");
            let answered = match retry_after {
                Some(wait) if matches!(status, 429 | 503) => {
                    Answered::Overloaded(format!("{words} and asks to wait {}", Span(wait)))
                }
                _ if !serve.accepts(status) => Answered::Wrong(words),
                _ if !contained => Answered::Wrong(format!("{words}, without the expected text")),
                _ => Answered::Well(format!("{words} after {}", Span(took))),
            };
            (answered, false, true)
        }
    };
    Judged { answered, may_be_the_network, is_reached }
}
