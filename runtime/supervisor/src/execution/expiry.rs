//! Quarantined files whose time is over: removed for good by the executor, as steps of a plan of the host itself, with
//! the grants of the instance that may remove files below the same roots.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ansai_core::event::{PlannedStep, Verdict};
use ansai_core::scope::is_within;
use ansai_core::{Decision, Event, InstanceName, InterfaceName, Mode, Never, OnFailure, Scope};
use ansai_kit::action::Proposed;
use ansai_kit::host::{Deadline, ProbeContext};
use ansai_kit::registry::InterfaceDef;
use ansai_kit::target::Reach;

use super::executor::{Approved, ApprovedBy, Executor};
use super::plans::PlanFile;
use super::vouched::Vouched;
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
    /// What of the quarantines was compared with the audit log.
    pub(crate) vouched: Arc<Vouched>,
}

/// What one run has looked at.
#[derive(Default)]
struct Looked {
    /// Of all instances so far.
    roots: HashSet<String>,
    /// Each with its root: what one step has as target is in no other.
    steps: Vec<(String, Arc<Proposed>)>,
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
        // What has expired is unknown then. The next call looks again.
        if self.executor.clocks.doubt().is_some() {
            return;
        }
        let instances = self.instances.iter();
        let mut granted: Vec<(&InstanceName, EffectiveGrants)> = instances
            .filter_map(|instance| Some((instance, self.authority.effective_grants(instance).ok()?)))
            .collect();
        // What an instance may remove is not pending for another.
        granted.sort_by_key(|(_, grants)| std::cmp::Reverse(grants.mode));
        let mut looked = Looked::default();
        for (instance, grants) in granted {
            if self.executor.stop.is_asked() {
                return;
            }
            let mode = grants.mode;
            let steps = self.expired(instance, grants, &mut looked).await;
            match mode {
                Mode::Observe => self.tell_pending(instance, &steps),
                // Whoever approved that files go into quarantine was told when they expire.
                Mode::Approve | Mode::Enforce if steps.is_empty() => {}
                // The next call after the pause does it.
                Mode::Approve | Mode::Enforce if self.executor.orders.pause_of(instance).is_some() => {}
                Mode::Approve | Mode::Enforce => self.apply(instance, steps).await,
            }
        }
    }

    /// One step for each root of any table with expired files, except for what this run has looked at already.
    async fn expired(&self, instance: &InstanceName, grants: EffectiveGrants, looked: &mut Looked) -> Vec<Proposed> {
        let interface = &self.executor.host.quarantine_expiry().interface.name;
        let Some(granted) = grants.scopes.get(interface) else { return Vec::new() };
        // To find what expired, all roots count. Each step is then authorized for its root, by one table.
        let scope = granted.together().clone();
        let mut roots: Vec<String> = scope.roots(self.executor.host.quarantine_roots()).to_vec();
        roots.retain(|root| looked.roots.insert(root.clone()));
        let (executor, name, mut all) = (self.executor.clone(), instance.clone(), std::mem::take(&mut looked.steps));
        let vouched = self.vouched.clone();
        let known = all.len();
        let looking = tokio::task::spawn_blocking(move || {
            for root in roots {
                // A directory in two roots means that one of them contains the other.
                let overlaps = |known: &str| is_within(known, &root) || is_within(&root, known);
                let earlier = all.iter().filter(|(known, _)| overlaps(known)).map(|(_, step)| step.clone());
                let asked = Asked { root: &root, scope: &scope, never: &grants.never, vouched: &vouched };
                match executor.preview_expiry(asked, &earlier.collect::<Vec<_>>()) {
                    Ok(step) => all.extend(step.map(|step| (root, Arc::new(step)))),
                    Err(why) => {
                        tracing::warn!(instance = %name, root, "quarantined files do not expire now, ansai tries again: {why}");
                    }
                }
            }
            all
        });
        match looking.await {
            Ok(all) => {
                let steps = all.iter().skip(known).map(|(_, step)| Proposed::clone(step)).collect();
                looked.steps = all;
                steps
            }
            Err(error) => {
                tracing::error!(%instance, "reading the quarantine panicked, ansai tries again: {error}");
                Vec::new()
            }
        }
    }

    /// Records what would be removed, once for each change of it.
    fn tell_pending(&self, instance: &InstanceName, steps: &[Proposed]) {
        let now = clock::now();
        let steps: Vec<PlannedStep> = steps.iter().map(|step| self.executor.planned(step, now)).collect();
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.get(instance).map_or(&[][..], Vec::as_slice) == steps {
            return;
        }
        pending.insert(instance.clone(), steps.clone());
        drop(pending);
        if !steps.is_empty() {
            for event in decided(&self.ids.fresh(now), instance, steps, Verdict::Observed) {
                self.executor.journal.note(now, event);
            }
        }
    }

    async fn apply(&self, instance: &InstanceName, steps: Vec<Proposed>) {
        let now = clock::now();
        let (plan, instance) = (self.ids.fresh(now), instance.clone());
        let planned = steps.iter().map(|step| self.executor.planned(step, now)).collect();
        let [planned, decided] = decided(&plan, &instance, planned, Verdict::Approved);
        let journal = &self.executor.journal;
        let recorded = journal.record(now, planned).and_then(|()| journal.durable(now, decided));
        let file = PlanFile {
            plan: plan.clone(),
            instance: instance.clone(),
            incident: None,
            at: now,
            on_failure: DECISION.on_failure(),
            steps,
        };
        let applied = match recorded {
            Ok(()) => self
                .executor
                .clone()
                .execute(Approved { file, decision: DECISION, at: now, by: ApprovedBy::OwnPlan, closes: None })
                .await
                .map(drop),
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
        distance: None,
    };
    [planned, Event::Decided { plan, instance, verdict, attempt: None }]
}

