//! What to do about a service that is active and answers nothing, or answers badly.

use ansai_sdk::{Decision, Failure, Observation};

use super::Situation;
use crate::answers::{self, Answered};
use crate::condition::word;

/// The finding that no target of several services is reached: nothing to restart.
pub(super) fn common(finding: &Observation) -> Decision {
    let why = "several services that do not answer at the same time have a common cause: check the network, the name \
               server, and what all of them use; none of them is restarted";
    Decision::advise_on(finding, "find out why no target answers", why)
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
                self.next.advise("check its name and the network", format!("{words}; a restart would not help"))
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
                let known = format!("is active and answers nothing: {words}; its log may say more");
                self.restart("find out why it does not answer", &known)
            }
        })
    }
}
