//! Proposes what a finding needs at its stage, or says what a person can do.

use std::fmt;

use crate::pages::Listed;
use crate::{
    CouldNotTell as _, Decision, Effectiveness, Failure, Host, Observation, OnFailure, Preview, Recommendation,
    Refusal, Sequence, Span, Subject, text,
};

/// The last stage, at which a person is told and nothing is applied.
const PERSON: &str = "person";
/// A step that began and was verified so often without success is not tried again.
const TRIES: u32 = 3;
/// When to plan again after a refusal that may go away.
const SOON: Span = Span(60_000);

/// Decides about a finding that has one step, or a sequence of steps, at one of the stages of the manifest.
///
/// Before that stage there is nothing to apply, and the host continues with the next one. The finding becomes a recommendation
/// if the action is not granted, has not helped three times, is refused for good, or if the stage is `person`.
///
/// ```
/// use ansai_sdk::{Decision, Host, Observation, Preview, Refusal, Staged};
///
/// # fn vacuum(_: &Host, _: &str) -> Result<Preview, Refusal> { Err(Refusal::Other("no host here".into())) }
/// fn plan(host: &Host, finding: &Observation) -> Decision {
///     let advice = ("vacuum it", "its dead rows take room");
///     Staged::new(host, finding).step("maintain", "ansai:postgresql/postgresql-actions.vacuum", advice, || vacuum(host, "orders"))
/// }
/// ```
pub struct Staged<'a> {
    host: &'a Host,
    finding: &'a Observation,
}

impl<'a> Staged<'a> {
    /// For a finding of this evaluation.
    pub fn new(host: &'a Host, finding: &'a Observation) -> Staged<'a> {
        Staged { host, finding }
    }

    /// Whether a stage is this one. Without stages, all are.
    pub fn is_at(&self, stage: &str) -> bool {
        let now = self.host.stage();
        now.is_empty() || now == stage
    }

    /// Recommends something to a person, with the evidence of the finding. `what` is an imperative.
    pub fn advise(&self, what: &str, why: impl Into<String>) -> Decision {
        Decision::Recommend(vec![Recommendation::on(self.finding, &self.finding.about.name, what, why)])
    }

    /// Waits for a time, and then plans again.
    pub fn wait_for(&self, rest: Span, why: impl Into<String>) -> Decision {
        self.host.look_again(rest);
        Decision::Wait(why.into())
    }

    /// Proposes one step at its stage. A person gets `what`, an imperative, with its reason `why`, if no step is possible or has
    /// helped.
    pub fn step(
        &self,
        stage: &str,
        action: &str,
        advice: (&str, &str),
        call: impl FnOnce() -> Result<Preview, Refusal>,
    ) -> Decision {
        self.steps(stage, action, advice, |steps| {
            steps.step(action, &self.finding.about.name, call);
        })
    }

    /// The same for several steps, of which `action` is the first one.
    pub fn steps(
        &self,
        stage: &str,
        action: &str,
        (what, why): (&str, &str),
        propose: impl FnOnce(&mut Sequence<'_>),
    ) -> Decision {
        let interface = action.rsplit_once('.').map_or(action, |(interface, _)| interface);
        if !self.host.grants().has(interface) {
            return self.advise(what, format!("{why}; {interface} is not granted"));
        }
        if self.host.stage() == PERSON {
            return self.advise(what, format!("{why}; no step has helped{}", self.last_failure()));
        }
        if !self.is_at(stage) {
            return Decision::Apply(OnFailure::Stop);
        }
        // A history that cannot be read knows nothing against it.
        let earlier = Effectiveness::of_host(self.host, &self.finding.about, action).unwrap_or_default();
        if earlier.never_helped(TRIES) {
            let verb = action.rsplit('.').next().unwrap_or_default();
            return self.advise(what, format!("{why}; `{verb}` has not helped {} times", earlier.verified));
        }
        let mut steps = Sequence::new(self.host);
        propose(&mut steps);
        match steps.refusal() {
            Some(refusal) if refusal.may_go_away() => {
                self.host.look_again(SOON);
                steps.decide()
            }
            Some(refusal) => self.advise(what, format!("{why}; not possible: {}", refusal.words())),
            None => steps.decide(),
        }
    }

    /// Decides about the thing of the finding as its list has it now. `noun` is what it is, such as `table`, and `place` has the
    /// list. If the list does not have it, there is nothing to do.
    ///
    /// # Errors
    /// The list cannot be read, or those of `decide`.
    pub fn listed<T>(
        &self,
        (noun, place): (&str, &str),
        listed: Result<Listed<T>, Refusal>,
        about: impl Fn(&T) -> &Subject,
        decide: impl FnOnce(T) -> Result<Decision, Failure>,
    ) -> Result<Decision, Failure> {
        let listed = listed.could_not_tell(&format!("the {} of {place} cannot be listed", text::plural(noun)))?;
        let wanted = &self.finding.about;
        let why = match listed.entries.into_iter().find(|one| about(one) == wanted) {
            Some(thing) => return decide(thing),
            None if listed.end.is_none() => "no longer exists",
            None => "is not in the part of the list that was read this time",
        };
        Ok(Decision::Wait(format!("{} {why}", wanted.name)))
    }

    /// Takes evidence before a person is told, once for each incident: a step such as one that keeps the last log lines. The
    /// decision follows when the host plans again, and what it says is recommended at once. Without the grant, or if the step is
    /// refused, the decision comes now.
    ///
    /// ```
    /// use ansai_sdk::{Decision, Preview, Refusal, Staged};
    ///
    /// const CAPTURE: &str = "ansai:service/service-actions.capture";
    ///
    /// # fn capture(_: &str) -> Result<Preview, Refusal> { Err(Refusal::Other("no host here".into())) }
    /// fn give_up(next: &Staged<'_>, unit: &str) -> Decision {
    ///     let (what, why) = ("find out why it ends", "3 restarts did not help");
    ///     next.after_evidence(CAPTURE, (what, why), Decision::GiveUp(why.into()), || capture(unit))
    /// }
    /// ```
    pub fn after_evidence(
        &self,
        action: &str,
        (what, why): (&str, &str),
        decision: Decision,
        call: impl FnOnce() -> Result<Preview, Refusal>,
    ) -> Decision {
        let interface = action.rsplit_once('.').map_or(action, |(interface, _)| interface);
        let steps = self.host.attempts().into_iter().flat_map(|attempt| attempt.steps);
        let is_taken = steps.filter(|step| step.action == action).any(|step| step.has_begun());
        if is_taken || !self.host.grants().has(interface) {
            return decision;
        }
        let name = &self.finding.about.name;
        match call() {
            Ok(_) => {
                self.host.recommend(Recommendation::on(self.finding, name, what, why));
                Decision::ApplyThenReplan(OnFailure::Stop)
            }
            Err(refusal) => {
                self.host.log(&format!("no evidence of {name}: {}", refusal.words()));
                decision
            }
        }
    }

    fn last_failure(&self) -> String {
        let mut steps = self.host.attempts().into_iter().flat_map(|attempt| attempt.steps);
        let failed = steps.rfind(|step| !step.detail.is_empty());
        failed.map_or_else(String::new, |step| format!("; last step: {}", text::cut(&step.detail, 200)))
    }
}

