//! A place that things are observed of.

use super::{Things, scope};
use crate::{Host, Levels, Observation, Status, Subject};

/// A place with a name and a subject: a server, a file, an engine. The keys of its findings are `KIND:NAME`.
///
/// ```
/// use ansai_sdk::report::{Place, Report};
/// use ansai_sdk::testing::StandIn;
/// use ansai_sdk::{Levels, Subject};
///
/// const CONNECTIONS: Levels = Levels::rising().warning(80.0).critical(95.0);
///
/// let host = StandIn::default().host();
/// let main = Place::new(&host, "main-db", Subject::new("target", "main-db"));
/// let mut report = Report::new(&host, 10);
/// let words = "main-db has 85 of 100 connections in use";
/// report.add(main.judge("connections", CONNECTIONS, 85.0, words).count("connections", 85));
/// let found = report.finish(|_| true);
/// assert_eq!(found.first().map(|one| &*one.key), Some("connections:main-db"));
/// ```
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The host of this evaluation.
    pub host: &'a Host,
    /// Its name in keys.
    pub name: &'a str,
    /// What it is.
    pub about: Subject,
}

impl<'a> Place<'a> {
    /// A place by its name, and its subject from the answer of a probe or from a target.
    pub fn new(host: &'a Host, name: &'a str, about: Subject) -> Place<'a> {
        Place { host, name, about }
    }

    /// The key of a finding about the place. A long one is not cut yet.
    pub fn key(&self, kind: &str) -> String {
        [kind, ":", self.name].concat()
    }

    /// Whether there is an open finding of this kind about the place.
    pub fn is_open(&self, kind: &str) -> bool {
        self.host.is_open(&self.key(kind))
    }

    /// Whether something of the place, or the place itself, is an open finding of one of these kinds.
    pub fn has_open(&self, kinds: &[&str]) -> bool {
        let is_of = |key: &str| kinds.iter().any(|kind| scope(key) == self.key(kind));
        self.host.open_incidents().iter().any(|one| is_of(&one.key))
    }

    /// A finding about the place.
    pub fn observe(&self, kind: &str, status: impl Into<Status>, summary: impl Into<String>) -> Observation {
        Observation::new(self.key(kind), self.about.clone(), status, summary)
    }

    /// A number of the place, judged as [`Host::judge`] does.
    pub fn judge(&self, kind: &str, levels: Levels, value: f64, summary: impl Into<String>) -> Observation {
        self.host.judge(self.key(kind), &self.about, levels, value, summary)
    }

    /// Something that is unknown about the place, with a complete sentence.
    pub fn unknown(&self, kind: &str, why: impl Into<String>) -> Observation {
        Observation::unknown(self.key(kind), self.about.clone(), why)
    }

    /// All things of one kind that it has.
    pub fn all<'t>(&'t self, kind: &'t str, noun: &'t str) -> Things<'t> {
        Things { kind, noun, place: self.name, of: &self.about }
    }
}
