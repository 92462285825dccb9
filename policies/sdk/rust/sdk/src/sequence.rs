//! Proposes steps that belong together, such as: capture evidence, restart, check.

use std::fmt;

use crate::ladder::verb;
use crate::{Decision, Host, OnFailure, Preview, Refusal};

/// Proposes steps in order, all of them or none: after a refused step no other one is proposed, and the decision says why.
///
/// [`Ladder`](crate::Ladder) is for alternatives, of which the first that is enough is taken. A sequence is for steps that
/// only make sense together.
///
/// ```
/// use ansai_sdk::{Decision, Host, Preview, Refusal, Sequence};
///
/// # fn capture(_: &Host, _: &str) -> Result<Preview, Refusal> { Err(Refusal::Other("no host here".into())) }
/// # fn restart(_: &Host, _: &str) -> Result<Preview, Refusal> { Err(Refusal::Other("no host here".into())) }
/// # fn check_active(_: &Host, _: &str) -> Result<Preview, Refusal> { Err(Refusal::Other("no host here".into())) }
/// fn plan(host: &Host, unit: &str) -> Decision {
///     let mut steps = Sequence::new(host);
///     steps.may_fail("ansai:service/service-actions.capture", unit, || capture(host, unit));
///     steps.step("ansai:service/service-actions.restart", unit, || restart(host, unit));
///     steps.step("ansai:service/service-actions.check-active", unit, || check_active(host, unit));
///     steps.decide()
/// }
/// ```
pub struct Sequence<'a> {
    host: &'a Host,
    on_failure: OnFailure,
    steps: u32,
    /// The refused step as `restart nginx.service`, and why.
    refused: Option<(String, Refusal)>,
}

impl<'a> Sequence<'a> {
    /// Creates a sequence without steps.
    pub fn new(host: &'a Host) -> Sequence<'a> {
        Sequence { host, on_failure: OnFailure::Stop, steps: 0, refused: None }
    }

    /// Sets what the host does to earlier steps if one fails. By default it keeps them and stops.
    pub fn on_failure(self, on_failure: OnFailure) -> Sequence<'a> {
        Sequence { on_failure, ..self }
    }

    /// Proposes a step, unless an earlier one was refused. `action` is the full name of the action, `target` what it is
    /// about, for a person. Returns whether the step is proposed.
    pub fn step(&mut self, action: &str, target: &str, call: impl FnOnce() -> Result<Preview, Refusal>) -> bool {
        if self.refused.is_some() {
            return false;
        }
        match call() {
            Ok(_) => self.steps = self.steps.saturating_add(1),
            Err(refusal) => self.refused = Some((format!("{} {target}", verb(action)), refusal)),
        }
        self.refused.is_none()
    }

    /// Proposes a step that captures evidence or prepares something: if it is refused or fails, the others go on. It
    /// does not count as a step, so a sequence of only such steps decides to apply nothing.
    pub fn may_fail(&mut self, action: &str, target: &str, call: impl FnOnce() -> Result<Preview, Refusal>) {
        if self.refused.is_some() {
            return;
        }
        if let Err(refusal) = call().and_then(|preview| self.host.may_fail(preview.step)) {
            self.host.log(&format!("{} {target}: {}", verb(action), refusal.words()));
        }
    }

    /// Why a step was refused, if one was.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refused.as_ref().map(|(_, refusal)| refusal)
    }

    /// Decides to apply the steps. If one was refused, waits if the reason may go away by itself
    /// ([`Refusal::may_go_away`]), otherwise gives up. Both drop the steps that were proposed before.
    pub fn decide(&self) -> Decision {
        match &self.refused {
            Some((step, refusal)) if refusal.may_go_away() => Decision::Wait(format!("{step}: {}", refusal.words())),
            Some((step, refusal)) => Decision::GiveUp(format!("not possible: {step}: {}", refusal.words())),
            None if self.steps == 0 => Decision::GiveUp("there is no step to take".into()),
            None => Decision::Apply(self.on_failure),
        }
    }
}

impl fmt::Debug for Sequence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence").field("steps", &self.steps).field("refused", &self.refused).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Subject;
    use crate::testing::{StandIn, preview};

    fn of(step: u32) -> Result<Preview, Refusal> {
        Ok(Preview { step, ..preview(Subject::new("unit", "a")) })
    }

    #[test]
    fn all_steps_are_proposed_in_order() {
        let host = StandIn::default().host();
        let mut steps = Sequence::new(&host).on_failure(OnFailure::UndoApplied);
        steps.may_fail("x.capture", "a", || of(0));
        assert!(steps.step("x.restart", "a", || of(1)) && steps.step("x.check", "a", || of(2)));
        assert_eq!((steps.decide(), steps.refusal()), (Decision::Apply(OnFailure::UndoApplied), None));
        assert_eq!(host.stand_in().steps_that_may_fail(), [0]);
    }

    #[test]
    fn after_a_refusal_nothing_is_proposed() {
        for (refusal, expected) in [
            (Refusal::Busy("until 12:00".into()), Decision::Wait("restart a: busy: until 12:00".into())),
            (Refusal::Denied("no grant".into()), Decision::GiveUp("not possible: restart a: denied: no grant".into())),
        ] {
            let host = StandIn::default().host();
            let mut steps = Sequence::new(&host);
            assert!(!steps.step("x.restart", "a", || Err(refusal.clone())));
            assert!(!steps.step("x.check", "a", || unreachable!("a step after a refused one")));
            steps.may_fail("x.capture", "a", || unreachable!("evidence after a refused step"));
            assert_eq!((steps.decide(), steps.refusal()), (expected, Some(&refusal)));
        }
    }

    #[test]
    fn evidence_that_is_refused_stops_nothing_and_is_no_step() {
        let host = StandIn::default().host();
        let mut steps = Sequence::new(&host);
        steps.may_fail("x.capture", "a", || Err(Refusal::Unavailable("no journal".into())));
        assert_eq!(steps.decide(), Decision::GiveUp("there is no step to take".into()));
        assert_eq!(host.stand_in().lines(), ["capture a: unavailable: no journal"]);
        assert!(steps.step("x.restart", "a", || of(0)));
        assert_eq!(steps.decide(), Decision::Apply(OnFailure::Stop));
    }
}
