//! Whether an instance may do something now, by its shares.

use ansai_core::{ErrorKind, Event, Incident, Millis, ShareLimit, codes};
use ansai_kit::evaluation_state::Trigger;
use ansai_kit::watch::PING;

use super::{Passes, PlanWhat};
use crate::authority::EffectiveGrants;
use crate::clock;
use crate::incidents::{Rules, update};
use crate::instance::Instance;
use crate::shares::{Look, Standing};

/// An instance has used a share, and does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("suspended for {wait}: it has used its share of {share}")]
pub(super) struct Suspended {
    share: ShareLimit,
    wait: Millis,
}

impl Suspended {
    /// The word for scripts.
    pub(super) fn kind(self) -> ErrorKind {
        self.share.share.kind()
    }

    /// The time until it is over.
    pub(super) fn wait(self) -> Millis {
        self.wait
    }
}

/// What comes of a pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Go {
    Now,
    /// One after this time does it.
    Later(Millis),
    Never(Suspended),
}

/// Events may use less of a share than everything else: what can feed a source could starve the schedule otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Events,
    Other,
}

impl Cause {
    /// A person who wakes an instance is no flood.
    fn of(trigger: &Trigger) -> Cause {
        match trigger {
            Trigger::Event(occurrences) if occurrences.iter().all(|one| one.what != PING) => Cause::Events,
            _ => Cause::Other,
        }
    }
}

impl Look {
    /// What a pass may do that began for this reason.
    fn go(&self, what: PlanWhat, cause: Cause) -> Go {
        match (self.standing, self.events) {
            (Standing::Suspended, _) => Go::Never(Suspended { share: self.most, wait: self.wait }),
            (_, Some((_, wait))) if cause == Cause::Events => Go::Later(wait),
            (Standing::Slow, _) if !self.is_due && what == PlanWhat::News => Go::Later(self.wait),
            _ => Go::Now,
        }
    }
}

impl Passes {
    /// Whether a pass begins. A person, or cron, who asked for one has it also where the schedule is stretched.
    pub(super) fn may_pass(&self, instance: &Instance, what: PlanWhat, trigger: &Trigger) -> Go {
        let Some(look) = self.look(instance) else { return Go::Now };
        let cause = Cause::of(trigger);
        let go = look.go(what, cause);
        if cause == Cause::Events {
            self.tell_events(instance, &look);
        }
        go
    }

    /// Fails while an instance is suspended.
    pub(super) fn suspended(&self, instance: &Instance) -> Result<(), Suspended> {
        match self.look(instance) {
            Some(Look { standing: Standing::Suspended, most, wait, .. }) => Err(Suspended { share: most, wait }),
            _ => Ok(()),
        }
    }

    /// What is used of the shares. Records what has changed: a second look would not see it.
    fn look(&self, instance: &Instance) -> Option<Look> {
        let look = self.evaluator.meters.look(&instance.name)?;
        let Look { standing, most, wait, .. } = look;
        if look.is_news {
            let (now, name, ShareLimit { share, limit }) = (clock::now(), instance.name.clone(), most);
            let event = match (look.told, standing) {
                (_, Standing::Suspended) => Event::Suspended { instance: name, share, limit, until: now + wait },
                (Standing::Suspended, Standing::Slow) => Event::Resumed { instance: name, slowed: true },
                (_, Standing::Slow) => Event::Slowed { instance: name, share, limit },
                (_, Standing::Free) => Event::Resumed { instance: name, slowed: false },
            };
            self.journal.note(now, event);
        }
        Some(look)
    }

    /// Tells once that events wait, and once that they no longer do.
    fn tell_events(&self, instance: &Instance, look: &Look) {
        let (error, kind) = match look.events {
            Some((share, _)) => (
                Some(format!("events wait: a quarter of the share of {share} is used, the rest is for the schedule")),
                Some(codes::EVENT_STORM.word().to_owned()),
            ),
            None if look.is_calm => (None, None),
            None => return,
        };
        if self.evaluator.meters.tell_events(&instance.name, error.is_some()) {
            let (instance, watch) = (instance.name.clone(), "events".to_owned());
            self.journal.note(clock::now(), Event::Watch { instance, watch, error, kind });
        }
    }

