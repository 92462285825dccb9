//! What the host knows about this evaluation.

use std::cell::OnceCell;
use std::fmt;

use crate::context::{Trigger, WallClock};
use crate::series::Trend;
use crate::{Attempt, Grants, Observation, Refusal, Severity, Value, log, text};

#[cfg(not(any(test, feature = "testing")))]
pub(crate) use crate::imported::Imported as Base;
#[cfg(any(test, feature = "testing"))]
pub(crate) use crate::testing::StandIn as Base;

#[cfg(all(feature = "testing", target_family = "wasm"))]
compile_error!("the feature `testing` of ansai-sdk is for [dev-dependencies]: a component with it would see no host");

/// The host, for one evaluation. Its answers do not change while it lasts.
///
/// The probes and actions of a policy are in the module `imports` of its own crate;
/// [`host_calls!`](crate::host_calls!) makes functions of them that a unit test can answer. More of
/// [`store`](crate::store) and [`series`](crate::series) is in the modules of these names.
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

    /// When the evaluation began, milliseconds since the Unix epoch. There is no other clock.
    pub fn now(&self) -> u64 {
        self.base.now()
    }

    /// The host's local time, for what people call night.
    pub fn local_time(&self) -> WallClock {
        self.base.local_time()
    }

    /// When an evaluation of this instance last succeeded, if one did.
    pub fn last_evaluated(&self) -> Option<u64> {
        self.base.last_evaluated()
    }

    /// Whether the host keeps what is written to the store and the series: on a schedule and on an event it does; in a
    /// verification, by hand and in a replay it does not.
    pub fn keeps_what_is_stored(&self) -> bool {
        matches!(self.base.trigger(), Trigger::Schedule | Trigger::Event(_))
    }

    /// Observations that are open incidents now.
    pub fn open_incidents(&self) -> &[Observation] {
        self.open.get_or_init(|| self.base.open_incidents())
    }

    /// The severity of the open incident with this key, if there is one: what hysteresis needs, see
    /// [`Levels`](crate::Levels).
    pub fn open_severity(&self, key: &str) -> Option<Severity> {
        let key = text::key(key);
        self.open_incidents().iter().find(|incident| incident.key == key).and_then(Observation::severity)
    }

    /// Whether there is an open incident with this key.
    pub fn is_open(&self, key: &str) -> bool {
        self.open_severity(key).is_some()
    }

    /// Open incidents that an answer does not mention. They stay open; [`Observation::unknown`] can say why.
    pub fn unmentioned<'h>(&'h self, observations: &'h [Observation]) -> impl Iterator<Item = &'h Observation> {
        let is_mentioned = |key: &str| observations.iter().any(|one| one.key == key);
        self.open_incidents().iter().filter(move |incident| !is_mentioned(&incident.key))
    }

    /// In `plan`, what was tried for this finding, oldest first; empty in `detect`.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.base.attempts()
    }

    /// The stage of the escalation that this plan is for; empty if there is none.
    pub fn stage(&self) -> String {
        self.base.stage()
    }

    /// What the operator granted to this instance.
    pub fn grants(&self) -> &Grants {
        self.grants.get_or_init(|| Grants::parse(&self.base.scopes()))
    }

    /// A fact about the host: `host-name`, `os-id`, `kernel`, `cpus`, … (see `host-facts` in the WIT).
    pub fn fact(&self, name: &str) -> Option<Value> {
        self.base.facts().into_iter().find(|fact| fact.name == name).map(|fact| fact.value)
    }

    /// What [`remember`](Host::remember) wrote; `None` also if the store does not answer. So use it only for what makes
    /// an answer better, never for what makes it safe.
    pub fn recall(&self, key: &str) -> Option<String> {
        self.base.stored(key).ok().flatten()
    }

    /// Writes to the store, for later evaluations. A key has at most 256 bytes, a value 64 KiB.
    pub fn remember(&self, key: &str, value: &str) {
        if self.base.store(key, value).is_err() {
            self.warn("the store is full or unavailable: this evaluation remembers less");
        }
    }

    /// Adds this evaluation's sample to a series, for a later [`Forecast`](crate::Forecast).
    ///
    /// # Errors
    /// As the host refuses it: an instance has at most 64 series.
    pub fn append(&self, series: &str, value: f64) -> Result<(), Refusal> {
        self.base.append(series, value)
    }

    pub(crate) fn analyse(&self, series: &str, since: u64, limit: f64) -> Result<Trend, Refusal> {
        self.base.analyse(series, since, limit)
    }

    /// A line for the operator's log.
    pub fn log(&self, message: &str) {
        self.base.log(log::Level::Info, message);
    }

    /// A line for the operator's log that needs attention.
    pub fn warn(&self, message: &str) {
        self.base.log(log::Level::Warn, message);
    }

    /// Calls a probe or an action: `answer` in a component, and in a unit test what
    /// `testing::StandIn` answers to this call. [`host_calls!`](crate::host_calls!) writes it.
    ///
    /// # Errors
    /// As the host refuses the call.
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

/// Makes functions of imported probes and actions that take the [`Host`] first. In a component they are the imports
/// themselves; in unit tests a `testing::StandIn` answers them.
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
