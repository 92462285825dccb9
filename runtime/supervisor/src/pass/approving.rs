//! Plans of an incident that wait for a person: in each pass, before and after the policy is asked.

use ansai_core::approval::{Approval, ApprovalState};
use ansai_core::event::{ApprovalEnd, PlannedStep, Verdict};
use ansai_core::incident::Permission;
use ansai_core::{Decision, Event, Incident, Mode, Severity, Timestamp};
use ansai_kit::action::Proposed;

use super::Passes;
use crate::approvals::{circumstances, difference};
use crate::authority::EffectiveGrants;
use crate::clock;
use crate::execution::PlanFile;
use crate::instance::Instance;
use crate::repeats::{Thing, Told};
use crate::state::StateError;

/// Whether the policy is asked for a plan.
pub(super) enum Waiting {
    /// No: a plan waits, or was rejected.
    Still,
    /// Yes. If a plan waits or was approved, the new one is compared with it.
    Ask(Option<Box<Approval>>),
}

/// What became of the plan that waited, compared with what the policy proposes now.
pub(super) enum Compared {
    /// No person has approved this.
    New,
    /// It is the plan that waits.
    Waits,
    /// A person has approved this.
    Approved(Box<(Approval, PlanFile)>),
}

impl Passes {
    /// Looks at the plan that was proposed last for an incident. What a person was asked about is not asked of the policy
    /// again, unless it has ended, the finding got worse, or the configuration has changed.
    pub(super) fn waiting(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        incident: &Incident,
    ) -> Result<Waiting, StateError> {
        let (now, executor) = (clock::now(), &self.executor);
        // An approval means nothing in observe mode. It counts again if the mode does, until it expires.
        let known = match grants.mode {
            Mode::Observe => None,
            Mode::Approve | Mode::Enforce => executor.state.approval_of(&incident.id)?,
        };
        let Some(known) = known else { return Ok(Waiting::Ask(None)) };
        let is_worse = incident.finding.severity() > known.severity;
        match known.state {
            ApprovalState::Begun | ApprovalState::Ended => return Ok(Waiting::Ask(None)),
            ApprovalState::Rejected => {
                let decided = known.decided.as_ref().map_or(known.asked, |decided| decided.at);
                let until = decided + instance.retry_policy.cooldown;
                if now >= until || is_worse {
                    return Ok(Waiting::Ask(None));
                }
                let held = Permission::Rejected { plan: known.plan.clone(), until };
                self.still(&known, incident, executor.shown(&known).ok(), held, now);
                return Ok(Waiting::Still);
            }
            ApprovalState::Open | ApprovalState::Approved => {}
        }
        // While the clock is in doubt nothing is applied, and nobody knows what has expired.
        let expired = (known.is_overdue(now) && executor.clocks.doubt().is_none()).then_some(ApprovalEnd::Expired);
        let ended = expired.or_else(|| known.circumstances.difference(&circumstances(instance, grants)));
        if let Some(why) = ended {
            executor.end_approval(&known, why);
            return Ok(Waiting::Ask(None));
        }
        // The operator wants a person to decide since the host did.
        let is_by_host = known.state == ApprovalState::Approved && known.is_by_host();
        let needs_person = |file: PlanFile| executor.needs_approval(grants, &instance.name, &file.steps);
        if is_by_host && executor.shown(&known).is_ok_and(needs_person) {
            executor.end_approval(&known, ApprovalEnd::Expired);
            return Ok(Waiting::Ask(None));
        }
        if known.announced && known.state == ApprovalState::Open {
            // An emergency is not announced. Whatever else got worse keeps its time.
            if is_worse && incident.finding.severity() == Some(Severity::Emergency) {
                executor.end_approval(&known, ApprovalEnd::Worse);
                return Ok(Waiting::Ask(None));
            }
            return Ok(self.announced(instance, grants, incident, known));
        }
        if known.state == ApprovalState::Approved || is_worse {
            return Ok(Waiting::Ask(Some(Box::new(known))));
        }
        let why = match executor.shown(&known) {
            Ok(file) if executor.needs_approval(grants, &instance.name, &file.steps) => {
                let held = Permission::AwaitsApproval { plan: known.plan.clone(), until: known.until };
                self.still(&known, incident, Some(file), held, now);
                return Ok(Waiting::Still);
            }
            Ok(_) => ApprovalEnd::NotNeeded,
            Err(why) => why,
        };
        executor.end_approval(&known, why);
        Ok(Waiting::Ask(None))
    }

    /// A plan that was announced: it waits for its time, and then it counts as approved by the host. That is recorded like an
    /// approval, so that all that holds for one holds for it: the same content, once, under the same circumstances.
    fn announced(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        incident: &Incident,
        known: Approval,
    ) -> Waiting {
        let (now, executor) = (clock::now(), &self.executor);
        let file = match executor.shown(&known) {
            // The operator wants approvals since: then it is asked for.
            Ok(file) if executor.needs_approval(grants, &instance.name, &file.steps) => {
                executor.end_approval(&known, ApprovalEnd::Expired);
                return Waiting::Ask(None);
            }
            Ok(file) => file,
            Err(why) => {
                executor.end_approval(&known, why);
                return Waiting::Ask(None);
            }
        };
        // While the clock is in doubt, nobody knows whether its time is over.
        if now < known.until || executor.clocks.doubt().is_some() {
            let held = Permission::Announced { plan: known.plan.clone(), until: known.until };
            self.still(&known, incident, Some(file), held, now);
            self.lanes.of(&instance.name).ask(known.until.checked_since(now));
            return Waiting::Still;
        }
        match executor.approve_announced(&known) {
            Ok(approved) => Waiting::Ask(Some(Box::new(approved))),
            Err(error) => {
                tracing::warn!(
                    plan = known.plan,
                    "its time after the announcement is over, and it is not applied: {error}"
                );
                Waiting::Still
            }
        }
    }

