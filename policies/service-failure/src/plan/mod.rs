//! What to do about a finding: evidence first, then a restart within limits, then a person.

mod answers;
mod limits;
mod steps;
#[cfg(test)]
mod tests;

use ansai_sdk::{CouldNotTell as _, Decision, Failure, Host, Observation, Refusal, Relationship, Span, Staged};

use crate::answers::{is_about_answers, is_common, must_answer};
use crate::calls::{self, CAPTURE, SERVICE_ACTIONS};
use crate::condition::{Condition, how, word};
use crate::detect::recent_of;
use crate::imports::ansai::service::service_probe::{ActiveState, ServiceUnit};
use crate::settings::Settings;
use limits::Allowed;

/// What all parts use.
struct Situation<'a> {
    host: &'a Host,
    settings: &'a Settings,
    finding: &'a Observation,
    /// Advice, and when to look again.
    next: Staged<'a>,
    /// As it is now: since `detect`, somebody may have restarted it.
    unit: ServiceUnit,
    /// What it answers, after its name: `answers nothing: …`. Only for a finding about answers.
    answer: Option<String>,
}

pub(crate) fn plan(settings: &Settings, host: &Host, finding: &Observation) -> Result<Decision, Failure> {
    if is_common(finding) {
        return Ok(answers::common(finding));
    }
    let id = &finding.about.name;
    let unit = match calls::look(host, id) {
        Ok(unit) => unit,
        Err(Refusal::NotFound(_)) => return Ok(Decision::Wait(format!("{id} no longer exists"))),
        refused => refused.could_not_tell(&format!("{id} cannot be read"))?,
    };
    let condition = Condition::of(&unit, host.now(), settings.settle);
    let mut situation = Situation { host, settings, finding, next: Staged::new(host, finding), unit, answer: None };
    let is_about_answers = is_about_answers(finding);
    if situation.unit.never_touch && (condition.is_failure() || situation.is_flapping() || is_about_answers) {
        let why = format!("`[never]` of the configuration or its defaults protect {id}: restart it yourself");
        return Ok(situation.next.advise("check it, because ansai must not touch it", why));
    }
    if is_about_answers { situation.decide_about_answers() } else { situation.decide(condition) }
}

impl Situation<'_> {
    fn decide(&self, condition: Condition) -> Result<Decision, Failure> {
        let id = &self.unit.id;
        Ok(match condition {
            Condition::Fine | Condition::Restarting(_) if self.is_flapping() => self.advise(
                "find out why it ends again and again",
                "systemd restarts it each time, so another restart would not help; its log says why it ended",
            ),
            Condition::Fine => Decision::Wait(format!("{id} is {} now", word(&self.unit))),
            Condition::Gone => Decision::Wait(format!("the unit file of {id} no longer exists")),
            Condition::Unclear => {
                return Err(Failure::CouldNotTell(format!("{id} is in a state that is not known")));
            }
            Condition::Changing => {
                self.next.wait_for(self.settings.settle, format!("{id} is being started or stopped now"))
            }
            Condition::Restarting(rest) => {
                let settled = Span(rest.0.saturating_add(self.settings.settle.0));
                self.next.wait_for(settled, format!("systemd restarts {id} in {rest}"))
            }
            Condition::Broken => self.advise(
                "correct its unit file",
                &format!("a restart cannot help; `systemd-analyze verify {id}` names the mistake"),
            ),
            Condition::Dependency => match self.failed_cause() {
                Some(cause) => Decision::Wait(format!("{id} needs {cause}, which failed: that one is first")),
                None => self.repair(),
            },
            Condition::Overdue => self.advise(
                "restart it, because systemd has not",
                &format!("a service in its restart delay is left to systemd: `systemctl restart {id}`"),
            ),
            Condition::Failed => self.repair(),
        })
    }

    fn repair(&self) -> Decision {
        let id = &self.unit.id;
        if self.unit.one_shot && !self.settings.retry_oneshots {
            return self.advise(
                "start it again if it may run twice",
                &format!("a one-shot is not repeated unless `retry_oneshots` allows it: `systemctl start {id}`"),
            );
        }
        let known = format!("{}; `systemctl status {id}` and its log say more", how(&self.unit));
        self.restart("find out why it does not stay up", &known)
    }

    /// Restarts it if that is allowed now. Once it is not any more, a person is told `what` to do, and what is known.
    fn restart(&self, what: &str, known: &str) -> Decision {
        if !self.host.grants().has(SERVICE_ACTIONS) {
            let why = format!("{SERVICE_ACTIONS} is not granted: restart it yourself, or grant it");
            return self.next.advise("restart it", why);
        }
        match limits::allowed(self) {
            Allowed::Now => steps::repair(self),
            Allowed::In(rest, why) => self.next.wait_for(rest, format!("{why}; next restart in {rest}")),
            Allowed::Unknown(why) => Decision::Wait(why),
            Allowed::Never(why) => {
                let detail = format!("{why}; {} {known}", self.unit.id);
                self.after_evidence(what, &detail, Decision::GiveUp(detail.clone()))
            }
        }
    }

    fn is_flapping(&self) -> bool {
        recent_of(self.finding) > 0 && self.finding.severity().is_some() && self.settings.flapping_restarts > 0
    }

    /// The failed service that this one waits for, if it still is down.
    fn failed_cause(&self) -> Option<&str> {
        let causes = self.finding.related.iter().filter(|one| one.how == Relationship::CausedBy);
        let is_down = |name: &&str| calls::look(self.host, name).is_ok_and(|unit| unit.active == ActiveState::Failed);
        causes.map(|one| one.about.name.as_str()).find(is_down)
    }

    /// Tells a person, who finds the log as evidence.
    fn advise(&self, what: &str, why: &str) -> Decision {
        self.after_evidence(what, why, self.next.advise(what, why))
    }

    /// Keeps the log as evidence before a person is told.
    fn after_evidence(&self, what: &str, why: &str, decision: Decision) -> Decision {
        let (id, lines) = (&self.unit.id, self.settings.capture_lines);
        let capture = || calls::capture(self.host, id, lines, &self.reason());
        self.next.after_evidence(CAPTURE, (what, why), decision, capture)
    }

    /// The reason of a step.
    fn reason(&self) -> String {
        let how = match &self.answer {
            Some(answer) => answer.clone(),
            None if must_answer(&self.unit) => "restarts again and again".into(),
            None => how(&self.unit),
        };
        format!("{} {how}", self.unit.id)
    }
}
