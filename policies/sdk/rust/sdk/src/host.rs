//! The host's information about this evaluation.

use std::cell::OnceCell;
use std::fmt;

use crate::context::{Label, Target, Trigger, WallClock};
use crate::series::{Reduction, Sample, Trend, Window};
use crate::{Attempt, Grants, Levels, Observation, Recommendation, Refusal, Span, StepRef, Subject, Value, log};

#[cfg(not(any(test, feature = "testing")))]
pub(crate) use crate::imported::Imported as Base;
#[cfg(any(test, feature = "testing"))]
pub(crate) use crate::testing::StandIn as Base;

#[cfg(all(feature = "testing", target_family = "wasm"))]
compile_error!("the feature `testing` of ansai-sdk is for [dev-dependencies]: a component with it would see no host");

/// The host during one evaluation. Its answers do not change within an evaluation.
///
/// A policy's probes and actions are in the module `imports` of its own crate. [`host_calls!`](crate::host_calls!)
/// wraps them in functions that a unit test can answer. The modules [`store`](crate::store) and
/// [`series`](crate::series) have more functions.
#[derive(Debug)]
pub struct Host {
    pub(crate) base: Base,
    pub(crate) open: OnceCell<Vec<Observation>>,
    grants: OnceCell<Grants>,
}

impl Host {
    pub(crate) fn of_this_evaluation() -> Host {
        Host::on(Base::default())
    }

    pub(crate) fn on(base: Base) -> Host {
        Host { base, open: OnceCell::new(), grants: OnceCell::new() }
    }

    /// The time at which the evaluation began, in milliseconds since the Unix epoch. There is no other clock.
    pub fn now(&self) -> u64 {
        self.base.now()
    }

    /// How long ago an instant was; 0 if it lies ahead, because the clock was set back.
    ///
    /// ```
    /// use ansai_sdk::Span;
    /// use ansai_sdk::testing::StandIn;
    ///
    /// let host = StandIn::default().host();
    /// assert_eq!(host.since(host.before(Span(60_000))), Span(60_000));
    /// assert_eq!(host.since(host.now() + 1), Span(0));
    /// ```
    pub fn since(&self, instant: u64) -> Span {
        Span(self.now().saturating_sub(instant))
    }

    /// The instant so long ago, for example for the begin of a [`Window`](crate::series::Window).
    pub fn before(&self, span: Span) -> u64 {
        self.now().saturating_sub(span.0)
    }

    /// The host's local time, for decisions such as "only at night".
    pub fn local_time(&self) -> WallClock {
        self.base.local_time()
    }

    /// The time of the last successful evaluation of this instance; `None` if there was none.
    pub fn last_evaluated(&self) -> Option<u64> {
        self.base.last_evaluated()
    }

    /// This host as a whole, for observations that are about no smaller thing.
    pub fn host(&self) -> Subject {
        self.base.subject()
    }

    /// What caused this evaluation, with the events if these did. `plan` has the trigger of the `detect` that reported
    /// the finding.
    pub fn triggered_by(&self) -> Trigger {
        self.base.trigger()
    }

    /// Whether the host keeps what this evaluation writes to the store and the series. It does for evaluations by
    /// schedule, event or follow-up, but not in a verification, a manual run or a replay.
    pub fn keeps_what_is_stored(&self) -> bool {
        matches!(self.base.trigger(), Trigger::Schedule | Trigger::Event(_) | Trigger::FollowUp)
    }

    /// Observes a number: its status by levels, with the hysteresis of its open incident.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    /// use ansai_sdk::{Levels, Measure, Severity};
    ///
    /// let host = StandIn::default().host();
    /// let levels = Levels::rising().warning(80.0).rearm(5.0);
    /// let seen = host.judge("threads", &host.host(), levels, 85.0, "85 % of all threads are in use");
    /// assert_eq!(seen.with(Measure::ratio("used", 0.85)).severity(), Some(Severity::Warning));
    /// ```
    pub fn judge(
        &self,
        key: impl Into<String>,
        about: &Subject,
        levels: Levels,
        value: f64,
        summary: impl Into<String>,
    ) -> Observation {
        let key = key.into();
        let status = levels.status(value, self.open_severity(&key));
        Observation::new(key, about.clone(), status, summary)
    }