/// What is looked at for expired files.
#[derive(Clone, Copy)]
struct Asked<'a> {
    root: &'a str,
    scope: &'a Scope,
    never: &'a Never,
    vouched: &'a Vouched,
}

impl Executor {
    /// What has expired below a root and is no target of an earlier step; `None` where nothing is. What the audit log does
    /// not vouch for stays.
    fn preview_expiry(&self, asked: Asked<'_>, earlier: &[Arc<Proposed>]) -> Result<Option<Proposed>, String> {
        let Asked { root, scope, never, vouched } = asked;
        let name = format!("{}.expire-held", self.host.quarantine_expiry().interface.name);
        let (_, _, action) = self.action(&name).map_err(|error| error.to_string())?;
        let arguments = |except: &[String]| {
            const REASON: &str = "the quarantine has expired";
            let arguments = match except {
                [] => serde_json::json!({ "root": root, "reason": REASON }),
                except => serde_json::json!({ "root": root, "except": except, "reason": REASON }),
            };
            serde_json::value::to_raw_value(&arguments).map_err(|error| error.to_string())
        };
        let mut asked = arguments(&[])?;
        let deadline = Deadline::after(self.host.call_deadline());
        let context = ProbeContext {
            host: self.host.host(),
            scope,
            reach: Reach::none(),
            now: clock::now(),
            deadline: &deadline,
        };
        let mut previewed = action.preview(&context, &asked, earlier).map_err(|error| error.to_string())?;
        if previewed.preview.items > 0 {
            let unvouched = self.unvouched(vouched, root, &previewed.targets).map_err(|error| error.to_string())?;
            if !unvouched.is_empty() {
                asked = arguments(&unvouched)?;
                let first = std::mem::replace(
                    &mut previewed,
                    action.preview(&context, &asked, earlier).map_err(|error| error.to_string())?,
                );
                // What was compared with the log is the first look.
                if !self.host.quarantine_origin().is_part(&previewed.targets, &first.targets) {
                    return Err("the quarantine changed while it was compared with the audit log".to_owned());
                }
            }
        }
        if previewed.preview.items == 0 {
            return Ok(None);
        }
        // The executor would refuse the step, again and again.
        never.check(&previewed.touches).map_err(|refusal| refusal.to_string())?;
        Ok(Some(Proposed::new(name, asked.into(), previewed)))
    }
}
