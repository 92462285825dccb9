//! What the tasks of one instance share. Its passes and the healing of its incidents run at the same time, but its policy
//! is evaluated by one of them at a time, so that no evaluation overwrites what another one stores.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use ansai_core::{Incident, InstanceName, Millis, Subject, Touch};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::follow_up::FollowUp;
use crate::permits::{Lease, Leases, Request};
use crate::schedule::Board;
use crate::stop::Stop;

/// Incidents that are healed at the same time. Each may keep a thread busy, and the threads are limited.
const MOST_HEALED: usize = 128;
/// Those of one instance, because its policy chooses how many incidents it has.
const MOST_HEALED_OF_ONE: usize = 16;

/// The lane of one instance.
pub(crate) struct Lane {
    /// When the policy wants to be evaluated again.
    pub(crate) follow_up: Arc<FollowUp>,
    /// When it runs by time.
    pub(crate) board: Arc<Board>,
    /// Held during an evaluation, until what the policy stored is committed.
    pub(super) evaluating: Mutex<()>,
    heals: Arc<Semaphore>,
}

/// The lanes of all instances.
pub(crate) struct Lanes {
    lanes: HashMap<InstanceName, Arc<Lane>>,
    heals: Arc<Semaphore>,
    /// The subjects whose incidents are being healed, by instance.
    subjects: Leases,
}

/// The place of a task that heals.
#[must_use]
pub(super) struct Place {
    _subject: Option<Lease>,
    _of_instance: Option<OwnedSemaphorePermit>,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl Lane {
    fn new() -> Lane {
        Lane {
            follow_up: Arc::default(),
            board: Arc::default(),
            evaluating: Mutex::default(),
            heals: permits(MOST_HEALED_OF_ONE),
        }
    }

    /// Asks for another evaluation, after so long from the end of the one that ends now.
    pub(super) fn ask(&self, look_again: Option<Millis>) {
        if let Some(at) = look_again.and_then(|after| Instant::now().checked_add(after.into())) {
            self.follow_up.ask(at);
        }
    }
}

impl Lanes {
    pub(crate) fn new<'a>(instances: impl IntoIterator<Item = &'a InstanceName>) -> Lanes {
        let lanes = instances.into_iter().map(|name| (name.clone(), Arc::new(Lane::new()))).collect();
        Lanes { lanes, heals: permits(MOST_HEALED), subjects: Leases::default() }
    }

    /// The lane of an instance. One that is not among them has a lane of its own.
    pub(crate) fn of(&self, instance: &InstanceName) -> Arc<Lane> {
        self.lanes.get(instance).cloned().unwrap_or_else(|| Arc::new(Lane::new()))
    }

    /// Waits until the incident may be healed, and tells whether it had to wait. `None` if ansai stops first.
    pub(super) async fn place(&self, incident: &Incident, stop: &Stop) -> Option<(Place, bool)> {
        let mut place = pin!(stop.or(self.wait(incident)));
        let (place, has_waited) = tokio::select! {
            biased;
            place = &mut place => (place, false),
            () = std::future::ready(()) => (place.await, true),
        };
        Some((place?, has_waited))
    }

    /// Findings of one policy about one subject are healed one after the other: a plan for the second one that is made
    /// before the first one is healed would repair the same again. Who waits for that takes no place from others.
    async fn wait(&self, incident: &Incident) -> Place {
        let Incident { instance, finding, .. } = incident;
        // No other kind has a space, so none of these is the host as a whole.
        let subject = Subject::new(format!("{instance} {}", finding.about.kind), finding.about.name.clone());
        let subject = self.subjects.take(Request::new(incident.id.clone(), [Touch::exclusive(subject)])).await.ok();
        let of_instance = self.of(instance).heals.clone().acquire_owned().await.ok();
        let of_all = self.heals.clone().acquire_owned().await.ok();
        Place { _subject: subject, _of_instance: of_instance, _of_all: of_all }
    }
}

fn permits(most: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(most))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::{Observation, Severity, Status, Timestamp};

    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");
    const TWO: InstanceName = InstanceName::from_static("two");

    fn incident(instance: &InstanceName, kind: &str, name: &str) -> Incident {
        let finding = Observation {
            key: name.into(),
            about: Subject::new(kind, name),
            status: Status::Unhealthy(Severity::Notice),
            summary: String::new(),
            evidence: vec![],
            related: vec![],
            distance: None,
        };
        Incident::open(instance, &finding, Timestamp::EPOCH).unwrap()
    }

    fn lanes() -> (Lanes, Stop) {
        (Lanes::new(&[ONE, TWO]), Stop::new())
    }

    /// Whether there is a place now. The place is taken, and no longer waited for if there is none.
    async fn taken(lanes: &Lanes, stop: &Stop, incident: &Incident) -> Option<Place> {
        tokio::select! {
            biased;
            place = lanes.place(incident, stop) => place.map(|(place, _)| place),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn one_subject_of_an_instance_is_healed_at_a_time() {
        let (lanes, stop) = lanes();
        let (var, host) = (incident(&ONE, "filesystem", "/var"), incident(&ONE, "host", "web-1"));
        let first = taken(&lanes, &stop, &var).await.unwrap();
        assert!(taken(&lanes, &stop, &var).await.is_none());
        let others = [incident(&TWO, "filesystem", "/var"), incident(&ONE, "filesystem", "/"), host.clone()];
        for other in &others {
            assert!(taken(&lanes, &stop, other).await.is_some(), "{}", other.id);
        }
        let (place, ()) = tokio::join!(lanes.place(&var, &stop), async { drop(first) });
        assert!(place.unwrap().1, "it has waited");
        assert!(!lanes.place(&host, &stop).await.unwrap().1);
    }

    #[tokio::test]
    async fn an_instance_leaves_places_for_others() {
        let (lanes, stop) = lanes();
        let mut places = Vec::new();
        for name in 0..MOST_HEALED_OF_ONE {
            places.push(taken(&lanes, &stop, &incident(&ONE, "file", &name.to_string())).await.unwrap());
        }
        let next = incident(&ONE, "file", "next");
        assert!(taken(&lanes, &stop, &next).await.is_none());
        assert!(taken(&lanes, &stop, &incident(&TWO, "file", "1")).await.is_some());
        places.pop();
        assert!(taken(&lanes, &stop, &next).await.is_some());
    }

    #[tokio::test]
    async fn who_waits_when_ansai_stops_gets_no_place() {
        let (lanes, stop) = lanes();
        let var = incident(&ONE, "filesystem", "/var");
        let first = lanes.place(&var, &stop).await;
        let (second, _) = tokio::join!(lanes.place(&var, &stop), async { stop.ask("SIGTERM") });
        assert!(first.is_some() && second.is_none());
    }
}
