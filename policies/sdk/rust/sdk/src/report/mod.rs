//! The observations of a policy that watches many things of several places, such as the tables and sessions of database
//! servers.
//!
//! Its keys are `KIND:PLACE` or `KIND:PLACE/THING`: `connections:main-db`, `table:main-db/orders`. The report knows of which
//! kinds and places all things were seen, so that a thing that is gone is told from one that nobody looked at.
//!
//! ```
//! use ansai_sdk::pages::Listed;
//! use ansai_sdk::report::Report;
//! use ansai_sdk::{Observation, Severity, Status, Subject};
//!
//! # let host = ansai_sdk::testing::StandIn::default().host();
//! # let (main, sizes) = (Subject::new("target", "main-db"), Listed { entries: vec![3_u64, 12], skipped: 0, end: None });
//! let mut report = Report::new(&host, 10);
//! if let Some(tables) = report.listed("table", "table", "main-db", &main, Ok(sizes)) {
//!     let is_bad = |size: &u64| (*size > 10).then_some(*size);
//!     for size in report.worst("table", "main-db", &main, tables, |size| format!("table:main-db/{size}"), is_bad) {
//!         let status = Status::Unhealthy(Severity::Warning);
//!         report.add(Observation::new(format!("table:main-db/{size}"), main.clone(), status, "it is large"));
//!     }
//! }
//! assert_eq!(report.finish(|_| true).len(), 1);
//! ```

mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

pub use place::Place;

use crate::exported::MOST_OBSERVATIONS;
use crate::pages::Listed;
use crate::{Host, Observation, Refusal, Severity, Status, Subject, largest, text};

/// What is known about all things of one kind of a place.
struct Looked {
    scope: String,
    /// Why some of them are unknown; `None` if all of them were seen.
    missing: Option<String>,
}

/// All things of one kind of a place: the tables of a server, the containers of an engine.
#[derive(Debug, Clone, Copy)]
pub struct Things<'t> {
    /// The kind of the findings: `dead-rows`.
    pub kind: &'t str,
    /// What one of them is: `table`.
    pub noun: &'t str,
    /// The name of the place: `main-db`.
    pub place: &'t str,
    /// What the place is.
    pub of: &'t Subject,
}

/// A thing that is observed now.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// As it is listed.
    pub thing: T,
    /// How bad it is; `None` if it is healthy.
    pub severity: Option<Severity>,
    key: String,
    about: Subject,
}

impl<T> Found<T> {
    /// Its observation, with a sentence.
    pub fn observe(&self, summary: impl Into<String>) -> Observation {
        Observation::new(&*self.key, self.about.clone(), self.severity, summary)
    }
}

/// Gathers the observations of one evaluation.
pub struct Report<'a> {
    host: &'a Host,
    most: usize,
    all: Vec<Observation>,
    looked: Vec<Looked>,
    timeouts: u32,
    entries: usize,
}

/// `KIND:PLACE` of a key `KIND:PLACE` or `KIND:PLACE/THING`. A place that begins with a slash, such as a path, is the whole
/// rest.
///
/// ```
/// use ansai_sdk::report::scope;
///
/// assert_eq!([scope("table:main-db/orders"), scope("cache:main-db")], ["table:main-db", "cache:main-db"]);
/// assert_eq!(scope("file:/var/lib/app.db"), "file:/var/lib/app.db");
/// ```
pub fn scope(key: &str) -> &str {
    let after = key.find(':').map_or(0, |colon| colon.saturating_add(1));
    let rest = key.get(after..).unwrap_or_default();
    match rest.find('/') {
        Some(slash) if slash > 0 => key.get(..after.saturating_add(slash)).unwrap_or(key),
        _ => key,
    }
}

