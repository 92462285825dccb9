//! Decides whether a plan goes to the executor. The host decides, never the policy.

use ansai_core::event::Verdict;
use ansai_core::incident::Permission;
use ansai_core::{Decision, Incident, Mode, RetryPolicy, Timestamp};

/// A plan that needs a permit.
pub(crate) struct PermitRequest<'a> {
    /// Its id.
    pub(crate) plan: &'a str,
    pub(crate) incident: &'a Incident,
    pub(crate) retry: &'a RetryPolicy,
    pub(crate) now: Timestamp,
    /// False for another plan of a started attempt.
    pub(crate) is_first: bool,
}

/// What a source says about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permit {
    Go,
    /// Not now, for this reason.
    Hold(Permission),
    /// Not at all.
    Refuse(String),
}

/// One reason to let a plan wait. A plan needs the permit of every source.
pub(crate) trait PermitSource {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit;
}

/// The verdict on a policy's decision. The sources are asked in their order, until one does not let the plan go. Only the
/// last one may count the plan: nobody can hold it afterwards.
pub(crate) fn verdict(
    decision: &Decision,
    steps: usize,
    mode: Mode,
    sources: &[&dyn PermitSource],
    request: &PermitRequest<'_>,
) -> Verdict {
    match decision {
        Decision::Apply(_) | Decision::ApplyThenReplan(_) if steps > 0 => {}
        Decision::Apply(_) | Decision::ApplyThenReplan(_) => return Verdict::NothingToDo,
        Decision::Wait(_) | Decision::Recommend(_) | Decision::GiveUp(_) => return Verdict::NothingToDo,
    }
    if mode == Mode::Observe {
        return Verdict::Observed;
    }
    let mut permits = sources.iter().map(|source| source.ask(request));
    match permits.find(|permit| *permit != Permit::Go) {
        None | Some(Permit::Go) => Verdict::Approved,
        Some(Permit::Hold(held)) => Verdict::Held(held),
        Some(Permit::Refuse(why)) => Verdict::Refused(why),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use ansai_core::{Millis, OnFailure};

    use super::super::Attempts;
    use super::super::sample::incident;
    use super::*;

    const APPLY: Decision = Decision::Apply(OnFailure::Stop);

    #[test]
    fn only_enforce_and_only_in_time() {
        let at = Timestamp::from_millis;
        let retry = RetryPolicy { cooldown: Millis::new(100), max_attempts: 2, ..RetryPolicy::default() };
        let mut incident = incident();
        let decide = |decision: &Decision, steps, incident: &Incident, mode, now, is_first| {
            let request = PermitRequest { plan: "p", incident, retry: &retry, now, is_first };
            verdict(decision, steps, mode, &[&Attempts { is_decided: false }], &request)
        };
        let say = |incident: &Incident, mode, now, is_first| decide(&APPLY, 1, incident, mode, now, is_first);
        assert_eq!(say(&incident, Mode::Observe, at(0), true), Verdict::Observed);
        assert_eq!(say(&incident, Mode::Enforce, at(0), true), Verdict::Approved);
        incident.begin(at(0));
        assert_eq!(say(&incident, Mode::Enforce, at(50), true), Verdict::Held(Permission::Cooling(at(100))));
        assert_eq!(say(&incident, Mode::Enforce, at(50), false), Verdict::Approved);
        assert_eq!(decide(&APPLY, 0, &incident, Mode::Enforce, at(200), true), Verdict::NothingToDo);
        let give_up = Decision::GiveUp("no".into());
        assert_eq!(decide(&give_up, 3, &incident, Mode::Enforce, at(200), true), Verdict::NothingToDo);
    }

    struct Says<'a>(Permit, &'a Cell<u32>);

    impl PermitSource for Says<'_> {
        fn ask(&self, _: &PermitRequest<'_>) -> Permit {
            self.1.set(self.1.get() + 1);
            self.0.clone()
        }
    }

    /// A source that counts must not be asked for a plan that is not applied.
    #[test]
    fn no_source_is_asked_after_one_that_holds_nor_without_a_need() {
        let (incident, retry, asked) = (incident(), RetryPolicy::default(), Cell::new(0));
        let request =
            PermitRequest { plan: "p", incident: &incident, retry: &retry, now: Timestamp::EPOCH, is_first: true };
        let (go, hold) = (Says(Permit::Go, &asked), Says(Permit::Hold(Permission::Exhausted(1)), &asked));
        let refuse = Says(Permit::Refuse("no".into()), &asked);
        for (mode, steps, sources, expected, times) in [
            (Mode::Observe, 1, [&go, &go, &go], Verdict::Observed, 0),
            (Mode::Enforce, 0, [&go, &go, &go], Verdict::NothingToDo, 0),
            (Mode::Enforce, 1, [&go, &go, &go], Verdict::Approved, 3),
            (Mode::Enforce, 1, [&go, &hold, &refuse], Verdict::Held(Permission::Exhausted(1)), 2),
            (Mode::Enforce, 1, [&refuse, &hold, &go], Verdict::Refused("no".into()), 1),
        ] {
            asked.set(0);
            let sources = sources.map(|source| source as &dyn PermitSource);
            assert_eq!(verdict(&APPLY, steps, mode, &sources, &request), expected);
            assert_eq!(asked.get(), times, "{expected:?}");
        }
    }
}
