//! The host's information about this evaluation.

use std::cell::OnceCell;
use std::fmt;

use crate::context::{Label, Target, Trigger, WallClock};
use crate::series::{Sample, Trend, Window};
use crate::{
    Attempt, Grants, Observation, Recommendation, Refusal, Severity, Span, StepRef, Subject, Value, log, text,
};

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
    open: OnceCell<Vec<Observation>>,
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

    /// The open incidents.
    pub fn open_incidents(&self) -> &[Observation] {
        self.open.get_or_init(|| self.base.open_incidents())
    }

    /// The severity of the open incident with this key; `None` if there is none. [`Levels`](crate::Levels) needs it for
    /// hysteresis.
    pub fn open_severity(&self, key: &str) -> Option<Severity> {
        let key = text::key(key);
        self.open_incidents().iter().find(|incident| incident.key == key).and_then(Observation::severity)
    }

    /// Whether there is an open incident with this key.
    pub fn is_open(&self, key: &str) -> bool {
        self.open_severity(key).is_some()
    }

    /// Open incidents that the given observations do not mention. They stay open; explain why with
    /// [`Observation::unknown`].
    pub fn unmentioned<'h>(&'h self, observations: &'h [Observation]) -> impl Iterator<Item = &'h Observation> {
        let is_mentioned = |key: &str| observations.iter().any(|one| one.key == key);
        self.open_incidents().iter().filter(move |incident| !is_mentioned(&incident.key))
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
