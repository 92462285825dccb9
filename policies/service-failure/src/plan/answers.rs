//! What to do about a service that is active and answers nothing, or answers badly.

use ansai_sdk::{Decision, Failure, Recommendation};

use super::limits::{self, Allowed};
use super::{Situation, steps};
use crate::answers::{self, Answered};
use crate::calls::SERVICE_ACTIONS;
use crate::condition::word;

/// The finding that no target of several services is reached: nothing to restart.
pub(super) fn common(finding: &ansai_sdk::Observation) -> Decision {
    let why = "several services that do not answer at the same time have a common cause: check the network, the name \
               server, and what all of them use; none of them is restarted";
    let advice = Recommendation::new("find out why no target answers", why);
    Decision::Recommend(vec![finding.evidence.iter().cloned().fold(advice, Recommendation::with)])
}

impl Situation<'_> {
    pub(super) fn decide_about_answers(&mut self) -> Result<Decision, Failure> {
        let id = self.unit.id.clone();
        if !answers::must_answer(&self.unit) {
            return Ok(Decision::Wait(format!("{id} is {} now", word(&self.unit))));
        }
        let (answered, is_common) = answers::now(self.settings, self.host, answers::name_of(self.finding))?;
        Ok(match answered {
            Answered::Well(words) => Decision::Wait(format!("{id} answers again: {words}")),
            _ if is_common => {
                return Err(Failure::CouldNotTell(format!("no target of any service answers, also not that of {id}")));
            }
            Answered::Unknown(why) => return Err(Failure::CouldNotTell(why)),
            Answered::Unreachable(words) => {
                let why = format!("{words}; a restart would not help");
                Decision::Recommend(vec![self.advice("check its name and the network", why)])
            }
            Answered::Wrong(words) => {
                self.answer = Some(format!("answers badly: {words}"));
                let why = format!("{words}; it answers, so a restart could lose what explains it");
                self.advise("find out why it answers so", &why)
            }
            Answered::Overloaded(words) => {
                self.answer = Some(format!("is overloaded: {words}"));
                self.advise("reduce its load, or give it more", &format!("{words}; a restart would add to its load"))
            }
            Answered::Nothing(words) => {
                self.answer = Some(format!("answers nothing: {words}"));
                self.restart(&words)
            }
        })
    }

    fn restart(&self, words: &str) -> Decision {
        let id = &self.unit.id;
        if !self.host.grants().has(SERVICE_ACTIONS) {
            let why = format!("{SERVICE_ACTIONS} is not granted: restart it yourself, or grant it");
            return Decision::Recommend(vec![self.advice("restart it", why)]);
        }
        match limits::allowed(self) {
            Allowed::Now => steps::repair(self),
            Allowed::In(rest, why) => {
                self.host.look_again(rest);
                Decision::Wait(format!("{why}; next restart in {rest}"))
            }
            Allowed::Unknown(why) => Decision::Wait(why),
            Allowed::Never(why) => {
                let detail = format!("{why}; {id} is active and answers nothing: {words}; its log may say more");
                self.after_evidence("find out why it does not answer", &detail, Decision::GiveUp(detail.clone()))
            }
        }
    }
}
