//! A host for unit tests of a policy: the feature `testing`, in `[dev-dependencies]` only.
//!
//! ```
//! use ansai_sdk::testing::StandIn;
//! use ansai_sdk::{Host, Refusal};
//!
//! /// A part of a policy; [`host_calls!`](ansai_sdk::host_calls!) writes the call.
//! fn depth(host: &Host, queue: &str) -> Result<u64, Refusal> {
//!     host.ask("ansai:queue/queue-probe.depth", (queue,), || unreachable!("there is no host here"))
//! }
//!
//! let host = StandIn::default()
//!     .answers("ansai:queue/queue-probe.depth", 0_u64)
//!     .answers_with("ansai:queue/queue-probe.depth", "\"mail\"", 7_u64)
//!     .host();
//! assert_eq!((depth(&host, "web"), depth(&host, "mail")), (Ok(0), Ok(7)));
//! assert_eq!(host.stand_in().calls(), [
//!     "ansai:queue/queue-probe.depth(\"web\",)",
//!     "ansai:queue/queue-probe.depth(\"mail\",)",
//! ]);
//! ```
#![expect(clippy::panic, reason = "a test that answers with the wrong type is wrong")]

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

mod settings;

pub use self::settings::{default_settings, undescribed_settings};
use crate::context::{Label, Target, Trigger, WallClock};
use crate::log::Level;
use crate::series::{Sample, Trend, Window};
use crate::{
    Attempt, Host, Lasting, Measure, Observation, Preview, Recommendation, Refusal, Reversibility, Severity, Status,
    StepRef, StepResult, Subject,
};

/// A preview of a step that changes nothing, for a test to change: `Preview { items: 3, ..preview(about) }`.
pub fn preview(about: Subject) -> Preview {
    Preview {
        step: 0,
        about,
        items: 0,
        frees_now_bytes: 0,
        frees_later_bytes: 0,
        interrupts: Some(0),
        takes: None,
        reversible: Reversibility::Fully,
        lasting: Lasting::ForGood,
        needs_bytes: 0,
        mount: None,
        complete: true,
        sample: Vec::new(),
        left_out: Vec::new(),
    }
}

/// A first attempt at a finding that did not help, for a test to change.
pub fn attempt(key: &str, steps: Vec<StepResult>) -> Attempt {
    Attempt {
        key: key.into(),
        number: 1,
        at: 0,
        ended: Some(0),
        stage: String::new(),
        verified: Status::Unhealthy(Severity::Critical),
        distance_before: None,
        distance_after: None,
        steps,
    }
}

/// A host that gives prepared answers and records the calls. By default it has no grants, no incidents and an empty
/// store, and the evaluation is scheduled.
#[derive(Default)]
pub struct StandIn {
    settings: String,
    scopes: BTreeMap<String, String>,
    open: Vec<Observation>,
    attempts: Vec<Attempt>,
    history: Vec<(Subject, Attempt)>,
    history_refusal: Option<Refusal>,
    facts: Vec<Measure>,
    stage: String,
    labels: Vec<Label>,
    targets: Vec<Target>,
    /// Values of settings by target and path.
    target_settings: BTreeMap<(String, String), String>,
    recommendations: RefCell<Vec<Recommendation>>,
    look_again: RefCell<Option<u64>>,
    may_fail: RefCell<Vec<StepRef>>,
    trend: Option<Trend>,
    samples: BTreeMap<String, Vec<Sample>>,
    answers: Vec<Answer>,
    calls: RefCell<Vec<String>>,
    lines: RefCell<Vec<String>>,
    store: RefCell<BTreeMap<String, String>>,
}

struct Answer {
    call: String,
    /// Text that the formatted arguments must contain.
    part: String,
    answer: Box<dyn Any>,
}

impl StandIn {
    /// The time at which every evaluation begins, in milliseconds since the Unix epoch.
    pub const NOW: u64 = 1_790_000_000_000;

    /// Sets the settings as JSON. Not needed if the test passes the settings to a function itself.
    pub fn with_settings(self, json: &str) -> StandIn {
        StandIn { settings: json.into(), ..self }
    }

    /// Grants an interface with a scope in JSON: a table, or a list of tables.
    pub fn grants(mut self, interface: &str, scope: &str) -> StandIn {
        let tables = if scope.trim_start().starts_with('[') { scope.to_owned() } else { format!("[{scope}]") };
        self.scopes.insert(interface.into(), tables);
        self
    }

