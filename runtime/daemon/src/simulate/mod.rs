//! `ansai simulate`: weeks of a configuration, on a simulated host.
//!
//! The supervisor is the real one, in virtual time. Its host is a [`SimulatedHost`]: this module makes no other one, and a
//! test holds that.

mod recorded;
mod summary;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_config::{AuditLog, FaultBegins, FaultSpec};
use ansai_core::control::NewDecision;
use ansai_core::event::{ApprovalDecision, Verdict};
use ansai_core::incident::Permission;
use ansai_core::order::Person;
use ansai_core::{Event, InstanceName, Millis, Mode, Severity, Subject, Timestamp};
use ansai_events::{Item, Stream, Subscription};
use ansai_kit::registry::Registry;
use ansai_supervisor::authority::Fixed;
use ansai_supervisor::simulation::{Begins, Fault, SimulatedHost, SimulatedPolicies, World};
use ansai_supervisor::virtual_time::VirtualTime;
use ansai_supervisor::{Options, Supervisor};
use tokio::sync::oneshot;

pub use self::recorded::{Recorded, RecordedCounts, recorded_faults};
pub use self::summary::{Held, OfInstance, Summary, Totals};
use crate::configuration::Configuration;
use crate::error::Error;
use crate::load::LoadedInstance;
use crate::{safety, state};

/// 2026-01-05, a Monday, at midnight UTC: the same simulation has the same result on every day.
pub const BEGINS: Timestamp = Timestamp::from_millis(1_767_571_200_000);
/// Between two looks of the supervisor for what has ended, such as a pause. The real one looks every second.
const HOUSEKEEPING: Duration = Duration::from_secs(600);
/// Events that wait until the summary takes them.
const CAPACITY: usize = 1 << 16;
/// So long the last events may take after the supervisor has ended. The one that ends all may be among those that were missed.
const LAST_EVENTS: Duration = Duration::from_secs(60);
/// The person of a simulation.
const PERSON: Person = Person { uid: 0, name: None };

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// The time of day at its beginning: [`BEGINS`], or that of recorded incidents.
    pub begins: Timestamp,
    /// How long.
    pub time: Millis,
    /// Faults and the success of steps follow from it.
    pub seed: u64,
    /// A person approves each plan after so long; `None`: never.
    pub approve_after: Option<Millis>,
}

/// The faults of a file.
pub fn faults_of(specs: &[FaultSpec]) -> Vec<Fault> {
    let fault = |spec: &FaultSpec| Fault {
        about: Subject::new("simulated", &spec.key),
        severity: spec.severity,
        lasts: spec.lasts,
        helps: spec.helps_percent,
        steps: spec.steps,
        uses: spec.uses.clone(),
        ..Fault::new(
            spec.instance.clone(),
            &spec.key,
            match &spec.begins {
                FaultBegins::At(times) => Begins::At(times.clone()),
                FaultBegins::Every(every) => Begins::Every(*every),
                FaultBegins::AboutEvery(mean) => Begins::OnAverage(*mean),
            },
        )
    };
    specs.iter().map(fault).collect()
}

/// Faults for instances of which nothing is known: a usual one that most steps end, one that passes by itself, and a rare
/// one that no step ends.
pub fn usual_faults<'a>(instances: impl IntoIterator<Item = &'a InstanceName>) -> Vec<Fault> {
    let days = |days: u64| Begins::OnAverage(Millis::from_hours(24 * days));
    // Where no step helps, somebody does in the end.
    let somebody = Some(Millis::from_hours(72));
    let of = |instance: &InstanceName| {
        [
            Fault { helps: 70, lasts: somebody, ..Fault::new(instance.clone(), "usual", days(3)) },
            Fault { lasts: Some(Millis::from_hours(1)), ..Fault::new(instance.clone(), "passing", days(5)) },
            Fault {
                severity: Severity::Critical,
                helps: 0,
                lasts: Some(Millis::from_hours(36)),
                ..Fault::new(instance.clone(), "stubborn", days(15))
            },
        ]
    };
    instances.into_iter().flat_map(of).collect()
}

