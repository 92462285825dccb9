//! Open incidents, and what they are now.

use crate::{Host, Observation, Severity, Status, text};

impl Host {
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

    /// Open incidents that the given observations do not mention. They stay open; say why with
    /// [`Observation::now_unknown`].
    pub fn unmentioned<'h>(&'h self, observations: &'h [Observation]) -> impl Iterator<Item = &'h Observation> {
        let is_mentioned = |key: &str| observations.iter().any(|one| one.key == key);
        self.open_incidents().iter().filter(move |incident| !is_mentioned(&incident.key))
    }

    /// Adds what the [unmentioned](Host::unmentioned) incidents are now: those whose thing is in no list. An incident that `observe`
    /// leaves out stays open.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    /// use ansai_sdk::{Observation, Severity, Status, Subject};
    ///
    /// let of = |name: &str| Observation::new(name, Subject::new("unit", name), Severity::Warning, "it failed");
    /// let host = StandIn::default().with_open(of("a.service")).with_open(of("b.service")).host();
    /// let mut all = vec![of("a.service")];
    /// host.add_unmentioned(&mut all, |incident| Some(incident.now_is(Status::Gone, "it no longer exists")));
    /// assert_eq!(all.iter().map(|one| &*one.key).collect::<Vec<_>>(), ["a.service", "b.service"]);
    /// ```
    pub fn add_unmentioned(
        &self,
        all: &mut Vec<Observation>,
        observe: impl FnMut(&Observation) -> Option<Observation>,
    ) {
        let rest: Vec<Observation> = self.unmentioned(all).filter_map(observe).collect();
        all.extend(rest);
    }

    /// All open incidents as unknown, for a host on which the policy can check nothing. They stay open.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    /// use ansai_sdk::{Observation, Severity, Status, Subject};
    ///
    /// let failed = Observation::new("a.service", Subject::new("unit", "a.service"), Severity::Warning, "it failed");
    /// let host = StandIn::default().with_open(failed).host();
    /// let seen = host.keep_open("this host has no systemd");
    /// assert_eq!(seen.first().map(|one| &one.status), Some(&Status::Unknown("this host has no systemd".into())));
    /// ```
    pub fn keep_open(&self, why: &str) -> Vec<Observation> {
        self.open_incidents().iter().map(|incident| incident.now_unknown(why)).collect()
    }
}

impl Observation {
    /// An incident as it is now, with a complete sentence: its key and subject stay.
    pub fn now_is(&self, status: impl Into<Status>, summary: impl Into<String>) -> Observation {
        Observation::new(&self.key, self.about.clone(), status, summary)
    }

    /// An incident of which it is unknown what it is now, with the reason as a complete sentence. It stays open.
    pub fn now_unknown(&self, why: impl Into<String>) -> Observation {
        Observation::unknown(&self.key, self.about.clone(), why)
    }

    /// An integer of its evidence; `None` if it has none with this name. For what an earlier evaluation counted.
    ///
    /// ```
    /// use ansai_sdk::{Observation, Status, Subject};
    ///
    /// let seen = Observation::new("a", Subject::new("unit", "a"), Status::Healthy, "a runs").count("restarts", 2);
    /// assert_eq!((seen.counted("restarts"), seen.counted("exit-code")), (Some(2), None));
    /// ```
    pub fn counted(&self, name: &str) -> Option<u64> {
        self.evidence.iter().find(|one| one.name == name)?.value.as_count()
    }
}
