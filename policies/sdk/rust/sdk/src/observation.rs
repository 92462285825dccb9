//! Observations and their evidence. `measure` has its pieces.

use crate::{Host, Measure, Observation, Relation, Relationship, Severity, Status, Subject, text};

impl Observation {
    /// Creates an observation without evidence. The key is stable over time: the same problem has the same key. A key
    /// of more than 200 bytes is cut, and a hash keeps it unique. The summary is one sentence for a person, without a
    /// full stop.
    ///
    /// ```
    /// use ansai_sdk::{Measure, Observation, Status, Subject};
    ///
    /// # let about = Subject::new("filesystem", "/var");
    /// // `about` is from the answer of a probe, from a target, or from `Host::host`.
    /// let seen = Observation::new("/var", about, Status::Healthy, "/var is 40 % full").with(Measure::ratio("used", 0.4));
    /// assert_eq!(seen.evidence.len(), 1);
    /// ```
    ///
    /// A severity, or an optional one of which `None` is healthy, is a status, too.
    pub fn new(
        key: impl Into<String>,
        about: Subject,
        status: impl Into<Status>,
        summary: impl Into<String>,
    ) -> Observation {
        Observation::with_all(key.into(), about, status.into(), summary.into())
    }

    // Not generic, so that a component has it once.
    fn with_all(key: String, about: Subject, status: Status, summary: String) -> Observation {
        let key = text::key(&key);
        Observation { key, about, status, summary, evidence: Vec::new(), related: Vec::new(), distance: None }
    }

    /// Creates an unknown observation with the reason, a complete sentence.
    pub fn unknown(key: impl Into<String>, about: Subject, why: impl Into<String>) -> Observation {
        let why = why.into();
        Observation::new(key, about, Status::Unknown(why.clone()), why)
    }

    /// Creates an observation of something that no longer exists, with a complete sentence. It closes its incident.
    pub fn gone(key: impl Into<String>, about: Subject, summary: impl Into<String>) -> Observation {
        Observation::new(key, about, Status::Gone, summary)
    }

    /// The severity; `None` if it is not unhealthy.
    pub fn severity(&self) -> Option<Severity> {
        match self.status {
            Status::Unhealthy(severity) => Some(severity),
            _ => None,
        }
    }

    /// Adds a piece of evidence. Add the most important one first.
    pub fn with(mut self, measure: Measure) -> Observation {
        self.evidence.push(measure);
        self
    }

    /// Adds a number as evidence, if it is known. The methods that follow do the same with other units.
    ///
    /// ```
    /// # use ansai_sdk::{Observation, Status, Subject};
    /// # let (about, exit_code) = (Subject::new("unit", "a"), None);
    /// let seen = Observation::new("a", about, Status::Healthy, "a runs").count("restarts", 2).count("exit-code", exit_code);
    /// assert_eq!(seen.evidence.len(), 1);
    /// ```
    pub fn count(self, name: &str, count: impl Into<Option<u64>>) -> Observation {
        self.known(count.into().map(|count| Measure::count(name, count)))
    }

    /// Adds a size in bytes, if it is known.
    pub fn bytes(self, name: &str, bytes: impl Into<Option<u64>>) -> Observation {
        self.known(bytes.into().map(|bytes| Measure::bytes(name, bytes)))
    }

    /// Adds a duration in milliseconds, if it is known.
    pub fn milliseconds(self, name: &str, milliseconds: impl Into<Option<u64>>) -> Observation {
        self.known(milliseconds.into().map(|milliseconds| Measure::milliseconds(name, milliseconds)))
    }

    /// Adds a point in time in milliseconds since the Unix epoch, if it is known.
    pub fn instant(self, name: &str, instant: impl Into<Option<u64>>) -> Observation {
        self.known(instant.into().map(|instant| Measure::instant(name, instant)))
    }

    /// Adds a share between 0 and 1, or a factor, if it is known.
    pub fn ratio(self, name: &str, ratio: impl Into<Option<f64>>) -> Observation {
        self.known(ratio.into().map(|ratio| Measure::ratio(name, ratio)))
    }

    /// Adds a text.
    pub fn text(self, name: &str, text: impl Into<String>) -> Observation {
        self.with(Measure::text(name, text))
    }

    fn known(mut self, measure: Option<Measure>) -> Observation {
        self.evidence.extend(measure);
        self
    }

    /// Adds the thing whose fault is the cause of this problem. Only for an established cause: while that thing has an
    /// open incident, the host may hold this finding back. Otherwise use [`depends_on`](Observation::depends_on).
    pub fn caused_by(self, subject: Subject) -> Observation {
        self.related(Relationship::CausedBy, subject)
    }

    /// Adds a thing that this one needs to work: the database of a web server.
    pub fn depends_on(self, subject: Subject) -> Observation {
        self.related(Relationship::DependsOn, subject)
    }