impl fmt::Debug for Staged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged").field("finding", &self.finding.key).finish_non_exhaustive()
    }
}

impl Recommendation {
    /// Recommends something about a finding, with its evidence: `main-db: find out who holds the connections`. `name` is of the
    /// thing, `what` an imperative.
    ///
    /// ```
    /// use ansai_sdk::{Measure, Observation, Recommendation, Severity, Status, Subject};
    ///
    /// let full = Status::Unhealthy(Severity::Warning);
    /// let finding = Observation::new("connections:main-db", Subject::new("target", "main-db"), full, "85 of 100 in use");
    /// let finding = finding.with(Measure::count("connections", 85));
    /// let advice = Recommendation::on(&finding, "main-db", "find out who holds the connections", "they run short");
    /// assert_eq!((&*advice.summary, advice.measures.len()), ("main-db: find out who holds the connections", 1));
    /// ```
    pub fn on(finding: &Observation, name: &str, what: &str, why: impl Into<String>) -> Recommendation {
        let advice = Recommendation::new(format!("{name}: {what}"), why);
        finding.evidence.iter().cloned().fold(advice, Recommendation::with)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]
    use super::*;
    use crate::pages::End;
    use crate::testing::{self, StandIn};
    use crate::{Outcome, Severity, Status, StepResult, Subject};

    const CAPTURE: &str = "ansai:service/service-actions.capture";
    const VACUUM: &str = "ansai:postgresql/postgresql-actions.vacuum";

    fn decide(host: StandIn, answer: Result<Preview, Refusal>) -> (Decision, Option<u64>) {
        let about = Subject::new("database-table", "db/orders");
        let finding = Observation::new("dead-rows:db/orders", about, Status::Unhealthy(Severity::Warning), "dead rows");
        let host = host.host();
        let decision =
            Staged::new(&host, &finding).step("maintain", VACUUM, ("vacuum it", "they take room"), || answer);
        (decision, host.stand_in().follow_up())
    }