    /// Whether a later part of an attempt waits for a person, or was approved: neither the attempt nor its stage is over.
    pub(super) fn is_continued(&self, instance: &Instance, grants: &EffectiveGrants, incident: &Incident) -> bool {
        // No plan is made either if this cannot be read.
        let Ok(known) = self.executor.state.approval_of(&incident.id) else { return true };
        known.is_some_and(|known| {
            let is_open = matches!(known.state, ApprovalState::Open | ApprovalState::Approved);
            let is_expired = known.is_overdue(clock::now()) && self.executor.clocks.doubt().is_none();
            let is_same = known.circumstances.difference(&circumstances(instance, grants)).is_none();
            known.continues && is_open && !is_expired && is_same
        })
    }

    /// Whether a plan of an incident waits for a person, or was approved and has not begun. If that cannot be read, the
    /// answer is yes: planning tells why.
    pub(super) fn has_open_plan(&self, incident: &Incident) -> bool {
        let is_open = |known: Approval| matches!(known.state, ApprovalState::Open | ApprovalState::Approved);
        self.executor.state.approval_of(&incident.id).map_or(true, |known| known.is_some_and(is_open))
    }

    /// Compares what the policy proposes now with the plan that waits or was approved. If they differ in any way, or if the
    /// approval does not count for another reason, it ends.
    pub(super) async fn compare(&self, known: Option<Approval>, decision: &Decision, steps: &[Proposed]) -> Compared {
        let Some(known) = known else { return Compared::New };
        let (executor, approval) = (self.executor.clone(), known.clone());
        let looking = tokio::task::spawn_blocking(move || match approval.state {
            ApprovalState::Approved => executor.vouched_approval(&approval),
            _ => executor.shown(&approval),
        });
        let found = match looking.await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(plan = known.plan, "looking for an approval panicked: {error}");
                Err(ApprovalEnd::NotRecorded)
            }
        };
        let same = found.and_then(|file| difference(&file, decision, steps).map_or(Ok(file), Err));
        match (same, known.state) {
            (Ok(file), ApprovalState::Approved) => Compared::Approved(Box::new((known, file))),
            (Ok(_), _) => Compared::Waits,
            (Err(why), state) => {
                let why = if state == ApprovalState::Approved { why } else { ApprovalEnd::Worse };
                self.executor.end_approval(&known, why);
                Compared::New
            }
        }
    }

    /// Tells once, and then counts, that an incident is held because of a plan.
    pub(super) fn still(
        &self,
        known: &Approval,
        incident: &Incident,
        file: Option<PlanFile>,
        held: Permission,
        now: Timestamp,
    ) {
        let (name, repeats) = (&incident.instance, &self.incidents.repeats);
        let planned = file.map(|file| {
            let planned = |step| self.executor.planned(step, file.at);
            let mut steps: Vec<PlannedStep> = file.steps.iter().map(planned).collect();
            self.executor.state.add_effectiveness(name, &mut steps, now);
            Event::Planned {
                plan: known.plan.clone(),
                incident: Some(incident.id.clone()),
                instance: name.clone(),
                decision: Decision::Apply(file.on_failure),
                steps,
                recommendations: Vec::new(),
                distance: incident.finding.distance,
            }
        });
        let said = held_on(&held);
        let verdict = Verdict::Held(held);
        let decided = Event::Decided { plan: known.plan.clone(), instance: name.clone(), verdict, attempt: None };
        match repeats.say(name, Thing::Incident(&incident.id), &said, Some(&known.plan), now) {
            Told::Unchanged(counted) => {
                let events = |_| planned.into_iter().chain([decided]).collect();
                repeats.show(name, Some(&incident.id), counted, now, events);
            }
            Told::News(_) => {
                // The audit log has the plan already.
                if let Some(planned) = planned {
                    self.journal.publish(now, || planned);
                }
                self.journal.note(now, decided);
            }
        }
    }

    /// Stores a plan for a person: from now on it waits.
    pub(super) fn propose_to_person(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        incident: &Incident,
        (file, until, announced): (&PlanFile, Timestamp, bool),
        continues: bool,
    ) -> Result<(), String> {
        let plan_sha256 = self.executor.plans.put(file).map_err(|error| error.to_string())?;
        let approval = Approval {
            plan: file.plan.clone(),
            instance: instance.name.clone(),
            incident: incident.id.clone(),
            key: incident.finding.key.clone(),
            summary: incident.finding.summary.clone(),
            severity: incident.finding.severity(),
            plan_sha256,
            asked: file.at,
            until,
            expires: instance.approval_expires,
            state: ApprovalState::Open,
            decided: None,
            ended: None,
            announced,
            continues,
            circumstances: circumstances(instance, grants),
        };
        self.executor.state.put_approval(&approval).map_err(|error| error.to_string())
    }
}

/// The words by which the same is recognized.
pub(super) fn held_on(held: &Permission) -> String {
    match held {
        Permission::AwaitsApproval { plan, .. } => format!("awaits approval of {plan}"),
        Permission::Announced { plan, .. } => format!("announced {plan}"),
        Permission::Rejected { plan, .. } => format!("rejected {plan}"),
        _ => String::new(),
    }
}