    /// Tells that an instance does nothing. What it would observe is unknown meanwhile.
    pub(super) fn is_suspended(&self, instance: &Instance, grants: &EffectiveGrants, why: Suspended) {
        let (now, error) = (clock::now(), why.to_string());
        // First these, then the incidents: see `HealingIncidents::ids`.
        let healing = self.incidents.healing.ids();
        let is_known = |incident: &Incident| incident.unknown.is_none();
        match self.incidents.open(&instance.name) {
            Ok(open) if open.iter().any(is_known) => {
                self.store(&update(&instance.name, &open, &healing, Vec::new(), rules_of(instance), &error, now), now);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(instance = %instance.name, "its incidents cannot be read: {error}"),
        }
        self.failed(instance, grants.mode, error, Some(why.kind()));
    }
}

/// What holds for the incidents of an instance.
pub(super) fn rules_of(instance: &Instance) -> Rules<'_> {
    let most = instance.shares.open_incidents.unwrap_or(instance.limits.observations);
    Rules { most, retry: &instance.retry_policy }
}

#[cfg(test)]
mod tests {
    use ansai_core::{Share, Subject, Timestamp};
    use ansai_kit::evaluation_state::Occurrence;

    use super::*;

    const QUARTER: Millis = Millis::new(5);
    const HALF: Millis = Millis::new(9);

    fn look(standing: Standing, is_due: bool, events_wait: bool) -> Look {
        let most = ShareLimit { share: Share::LogLines, limit: 10 };
        let events = events_wait.then_some((most, QUARTER));
        Look { standing, most, wait: HALF, is_due, is_news: false, told: standing, events, is_calm: !events_wait }
    }

    fn event(names: &[&str]) -> Trigger {
        let occurrence = |name: &&str| Occurrence {
            what: (*name).into(),
            about: Subject::new("host", "web-1"),
            at: Timestamp::EPOCH,
            facts: Vec::new(),
        };
        Trigger::Event(names.iter().map(occurrence).collect())
    }

    /// Would break: a storm of events that uses all of a share, or a person whose request counts as one.
    #[test]
    fn events_leave_most_of_a_share_to_everything_else() {
        let (storm, ping) = (event(&["file-changed"]), event(&["file-changed", PING]));
        for (trigger, expected) in [
            (&storm, Go::Later(QUARTER)),
            (&ping, Go::Now),
            (&Trigger::Schedule, Go::Now),
            (&Trigger::FollowUp, Go::Now),
        ] {
            let cause = Cause::of(trigger);
            assert_eq!(look(Standing::Free, true, true).go(PlanWhat::News, cause), expected, "{trigger:?}");
            assert_eq!(look(Standing::Free, true, false).go(PlanWhat::News, cause), Go::Now, "{trigger:?}");
        }
    }

    #[test]
    fn half_of_a_share_stretches_the_schedule_and_all_of_it_ends_everything() {
        for cause in [Cause::Events, Cause::Other] {
            let suspended = Suspended { share: look(Standing::Free, true, false).most, wait: HALF };
            for what in [PlanWhat::News, PlanWhat::Everything] {
                assert_eq!(look(Standing::Suspended, false, true).go(what, cause), Go::Never(suspended));
            }
        }
        let slow = look(Standing::Slow, false, true);
        assert_eq!(slow.go(PlanWhat::News, Cause::Other), Go::Later(HALF));
        assert_eq!(slow.go(PlanWhat::Everything, Cause::Other), Go::Now, "a person asked for it");
        assert_eq!(look(Standing::Slow, true, false).go(PlanWhat::News, Cause::Other), Go::Now);
    }
}