    /// In `plan`: earlier attempts at this finding, oldest first. Empty in `detect`.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.base.attempts()
    }

    /// The escalation stage that this plan is for; empty if there is none.
    pub fn stage(&self) -> String {
        self.base.stage()
    }

    /// The attempts of this instance at findings about a thing since an instant (milliseconds since the Unix epoch),
    /// oldest first, also those whose incident is closed. At most 100, the latest ones.
    ///
    /// # Errors
    /// The host's refusal if the history cannot be read. It does not end the evaluation: a rule such as "at most once a
    /// day" can then wait.
    pub fn history(&self, about: &Subject, since: u64) -> Result<Vec<Attempt>, Refusal> {
        self.base.history(about, since)
    }

    /// When steps about a thing ended within a time that ends now, oldest first, for rules such as "three restarts a day" or "an
    /// hour between two". A step that never began does not count. Of one whose end is not known, the begin counts.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    /// use ansai_sdk::{Span, Subject};
    ///
    /// let host = StandIn::default().host();
    /// let is_restart = |action: &str| action == "ansai:service/service-actions.restart";
    /// let ends = host.ends_of_steps(&Subject::new("unit", "a.service"), Span::from_days(1), is_restart);
    /// assert_eq!(ends, Ok(vec![]));
    /// ```
    ///
    /// # Errors
    /// As [`history`](Host::history).
    pub fn ends_of_steps(
        &self,
        about: &Subject,
        within: Span,
        is_counted: impl Fn(&str) -> bool,
    ) -> Result<Vec<u64>, Refusal> {
        let history = self.history(about, self.now().saturating_sub(within.0))?;
        let steps = history.iter().flat_map(|attempt| attempt.steps.iter().map(move |step| (attempt, step)));
        let counted = steps.filter(|(_, step)| is_counted(&step.action) && step.about == *about && step.has_begun());
        Ok(counted.map(|(attempt, _)| attempt.ended.unwrap_or(attempt.at)).collect())
    }

    /// The labels that the operator gave this host.
    pub fn labels(&self) -> Vec<Label> {
        self.base.labels()
    }

    /// The targets that this instance may use, such as database servers. Each has its subject as `about`, for
    /// observations also while it cannot be reached.
    pub fn targets(&self) -> Vec<Target> {
        self.base.targets()
    }

    /// One setting by its dotted path, with the value that the operator set for this target if there is one. A string is
    /// returned as it is, every other value as JSON.
    pub fn target_setting(&self, target: &str, path: &str) -> Option<String> {
        self.base.target_setting(target, path)
    }

    /// In `plan`: recommends something to a person, in addition to the decision.
    pub fn recommend(&self, what: Recommendation) {
        if let Err(refusal) = self.base.recommend(&what) {
            self.warn(&format!("the recommendation is lost: {}", refusal.words()));
        }
    }

    /// Asks for another evaluation this long after this one ended, between a second and a day, if nothing else causes
    /// one before. Then that evaluation must ask again.
    pub fn look_again(&self, after: Span) {
        let (soonest, latest) = (1_000, Span::from_days(1).0);
        if let Err(refusal) = self.base.look_again(after.0.clamp(soonest, latest)) {
            self.warn(&format!("there is no follow-up: {}", refusal.words()));
        }
    }

    /// Asks for another evaluation at the first of these instants that is to come, if that is within a day.
    pub fn look_again_at(&self, instants: impl Iterator<Item = u64>) {
        let to_come = instants.filter_map(|at| at.checked_sub(self.now()).filter(|wait| *wait > 0));
        if let Some(wait) = to_come.min().filter(|wait| *wait <= Span::from_days(1).0) {
            self.look_again(Span(wait));
        }
    }

    /// In `plan`: lets the plan go on if this step fails or is refused, because it only captures evidence or prepares
    /// something.
    ///
    /// # Errors
    /// `not-found` if this call of `plan` has not proposed the step, `denied` in `detect`.
    pub fn may_fail(&self, step: StepRef) -> Result<(), Refusal> {
        self.base.may_fail(step)
    }

    /// The operator's grants for this instance.
    pub fn grants(&self) -> &Grants {
        self.grants.get_or_init(|| Grants::parse(&self.base.scopes()))
    }

    /// A fact about the host: `host-name`, `os-id`, `kernel`, `cpus`, … (see `host-facts` in the WIT).
    pub fn fact(&self, name: &str) -> Option<Value> {
        self.base.facts().into_iter().find(|fact| fact.name == name).map(|fact| fact.value)
    }

    /// Reads what [`remember`](Host::remember) wrote; `None` also if the store fails. So use it only to improve an
    /// answer, never for safety.
    pub fn recall(&self, key: &str) -> Option<String> {
        self.base.stored(key).ok().flatten()
    }

    /// Reads numbers that were remembered with spaces between them; `None` if they are not exactly so many.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    ///
    /// let host = StandIn::default().remembers("busy", "400 600").host();
    /// assert_eq!(host.recall_numbers("busy"), Some([400, 600]));
    /// assert_eq!(host.recall_numbers::<3>("busy"), None);
    /// ```
    pub fn recall_numbers<const N: usize>(&self, key: &str) -> Option<[u64; N]> {
        let text = self.recall(key)?;
        let mut words = text.split(' ');
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = words.next()?.parse().ok()?;
        }
        words.next().is_none().then_some(numbers)
    }

    /// Whether the instant that was remembered is less than a time ago. A clock that was set back ends that.
    pub fn is_within(&self, key: &str, time: Span) -> bool {
        self.recall_numbers(key).is_some_and(|[at]| time.lasts_since(at, self.now()))
    }

    /// Writes to the store, for later evaluations. A key has at most 256 bytes, a value at most 64 KiB.
    pub fn remember(&self, key: &str, value: &str) {
        if self.base.store(key, value).is_err() {
            self.warn("the store is full or unavailable: this evaluation remembers less");
        }
    }

    /// Adds a sample to a series, for a later [`Forecast`](crate::Forecast).
    ///
    /// # Errors
    /// The host's refusal: an instance has at most as many series as its limit `series`, 64 by default.
    pub fn append(&self, series: &str, value: f64) -> Result<(), Refusal> {
        self.base.append(series, value)
    }

    /// Analyses the samples of a [`Window`](crate::series::Window): how many there are, over which time, and their minimum,
    /// maximum, mean, median and slope.
    ///
    /// # Errors
    /// `not-found` if there are no samples in it, or the host's refusal.
    pub fn look_at(&self, series: &str, window: Window) -> Result<Trend, Refusal> {
        self.base.look_at(series, window)
    }

    /// As [`look_at`](Host::look_at), with the time until the trend line reaches a limit.
    ///
    /// # Errors
    /// `not-found` if there are no samples in it, or the host's refusal.
    pub fn look_at_limit(&self, series: &str, window: Window, limit: f64) -> Result<Trend, Refusal> {
        self.base.look_at_limit(series, window, limit)
    }

    /// Returns the samples of a [`Window`](crate::series::Window) after reduction, oldest first; the newest 2,000 if there
    /// are more.
    ///
    /// # Errors
    /// The host's refusal.
    pub fn samples(&self, series: &str, window: Window) -> Result<Vec<Sample>, Refusal> {
        self.base.samples(series, window)
    }

    /// Whether a series grew by at least `least` in each half of a time. Of something that fills up once, such as a pool or a cache,
    /// it did not. False without samples that reach back for `least_known`: of minutes, the halves say nothing.
    ///
    /// ```
    /// use ansai_sdk::series::Sample;
    /// use ansai_sdk::testing::StandIn;
    /// use ansai_sdk::Span;
    ///
    /// let at = |hours: u32, value| Sample { at: StandIn::NOW - Span::from_hours(hours).0, value };
    /// let grows = |samples| {
    ///     let host = StandIn::default().with_samples("idle", samples).host();
    ///     host.grows_in_each_half("idle", Span::from_hours(6), Span::from_hours(4), 5.0)
    /// };
    /// assert!(grows(vec![at(5, 10.0), at(3, 15.0), at(0, 20.0)]));
    /// assert!(!grows(vec![at(5, 10.0), at(3, 20.0), at(0, 20.0)]), "it filled up");
    /// assert!(!grows(vec![at(2, 10.0), at(1, 15.0), at(0, 20.0)]), "too short");
    /// ```
    pub fn grows_in_each_half(&self, series: &str, look_back: Span, least_known: Span, least: f64) -> bool {
        let window = Window::since(self.before(look_back), Reduction::Latest);
        let samples = self.samples(series, window).unwrap_or_default();
        let (Some(first), Some(middle), Some(last)) = (samples.first(), samples.get(samples.len() / 2), samples.last())
        else {
            return false;
        };
        let is_long = self.since(first.at) >= least_known;
        is_long && middle.value - first.value >= least && last.value - middle.value >= least
    }

    /// Deletes a series, for example that of a thing that no longer exists: an instance has a limited number of them.
    pub fn delete_series(&self, series: &str) {
        if let Err(refusal) = self.base.delete_series(series) {
            self.warn(&format!("a series is kept: {}", refusal.words()));
        }
    }

    pub(crate) fn analyse(&self, series: &str, since: u64, limit: f64) -> Result<Trend, Refusal> {
        self.base.analyse(series, since, limit)
    }

    /// Writes a line to the operator's log.
    pub fn log(&self, message: &str) {
        self.base.log(log::Level::Info, message);
    }

    /// Writes a warning to the operator's log.
    pub fn warn(&self, message: &str) {
        self.base.log(log::Level::Warn, message);
    }

    /// Calls a probe or an action: `answer` in a component, and `testing::StandIn` in a unit test.
    /// [`host_calls!`](crate::host_calls!) generates these calls.
    ///
    /// # Errors
    /// The host's refusal.
    #[inline(always)]
    pub fn ask<A: fmt::Debug, R: Clone + 'static>(
        &self,
        call: &str,
        arguments: A,
        answer: impl FnOnce() -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        self.base.ask(call, arguments, answer)
    }
}

/// Generates functions for imported probes and actions that take the [`Host`] first. In a component they call the
/// imports; in unit tests a `testing::StandIn` answers them.
///
/// ```ignore
/// use imports::ansai::disk::disk_probe::{self, Filesystems};
///
/// ansai_sdk::host_calls! {
///     "ansai:disk/disk-probe.list-filesystems" => fn filesystems() -> Filesystems = disk_probe::list_filesystems;
/// }
///
/// let found = filesystems(host)?;
/// ```
#[macro_export]
macro_rules! host_calls {
    ($($call:expr => fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty = $import:path;)*) => {$(
        #[doc = ::core::concat!("Calls `", ::core::stringify!($import), "`.")]
        pub(crate) fn $name(
            host: &$crate::Host, $($argument: $type),*
        ) -> ::core::result::Result<$answer, $crate::Refusal> {
            host.ask($call, ($($argument,)*), || $import($($argument),*))
        }
    )*};
}