impl<'a> Report<'a> {
    /// Creates an empty report. At most `most` things of one kind and place are findings at a time, see
    /// [`worst`](Report::worst).
    pub fn new(host: &'a Host, most: usize) -> Report<'a> {
        Report { host, most, all: Vec::new(), looked: Vec::new(), timeouts: 0, entries: 0 }
    }

    /// The host of this evaluation.
    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// Adds an observation.
    pub fn add(&mut self, one: Observation) {
        self.all.push(one);
    }

    /// Adds an observation that is unhealthy or unknown, or that closes an incident. Of thousands of things, those that are
    /// healthy are no news.
    pub fn add_news(&mut self, one: Observation) {
        if one.status != Status::Healthy || self.host.is_open(&one.key) {
            self.add(one);
        }
    }

    /// Notes that all things of a kind of a place were looked for, except for the reason `missing`.
    pub fn looked(&mut self, kind: &str, place: &str, missing: Option<String>) {
        self.looked.push(Looked { scope: format!("{kind}:{place}"), missing });
    }

    /// Notes that things of a kind were looked for as far as those of another kind, because one list shows both.
    pub fn looked_as_well(&mut self, kind: &str, other: &str, place: &str) {
        let scope = [other, ":", place].concat();
        let missing = self.looked.iter().find(|one| one.scope == scope).map(|one| one.missing.clone());
        missing.into_iter().for_each(|missing| self.looked(kind, place, missing));
    }

    /// Uses the list of all things of a kind. `None` if it is refused. If it is refused or incomplete, that is one unknown
    /// observation, with the plural of `noun` as the kind of its key.
    pub fn listed<T>(
        &mut self,
        kind: &str,
        noun: &str,
        place: &str,
        about: &Subject,
        list: Result<Listed<T>, Refusal>,
    ) -> Option<Vec<T>> {
        let (entries, missing) = match list {
            Ok(listed) => {
                let missing = listed.missing(noun);
                self.entries = self.entries.saturating_add(listed.entries.len());
                (Some(listed.entries), missing)
            }
            Err(refusal) => {
                self.count(&refusal);
                let why = format!("the {} of {place} cannot be listed: {}", text::plural(noun), refusal.words());
                (None, Some(why))
            }
        };
        if let Some(why) = &missing {
            self.add(Observation::unknown(format!("{}:{place}", text::plural(noun)), about.clone(), why.clone()));
        }
        self.looked(kind, place, missing);
        entries
    }

    /// The things of a list that are observed now: all whose finding is open, and of the others that have a fault the worst,
    /// until there are as many as the report may have. So one cause is no storm of incidents, and the others follow when these
    /// are over. `fault` is how bad a thing is; `None` if it is healthy.
    pub fn worst<T, K: PartialOrd>(
        &mut self,
        noun: &str,
        place: &str,
        about: &Subject,
        all: Vec<T>,
        key: impl Fn(&T) -> String,
        fault: impl Fn(&T) -> Option<K>,
    ) -> Vec<T> {
        let (mut open, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| self.host.is_open(&key(one)));
        let sick: Vec<T> = others.into_iter().filter(|one| fault(one).is_some()).collect();
        let room = self.most.saturating_sub(open.len());
        if let Some(more) = sick.len().checked_sub(room).filter(|more| *more > 0) {
            let more = text::count(more as u64, &format!("more {noun}"));
            let why = format!("{more} of {place} have a fault and are not listed yet");
            self.add(Observation::unknown(format!("more-{}:{place}", text::plural(noun)), about.clone(), why));
        }
        open.extend(largest(sick, room, fault));
        open
    }

    /// The things of a list that are observed now, as [`worst`](Report::worst) chooses them, with their severities. Their keys are
    /// `KIND:NAME` with the name of the subject of each. `severity` also gets the severity of the open incident, for hysteresis;
    /// of equally bad ones, the ones with the largest `size` come first.
    ///
    /// ```
    /// use ansai_sdk::report::{Report, Things};
    /// use ansai_sdk::{Levels, Measure, Subject};
    ///
    /// # let host = ansai_sdk::testing::StandIn::default().host();
    /// # let (main, mut report) = (Subject::new("target", "main-db"), Report::new(&host, 10));
    /// const LEVELS: Levels = Levels::rising().warning(10.0).rearm(5.0);
    /// let tables = vec![(Subject::new("table", "main-db/a"), 12_u64), (Subject::new("table", "main-db/b"), 3)];
    /// let things = Things { kind: "large", noun: "table", place: "main-db", of: &main };
    /// for found in report.each(things, tables, |one| &one.0, |one, open| LEVELS.severity(one.1 as f64, open), |one| one.1) {
    ///     let size = found.thing.1;
    ///     report.add(found.observe(format!("it has {size} rows")).with(Measure::count("rows", size)));
    /// }
    /// assert_eq!(report.finish(|_| true).first().map(|one| &*one.key), Some("large:main-db/a"));
    /// ```
    pub fn each<T, K: PartialOrd>(
        &mut self,
        things: Things<'_>,
        all: Vec<T>,
        about: impl Fn(&T) -> &Subject,
        severity: impl Fn(&T, Option<Severity>) -> Option<Severity>,
        size: impl Fn(&T) -> K,
    ) -> Vec<Found<T>> {
        let key = |one: &T| [things.kind, ":", &*about(one).name].concat();
        let fault = |one: &T| severity(one, None).map(|severity| (severity, size(one)));
        let worst = self.worst(things.noun, things.place, things.of, all, key, fault);
        let host = self.host;
        let found = |thing: T| {
            let (key, about) = (key(&thing), about(&thing).clone());
            let severity = severity(&thing, host.open_severity(&key));
            Found { thing, severity, key, about }
        };
        worst.into_iter().map(found).collect()
    }

    /// Adds the open findings of a kind of a place as they were seen last: they are not looked at this time, and stay.
    pub fn keep(&mut self, kind: &str, place: &str) {
        let kept = [kind, ":", place].concat();
        let open = self.host.open_incidents().iter().filter(|one| scope(&one.key) == kept);
        open.cloned().for_each(|one| self.all.push(one));
    }

    /// Counts a call that was not answered in time.
    pub fn count(&mut self, refusal: &Refusal) {
        self.timeouts = self.timeouts.saturating_add(u32::from(matches!(refusal, Refusal::TimedOut(_))));
    }

    /// How many calls were not answered in time. Each takes seconds of the evaluation.
    pub fn timeouts(&self) -> u32 {
        self.timeouts
    }

    /// How many entries all lists have together. Reading one takes thousands of instructions, and an evaluation has a budget of
    /// them.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// All observations. An open incident that none of them mentions is healthy if `is_watched` says that its key is no longer
    /// watched; otherwise it is over if all of its kind and place were seen, and unknown if not. Of two with one key, the first
    /// one counts, and of thousands the host gets as many as it accepts.
    pub fn finish(mut self, is_watched: impl Fn(&str) -> bool) -> Vec<Observation> {
        let mut rest: Vec<Observation> = Vec::new();
        for incident in self.host.unmentioned(&self.all) {
            let (key, scope) = (&*incident.key, scope(&incident.key));
            let looked = self.looked.iter().find(|one| one.scope == scope);
            rest.push(match looked {
                _ if !is_watched(key) => incident.now_is(Status::Healthy, format!("{scope} is no longer watched")),
                Some(Looked { missing: None, .. }) if scope == key => {
                    incident.now_is(Status::Healthy, format!("{scope} is over"))
                }
                Some(Looked { missing: None, .. }) => {
                    let words = format!("{} no longer exists, or no longer is in this state", incident.about.name);
                    incident.now_is(Status::Gone, words)
                }
                Some(Looked { missing: Some(why), .. }) => incident.now_unknown(why),
                None => incident.now_unknown(format!("{scope} was not checked this time")),
            });
        }
        self.all.append(&mut rest);
        // A server that names a thing twice must not make the whole answer invalid.
        let mut keys = BTreeSet::new();
        self.all.retain(|one| keys.insert(one.key.clone()));
        if self.all.len() > MOST_OBSERVATIONS {
            self.all.retain(|one| one.status != Status::Healthy || self.host.is_open(&one.key));
        }
        if self.all.len() > MOST_OBSERVATIONS {
            self.all.truncate(MOST_OBSERVATIONS);
            let why = format!("there are more than {MOST_OBSERVATIONS} findings, and the others are left out");
            self.all.push(Observation::unknown("left-out", self.host.host(), why));
        }
        self.all
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("all", &self.all).field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