    /// Adds the thing that this one is a part of.
    pub fn part_of(self, subject: Subject) -> Observation {
        self.related(Relationship::PartOf, subject)
    }

    /// Adds something that this problem affects.
    pub fn affects(self, subject: Subject) -> Observation {
        self.related(Relationship::Affects, subject)
    }

    /// Adds another name of the same thing: the unit of a container, the device of a file system.
    pub fn same_as(self, subject: Subject) -> Observation {
        self.related(Relationship::SameAs, subject)
    }

    fn related(mut self, how: Relationship, about: Subject) -> Observation {
        self.related.push(Relation { how, about });
        self
    }

    /// Says how far the thing is from healthy, in any unit that stays the same for this key: smaller is better, 0 is
    /// healthy, and a negative number counts as 0. It tells whether an attempt helped, see [`Attempt::improvement`].
    ///
    /// [`Attempt::improvement`]: crate::Attempt::improvement
    pub fn at_distance(self, distance: f64) -> Observation {
        // NaN stays, so that the host reports it.
        let distance = if distance < 0.0 { 0.0 } else { distance };
        Observation { distance: Some(distance), ..self }
    }
}

impl From<Severity> for Status {
    fn from(severity: Severity) -> Status {
        Status::Unhealthy(severity)
    }
}

/// `None` is healthy.
impl From<Option<Severity>> for Status {
    fn from(severity: Option<Severity>) -> Status {
        severity.map_or(Status::Healthy, Status::Unhealthy)
    }
}

impl Subject {
    /// Creates a subject, for tests. A policy copies its subjects from the answer of a probe, from a
    /// [target](crate::Host::targets) or from [`Host::host`](crate::Host::host): only the host knows their canonical
    /// form.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Subject {
        Subject { kind: kind.into(), name: name.into() }
    }
}

impl Observation {
    /// Adds it to observations with other keys. Of two with the same key, the one with the higher severity stays.
    pub fn add_worst(self, all: &mut Vec<Observation>) {
        match all.iter_mut().find(|known| known.key == self.key) {
            Some(known) if known.severity() < self.severity() => *known = self,
            Some(_) => {}
            None => all.push(self),
        }
    }
}

/// Most findings of one evaluation; the host accepts 1,000.
const MOST: usize = 990;

impl Host {
    /// At most as many observations as one evaluation may report. Healthy ones that close no incident are left out first; if
    /// there are still too many, the last ones, and an observation with the key `left-out` says so.
    pub fn fit(&self, mut all: Vec<Observation>) -> Vec<Observation> {
        if all.len() > MOST {
            all.retain(|one| one.status != Status::Healthy || self.is_open(&one.key));
        }
        if all.len() > MOST {
            all.truncate(MOST);
            let why = format!("there are more than {MOST} findings, and the others are left out");
            all.push(Observation::unknown("left-out", self.host(), why));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_findings_than_fit_leave_out_healthy_ones_first() {
        let host = crate::testing::StandIn::default().host();
        let of = |status: Status, count: usize| {
            let about = Subject::new("endpoint", "a");
            let one = move |n: usize| Observation::new(format!("{n}"), about.clone(), status.clone(), "");
            (0..count).map(one).collect::<Vec<_>>()
        };
        let bad = || of(Status::Unhealthy(Severity::Warning), 500);
        let kept = host.fit([bad(), of(Status::Healthy, 600)].concat());
        assert_eq!((kept.len(), kept.iter().all(|one| one.severity().is_some())), (500, true));
        let kept = host.fit([bad(), bad()].concat());
        assert_eq!((kept.len(), &*kept[MOST].key), (MOST + 1, "left-out"));
    }

    #[test]
    fn a_distance_is_never_negative() {
        let at = |distance| {
            let about = Subject::new("unit", "a");
            Observation::new("a", about, Status::Healthy, "a runs").at_distance(distance).distance
        };
        assert_eq!((at(2.5), at(0.0), at(-3.0)), (Some(2.5), Some(0.0), Some(0.0)));
        assert!(at(f64::NAN).is_some_and(f64::is_nan));
    }

    #[test]
    fn relations_are_in_order() {
        let thing = |name: &str| Subject::new("unit", name);
        let seen = Observation::new("a", thing("a"), Status::Healthy, "a runs")
            .caused_by(thing("b"))
            .depends_on(thing("c"))
            .part_of(thing("d"))
            .affects(thing("e"))
            .same_as(thing("f"));
        let found: Vec<_> = seen.related.iter().map(|one| (one.how, one.about.name.as_str())).collect();
        let expected = [
            (Relationship::CausedBy, "b"),
            (Relationship::DependsOn, "c"),
            (Relationship::PartOf, "d"),
            (Relationship::Affects, "e"),
            (Relationship::SameAs, "f"),
        ];
        assert_eq!(found, expected);
    }
}