/// Simulates instances over these faults. The state is kept in the directory `state`, which the caller makes and removes.
/// `see` gets every event with its time.
///
/// # Errors
/// The state cannot be made there, or no runtime starts.
pub fn simulate(
    instances: &[LoadedInstance],
    registry: &Registry,
    faults: Vec<Fault>,
    simulation: &Simulation,
    configuration: &Configuration,
    state: &Path,
    mut see: impl FnMut(Timestamp, &Event) + Send + 'static,
) -> Result<Summary, Error> {
    let state_dir = state::open(&state.join("state"))?;
    let failed = |error: std::io::Error| Error::StateDir(state::StateDirError::Make { path: state.to_owned(), error });
    // One thread and one more that waits for the disk: then everything comes in the same order each time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .max_blocking_threads(1)
        .build()
        .map_err(failed)?;
    let world = Arc::new(World::new(simulation.seed, faults));
    let time = VirtualTime::start(simulation.begins, HOUSEKEEPING);
    let events = Stream::new();
    let subscription = events.subscribe("simulation", CAPACITY);
    let mode = instances.iter().map(|one| one.grants.mode).max().unwrap_or(Mode::Observe);
    let options = Options {
        state_dir,
        mode,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accept_clock: false,
        audit: AuditLog::default(),
        safety: safety::policy(configuration),
        events,
    };
    let host = SimulatedHost::new(&state.join("host"), registry, world.clone());
    let policies = SimulatedPolicies::new(registry, world.clone());
    let authority = Fixed::new(instances.iter().map(|one| (one.instance.name.clone(), one.grants.clone())));
    let instances = instances.iter().map(|one| one.instance.clone()).collect();
    let summary = runtime.block_on(async {
        time.enter();
        let supervisor =
            Supervisor::open_evaluating(options, Arc::new(host), Arc::new(authority), instances, Arc::new(policies))
                .map_err(|error| Error::Open { state_dir: state.to_owned(), error })?;
        let (approving, approve_after) = (supervisor.clone(), simulation.approve_after);
        let (over, is_over) = oneshot::channel();
        let taking = tokio::spawn(take(subscription, is_over, move |at, event| {
            see(at, event);
            approve_later(&approving, approve_after, event);
        }));
        let running = tokio::spawn({
            let supervisor = supervisor.clone();
            async move { supervisor.run().await }
        });
        tokio::time::sleep(simulation.time.into()).await;
        supervisor.stop("the simulation is over");
        let _ = running.await;
        let _ = over.send(());
        drop(supervisor);
        time.leave();
        Ok::<_, Error>(taking.await.unwrap_or_default())
    })?;
    runtime.shutdown_background();
    Ok(summary.ended(simulation.begins + time.elapsed(), simulation, world.begun()))
}

/// Takes events as they come until there are no more, or for a while after all is over.
async fn take(
    mut subscription: Subscription,
    is_over: oneshot::Receiver<()>,
    mut see: impl FnMut(Timestamp, &Event),
) -> Summary {
    let mut summary = Summary::default();
    let ended = async {
        let _ = is_over.await;
        tokio::time::sleep(LAST_EVENTS).await;
    };
    tokio::pin!(ended);
    loop {
        let item = tokio::select! {
            biased;
            item = subscription.next() => item,
            () = &mut ended => break,
        };
        let Some(item) = item else { break };
        match item {
            Item::Event(published) => {
                summary.see(published.at, &published.event);
                see(published.at, &published.event);
                if matches!(published.event, Event::Stopped { .. }) {
                    break;
                }
            }
            Item::Missed { count } => summary.missed += count,
        }
    }
    summary
}

/// A person approves what waits.
fn approve_later(supervisor: &Supervisor, after: Option<Millis>, event: &Event) {
    let (Some(after), Event::Decided { verdict: Verdict::Held(Permission::AwaitsApproval { plan, .. }), .. }) =
        (after, event)
    else {
        return;
    };
    let new = NewDecision { plan: plan.clone(), decision: ApprovalDecision::Approved, reason: None };
    let supervisor = supervisor.clone();
    tokio::spawn(async move {
        tokio::time::sleep(after.into()).await;
        // It may be over meanwhile.
        if let Err(error) = supervisor.decide(&new, &PERSON) {
            tracing::debug!("the simulated person approved nothing: {error}");
        }
    });
}

/// By instance, how often something happened.
type ByInstance<T> = BTreeMap<InstanceName, T>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: a simulation that waits for ever because the last event was one of those that were missed.
    #[test]
    fn it_ends_also_if_the_last_event_was_missed() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let events = Stream::new();
        let (over, is_over) = oneshot::channel();
        drop(over);
        let taken = runtime.map(|runtime| runtime.block_on(take(events.subscribe("test", 1), is_over, |_, _| {})));
        assert_eq!(taken.map(|summary| summary.missed).ok(), Some(0));
    }

    /// Would break: a simulation over the host of this machine. Neither this module nor the command names one.
    #[test]
    fn no_simulation_makes_a_live_host() {
        let command = include_str!("../../../cli/src/commands/simulate.rs");
        for text in [include_str!("mod.rs"), include_str!("recorded.rs"), include_str!("summary.rs"), command] {
            for live in [concat!("Live", "Host"), concat!("host", "::live")] {
                assert!(!text.contains(live), "{live}");
            }
        }
    }
}