    /// Adds an open incident.
    pub fn with_open(mut self, incident: Observation) -> StandIn {
        self.open.push(incident);
        self
    }

    /// Adds an earlier attempt at the finding. Add the oldest first.
    pub fn with_attempt(mut self, attempt: Attempt) -> StandIn {
        self.attempts.push(attempt);
        self
    }

    /// Adds an attempt at a finding about a thing, whose incident may be closed. Add the oldest first.
    pub fn with_history(mut self, about: Subject, attempt: Attempt) -> StandIn {
        self.history.push((about, attempt));
        self
    }

    /// Refuses to read the history.
    pub fn refuses_history(self, refusal: Refusal) -> StandIn {
        StandIn { history_refusal: Some(refusal), ..self }
    }

    /// Sets the stage of the incident that is planned for. Without it, there are no stages.
    pub fn at_stage(self, stage: &str) -> StandIn {
        StandIn { stage: stage.into(), ..self }
    }

    /// Adds a label of the host.
    pub fn with_label(mut self, name: &str, value: &str) -> StandIn {
        self.labels.push(Label { name: name.into(), value: value.into() });
        self
    }

    /// Adds a target without labels, with the settings that differ for it: path and value. Its subject has the kind
    /// `target` and its name.
    pub fn with_target(mut self, name: &str, kind: &str, settings: &[(&str, &str)]) -> StandIn {
        let about = Subject::new("target", name);
        self.targets.push(Target { about, name: name.into(), kind: kind.into(), labels: Vec::new() });
        let own = settings.iter().map(|(path, value)| ((name.to_owned(), (*path).to_owned()), (*value).to_owned()));
        self.target_settings.extend(own);
        self
    }

    /// Adds a fact about the host.
    pub fn with_fact(mut self, fact: Measure) -> StandIn {
        self.facts.push(fact);
        self
    }

    /// Sets the trend of every series. Without it, a series is unavailable.
    pub fn with_trend(self, trend: Trend) -> StandIn {
        StandIn { trend: Some(trend), ..self }
    }

    /// Sets the samples of a series, oldest first: what `samples` returns for every window, without those before its begin.
    pub fn with_samples(mut self, series: &str, samples: Vec<Sample>) -> StandIn {
        self.samples.insert(series.into(), samples);
        self
    }

    /// Adds an entry to the store.
    pub fn remembers(self, key: &str, value: &str) -> StandIn {
        self.store.borrow_mut().insert(key.into(), value.into());
        self
    }