    fn granted(stage: &str) -> StandIn {
        StandIn::default().grants("ansai:postgresql/postgresql-actions", "{}").at_stage(stage)
    }

    fn preview() -> Result<Preview, Refusal> {
        Ok(testing::preview(Subject::new("database-table", "db/orders")))
    }

    fn advice(decision: Decision) -> String {
        let Decision::Recommend(all) = decision else { panic!("{decision:?}") };
        all.into_iter().map(|one| format!("{}: {}", one.summary, one.detail)).collect()
    }

    #[test]
    fn a_step_is_applied_at_its_stage_or_without_stages() {
        for stage in ["", "maintain", "cancel"] {
            assert_eq!(decide(granted(stage), preview()).0, Decision::Apply(OnFailure::Stop), "{stage}");
        }
    }

    /// Would break: a step at the last stage, or one that nobody granted.
    #[test]
    fn a_person_is_told_what_no_step_can_do() {
        let refused = Err(Refusal::Unsupported("it is a view".into()));
        for (host, answer, expected) in [
            (StandIn::default(), preview(), "ansai:postgresql/postgresql-actions is not granted"),
            (granted("person"), preview(), "no step has helped"),
            (granted("maintain"), refused, "not possible: "),
        ] {
            let told = advice(decide(host, answer).0);
            assert!(told.starts_with("db/orders: vacuum it: they take room; ") && told.contains(expected), "{told}");
        }
    }

    /// Would break: a step for a thing that another one replaced, or that nobody looked at.
    #[test]
    fn a_thing_is_decided_about_as_it_is_listed_now() {
        let host = StandIn::default().host();
        let table = |name: &str| Subject::new("database-table", name);
        let finding = Observation::new("dead-rows:db/a", table("db/a"), Severity::Warning, "dead rows");
        let decide = |list: Result<(&str, Option<End>), Refusal>| {
            let list = list.map(|(name, end)| Listed { entries: vec![table(name)], skipped: 0, end });
            let told = |one: Subject| Ok(Decision::GiveUp(one.name));
            Staged::new(&host, &finding).listed(("table", "db"), list, |one| one, told)
        };
        assert_eq!(decide(Ok(("db/a", None))), Ok(Decision::GiveUp("db/a".into())));
        assert_eq!(decide(Ok(("db/b", None))), Ok(Decision::Wait("db/a no longer exists".into())));
        let part = "db/a is not in the part of the list that was read this time";
        assert_eq!(decide(Ok(("db/b", Some(End::More)))), Ok(Decision::Wait(part.into())));
        let why = "the tables of db cannot be listed: later";
        assert_eq!(decide(Err(Refusal::Busy("later".into()))), Err(Failure::CouldNotTell(why.into())));
    }

    /// Would break: evidence that is taken again and again, or a person who is never told because it cannot be taken.
    #[test]
    fn evidence_is_taken_once_before_a_person_is_told() {
        let about = Subject::new("unit", "a.service");
        let finding = Observation::new("a.service", about.clone(), Severity::Warning, "failed");
        let step = |outcome| {
            let (action, arguments, detail) = (CAPTURE.to_owned(), String::new(), String::new());
            let (about, measures) = (about.clone(), Vec::new());
            StepResult { step: 0, action, arguments, about, outcome, reason: None, detail, measures }
        };
        let decide = |host: StandIn, answer| {
            let host = host.host();
            let decision = Decision::GiveUp("it ends".into());
            let decision =
                Staged::new(&host, &finding).after_evidence(CAPTURE, ("look", "it ends"), decision, || answer);
            (decision, host.stand_in().recommendations().len())
        };
        let granted = || StandIn::default().grants("ansai:service/service-actions", "{}");
        let (now, then) = (Decision::GiveUp("it ends".into()), Decision::ApplyThenReplan(OnFailure::Stop));
        let tried = |outcome| granted().with_attempt(testing::attempt("a.service", vec![step(outcome)]));
        assert_eq!(decide(granted(), preview()), (then.clone(), 1));
        assert_eq!(decide(tried(Outcome::Refused), preview()), (then, 1), "it never began");
        assert_eq!(decide(tried(Outcome::Done), preview()), (now.clone(), 0));
        assert_eq!(decide(StandIn::default(), preview()), (now.clone(), 0));
        assert_eq!(decide(granted(), Err(Refusal::Denied("no".into()))), (now, 0));
    }

    #[test]
    fn what_may_go_away_is_tried_again_soon() {
        let (decision, again) = decide(granted("maintain"), Err(Refusal::Busy("somebody locks it".into())));
        assert!(matches!(decision, Decision::Wait(_)), "{decision:?}");
        assert_eq!(again, Some(60_000));
    }
}
