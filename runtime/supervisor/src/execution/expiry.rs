//! Quarantined files whose time is over: removed for good by the executor, as steps of a plan of the host itself, with
//! the grants of the instance that may remove files below the same roots.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ansai_core::event::{PlannedStep, Verdict};
use ansai_core::{Decision, Event, InstanceName, InterfaceName, Mode, OnFailure};
use ansai_kit::action::Proposed;
use ansai_kit::host::{Deadline, ProbeContext};
use ansai_kit::registry::InterfaceDef;

use super::executor::{Approved, Executor};
use super::plans::PlanFile;
use crate::authority::{Authority, EffectiveGrants};
use crate::clock;
use crate::ids::Ids;
use crate::instance::Instance;

/// On every plan for the end of quarantine.
const DECISION: Decision = Decision::Apply(OnFailure::Stop);

/// Plans and applies the end of quarantine.
pub(crate) struct QuarantineExpiry {
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) executor: Arc<Executor>,
    pub(crate) ids: Arc<Ids>,
    /// Those that can have files in quarantine.
    pub(crate) instances: Vec<InstanceName>,
    /// What each instance in observe mode was last told to be pending.
    pub(crate) pending: Mutex<BTreeMap<InstanceName, Vec<PlannedStep>>>,
}

impl QuarantineExpiry {
    /// Instances that can propose to remove files: others have none in quarantine.
    pub(crate) fn candidates(instances: &[Instance], expiry: &InterfaceDef) -> Vec<InstanceName> {
        let name = |import: &InterfaceName| import.same_interface(&expiry.interface.name);
        let has = |instance: &&Instance| instance.policy.info().imports.iter().any(name);
        instances.iter().filter(has).map(|instance| instance.name.clone()).collect()
    }

    /// Removes what has expired, instance by instance. What cannot be removed is tried again at the next call. For
    /// instances in observe mode it only tells what is pending.
    pub(crate) async fn run(&self) {
        let instances = self.instances.iter();
        let mut granted: Vec<(&InstanceName, EffectiveGrants)> = instances
            .filter_map(|instance| Some((instance, self.authority.effective_grants(instance).ok()?)))
            .collect();
        // What an instance may remove is not pending for another.
        granted.sort_by_key(|(_, grants)| std::cmp::Reverse(grants.mode));
        let mut seen: Vec<String> = Vec::new();
        for (instance, grants) in granted {
            if self.executor.stop.is_asked() {
                return;
            }
            let mode = grants.mode;
            let steps = self.expired(instance, grants, &mut seen).await;
            match mode {
                Mode::Observe => self.tell_pending(instance, &steps),
                Mode::Enforce if steps.is_empty() => {}
                Mode::Enforce => self.apply(instance, steps).await,
            }
        }
    }

    /// One step for each root with expired files. `seen` are the roots of instances before this one.
    async fn expired(&self, instance: &InstanceName, grants: EffectiveGrants, seen: &mut Vec<String>) -> Vec<Proposed> {
        let interface = &self.executor.host.quarantine_expiry().interface.name;
        let Some(scope) = grants.scopes.get(interface).cloned() else { return Vec::new() };
        let mut roots: Vec<String> = scope.roots(self.executor.host.quarantine_roots()).to_vec();
        roots.retain(|root| !seen.iter().any(|known| ansai_core::scope::is_within(root, known)));
        seen.extend(roots.iter().cloned());
        let (executor, name) = (self.executor.clone(), instance.clone());
        let looking = tokio::task::spawn_blocking(move || {
            let look = |root: &String| match executor.preview_expiry(root, &scope) {
                Ok(step) => step,
                Err(why) => {
                    tracing::warn!(instance = %name, root, "quarantine cannot be read, ansai tries again: {why}");
                    None
                }
            };
            roots.iter().filter_map(look).collect()
        });
        looking.await.unwrap_or_else(|error| {
            tracing::error!(%instance, "reading the quarantine panicked, ansai tries again: {error}");
            Vec::new()
        })
    }

    /// Records what would be removed, once for each change of it.
    fn tell_pending(&self, instance: &InstanceName, steps: &[Proposed]) {
        let steps: Vec<PlannedStep> = steps.iter().map(Proposed::planned).collect();
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.get(instance).map_or(&[][..], Vec::as_slice) == steps {
            return;
        }
        pending.insert(instance.clone(), steps.clone());
        drop(pending);
        if !steps.is_empty() {
            let now = clock::now();
            for event in decided(&self.ids.fresh(now), instance, steps, Verdict::Observed) {
                self.executor.journal.note(now, event);
            }
        }
    }

    async fn apply(&self, instance: &InstanceName, steps: Vec<Proposed>) {
        let now = clock::now();
        let (plan, instance) = (self.ids.fresh(now), instance.clone());
        let [planned, decided] =
            decided(&plan, &instance, steps.iter().map(Proposed::planned).collect(), Verdict::Approved);
        let journal = &self.executor.journal;
        let recorded = journal.record(now, planned).and_then(|()| journal.durable(now, decided));
        let file = PlanFile { plan: plan.clone(), instance: instance.clone(), incident: None, at: now, steps };
        let applied = match recorded {
            Ok(()) => self.executor.clone().execute(Approved { file, decision: DECISION }).await.map(drop),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = applied {
            let event = Event::PlanFailed { instance, incident: None, plan: Some(plan), error, kind: None };
            journal.note(clock::now(), event);
        }
    }
}

/// A plan of the host itself and the decision on it.
fn decided(plan: &str, instance: &InstanceName, steps: Vec<PlannedStep>, verdict: Verdict) -> [Event; 2] {
    let (plan, instance) = (plan.to_owned(), instance.clone());
    let planned = Event::Planned {
        plan: plan.clone(),
        incident: None,
        instance: instance.clone(),
        decision: DECISION,
        steps,
        recommendations: Vec::new(),
    };
    [planned, Event::Decided { plan, instance, verdict }]
}

impl Executor {
    /// What has expired below a root; `None` where nothing has.
    fn preview_expiry(&self, root: &str, scope: &ansai_core::Scope) -> Result<Option<Proposed>, String> {
        let name = format!("{}.expire-held", self.host.quarantine_expiry().interface.name);
        let (_, _, action) = self.action(&name).map_err(|error| error.to_string())?;
        let arguments = serde_json::json!({ "root": root, "reason": "the quarantine has expired" });
        let arguments = serde_json::value::to_raw_value(&arguments).map_err(|error| error.to_string())?;
        let deadline = Deadline::after(self.host.call_deadline());
        let context = ProbeContext { host: self.host.host(), scope, now: clock::now(), deadline: &deadline };
        let (preview, targets) = action.preview(&context, &arguments, &[]).map_err(|error| error.to_string())?;
        let step = Proposed { action: name, arguments: arguments.into(), preview, targets, may_fail: false };
        Ok((step.preview.items > 0).then_some(step))
    }
}