    /// Answers every call with this name, unless a later line answers it.
    pub fn answers<R: Clone + 'static>(self, call: &str, answer: R) -> StandIn {
        self.answers_with(call, "", answer)
    }

    /// Answers the calls with this name whose arguments, formatted with `{:?}`, contain a text.
    pub fn answers_with<R: Clone + 'static>(mut self, call: &str, part: &str, answer: R) -> StandIn {
        let answer: Box<dyn Any> = Box::new(Ok::<R, Refusal>(answer));
        self.answers.push(Answer { call: call.into(), part: part.into(), answer });
        self
    }

    /// Refuses every call with this name. A call without an answer is unavailable.
    pub fn refuses(mut self, call: &str, refusal: Refusal) -> StandIn {
        self.answers.push(Answer { call: call.into(), part: String::new(), answer: Box::new(refusal) });
        self
    }

    /// Returns the host that the policy uses.
    pub fn host(self) -> Host {
        Host::on(self)
    }

    /// Calls so far, with their arguments.
    pub fn calls(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    /// Clears the list of calls.
    pub fn forget_calls(&self) {
        self.calls.borrow_mut().clear();
    }

    /// Recommendations so far.
    pub fn recommendations(&self) -> Vec<Recommendation> {
        self.recommendations.borrow().clone()
    }

    /// The shortest time, in milliseconds, after which the policy asked for another evaluation.
    pub fn follow_up(&self) -> Option<u64> {
        *self.look_again.borrow()
    }

    /// Steps that may fail.
    pub fn steps_that_may_fail(&self) -> Vec<StepRef> {
        self.may_fail.borrow().clone()
    }

    /// Log lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    pub(crate) fn now(&self) -> u64 {
        StandIn::NOW
    }

    pub(crate) fn local_time(&self) -> WallClock {
        WallClock { minute_of_day: 0, weekday: 0, utc_offset_minutes: 0 }
    }

    pub(crate) fn last_evaluated(&self) -> Option<u64> {
        None
    }

    pub(crate) fn trigger(&self) -> Trigger {
        Trigger::Schedule
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject::new("host", "localhost")
    }

    pub(crate) fn settings(&self) -> String {
        self.settings.clone()
    }

    pub(crate) fn scopes(&self) -> String {
        let scopes: Vec<String> = self.scopes.iter().map(|(name, scope)| format!("\"{name}\":{scope}")).collect();
        format!("{{{}}}", scopes.join(","))
    }

    pub(crate) fn facts(&self) -> Vec<Measure> {
        self.facts.clone()
    }

    pub(crate) fn open_incidents(&self) -> Vec<Observation> {
        self.open.clone()
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.clone()
    }

    pub(crate) fn stage(&self) -> String {
        self.stage.clone()
    }

    pub(crate) fn labels(&self) -> Vec<Label> {
        self.labels.clone()
    }

    pub(crate) fn targets(&self) -> Vec<Target> {
        self.targets.clone()
    }

    pub(crate) fn target_setting(&self, target: &str, path: &str) -> Option<String> {
        self.target_settings.get(&(target.to_owned(), path.to_owned())).cloned()
    }

    pub(crate) fn history(&self, about: &Subject, since: u64) -> Result<Vec<Attempt>, Refusal> {
        let is_wanted = |(of, attempt): &&(Subject, Attempt)| of == about && attempt.at >= since;
        let found = self.history.iter().filter(is_wanted).map(|(_, attempt)| attempt.clone());
        self.history_refusal.clone().map_or_else(|| Ok(found.collect()), Err)
    }

    pub(crate) fn recommend(&self, what: &Recommendation) -> Result<(), Refusal> {
        self.recommendations.borrow_mut().push(what.clone());
        Ok(())
    }

    pub(crate) fn look_again(&self, after: u64) -> Result<(), Refusal> {
        let mut shortest = self.look_again.borrow_mut();
        *shortest = Some(shortest.map_or(after, |before| before.min(after)));
        Ok(())
    }

    pub(crate) fn may_fail(&self, step: StepRef) -> Result<(), Refusal> {
        self.may_fail.borrow_mut().push(step);
        Ok(())
    }

    pub(crate) fn log(&self, _: Level, line: &str) {
        self.lines.borrow_mut().push(line.into());
    }

    pub(crate) fn stored(&self, key: &str) -> Result<Option<String>, Refusal> {
        Ok(self.store.borrow().get(key).cloned())
    }

    pub(crate) fn store(&self, key: &str, value: &str) -> Result<(), Refusal> {
        if key.len() > 256 || value.len() > 64 << 10 {
            return Err(Refusal::Invalid("too long".into()));
        }
        self.store.borrow_mut().insert(key.into(), value.into());
        Ok(())
    }

    pub(crate) fn append(&self, _: &str, _: f64) -> Result<(), Refusal> {
        Ok(())
    }

    pub(crate) fn look_at(&self, series: &str, _: Window) -> Result<Trend, Refusal> {
        self.trend.ok_or_else(|| Refusal::NotFound(format!("no series {series}")))
    }

    pub(crate) fn look_at_limit(&self, series: &str, _: Window, _: f64) -> Result<Trend, Refusal> {
        self.trend.ok_or_else(|| Refusal::NotFound(format!("no series {series}")))
    }

    pub(crate) fn samples(&self, series: &str, window: Window) -> Result<Vec<Sample>, Refusal> {
        let known = self.samples.get(series).into_iter().flatten();
        Ok(known.filter(|sample| sample.at >= window.since).copied().collect())
    }

    pub(crate) fn delete_series(&self, series: &str) -> Result<(), Refusal> {
        self.calls.borrow_mut().push(format!("delete-series({series:?})"));
        Ok(())
    }

    pub(crate) fn analyse(&self, series: &str, _: u64, _: f64) -> Result<Trend, Refusal> {
        self.trend.ok_or_else(|| Refusal::NotFound(format!("no series {series}")))
    }

    pub(crate) fn ask<A: fmt::Debug, R: Clone + 'static>(
        &self,
        call: &str,
        arguments: A,
        _: impl FnOnce() -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let arguments = format!("{arguments:?}");
        self.calls.borrow_mut().push(format!("{call}{arguments}"));
        let found = self.answers.iter().rev().find(|one| one.call == call && arguments.contains(&one.part));
        let Some(found) = found else { return Err(Refusal::Unavailable(format!("{call} has no answer in this test"))) };
        if let Some(refusal) = found.answer.downcast_ref::<Refusal>() {
            return Err(refusal.clone());
        }
        match found.answer.downcast_ref::<Result<R, Refusal>>() {
            Some(answer) => answer.clone(),
            None => panic!("the answer to {call} is no {}", std::any::type_name::<R>()),
        }
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIn").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl Host {
    /// The stand-in behind this host, for checking its calls and log lines.
    pub fn stand_in(&self) -> &StandIn {
        &self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(host: &Host, arguments: &str) -> Result<u8, Refusal> {
        host.ask("call", (arguments,), || Ok(9))
    }

    #[test]
    fn the_last_answer_that_fits_wins() {
        let host = StandIn::default().answers_with("call", "b", 2_u8).answers("call", 1_u8).host();
        assert_eq!((ask(&host, "a"), ask(&host, "b")), (Ok(1), Ok(1)));
        let host = StandIn::default().answers("call", 1_u8).answers_with("call", "b", 2_u8).host();
        assert_eq!((ask(&host, "a"), ask(&host, "b")), (Ok(1), Ok(2)));
    }

    #[test]
    fn no_answer_is_a_refusal() {
        let host = StandIn::default().refuses("call", Refusal::Busy("locked".into())).host();
        assert_eq!(ask(&host, "a"), Err(Refusal::Busy("locked".into())));
        assert!(matches!(ask(&StandIn::default().host(), "a"), Err(Refusal::Unavailable(_))));
    }

    #[test]
    fn targets_labels_history_and_advice() {
        let about = Subject::new("unit", "a");
        let attempt = |at| Attempt { at, ..attempt("k", vec![]) };
        let host = StandIn::default()
            .with_target("main", "postgresql", &[("connections", "90")])
            .with_label("role", "web")
            .with_history(about.clone(), attempt(1))
            .with_history(about.clone(), attempt(5))
            .host();
        assert_eq!((host.targets()[0].name.as_str(), host.labels()[0].value.as_str()), ("main", "web"));
        assert_eq!(host.targets()[0].about, Subject::new("target", "main"));
        assert_eq!(host.host().kind, "host");
        let setting = |target| host.target_setting(target, "connections");
        assert_eq!((setting("main").as_deref(), setting("other")), (Some("90"), None));
        assert_eq!(host.history(&about, 2), Ok(vec![attempt(5)]));
        assert_eq!(host.history(&Subject::new("unit", "b"), 0), Ok(vec![]));
        let refusal = Refusal::Unavailable("the state cannot be read".into());
        assert_eq!(StandIn::default().refuses_history(refusal.clone()).host().history(&about, 2), Err(refusal));
        host.look_again(crate::Span(90_000));
        host.look_again(crate::Span(5));
        host.recommend(Recommendation::new("a bigger disk", "it grows").about(about));
        assert_eq!(host.may_fail(0), Ok(()));
        let stand_in = host.stand_in();
        assert_eq!((stand_in.follow_up(), stand_in.steps_that_may_fail()), (Some(1_000), vec![0]));
        let recommended = &stand_in.recommendations()[0];
        let about = recommended.about.as_ref().map(|about| about.name.as_str());
        assert_eq!((recommended.summary.as_str(), about), ("a bigger disk", Some("a")));
    }

    #[test]
    fn samples_of_a_window_are_not_older_than_its_begin() {
        let samples = [1, 5].map(|at| Sample { at, value: 2.0 });
        let host = StandIn::default().with_samples("a", samples.to_vec()).host();
        let window = |since| Window::since(since, crate::series::Reduction::Minimum);
        let ats =
            |series, since| host.samples(series, window(since)).unwrap().iter().map(|one| one.at).collect::<Vec<_>>();
        assert_eq!((ats("a", 0), ats("a", 2), ats("b", 0)), (vec![1, 5], vec![5], vec![]));
        assert!(host.look_at_limit("a", window(0), 9.0).is_err());
        host.delete_series("a");
        assert_eq!(host.stand_in().calls(), ["delete-series(\"a\")"]);
    }

    #[test]
    fn grants_incidents_and_the_store() {
        let host = StandIn::default().grants("a", r#"{"roots": ["/x"]}"#).grants("b", "{}").remembers("k", "v").host();
        assert_eq!(host.grants().texts("a", "roots"), ["/x"]);
        assert!(host.grants().has("b") && !host.grants().has("c"));
        assert_eq!(host.recall("k").as_deref(), Some("v"));
        host.remember(&"k".repeat(257), "v");
        assert_eq!(host.stand_in().lines().len(), 1);
    }
}
