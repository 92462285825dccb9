//! The policies of a simulation: they report the faults of their world, and propose the actions that their components can.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::{Decision, Observation, OnFailure, Preview, Refusal, Reversibility, Touch, Usage};
use ansai_engine::{Answer, Evaluation, EvaluationError};
use ansai_kit::action::{Previewed, Proposed};
use ansai_kit::call::to_text;
use ansai_kit::host_access::HostBackend;
use ansai_kit::registry::{InterfaceDef, Registry};

use super::action::{self, Arguments, Targets};
use super::host::SimulatedBackend;
use super::world::World;
use crate::evaluate::{Evaluate, Evaluating};
use crate::instance::Instance;

/// Evaluates in place of guests.
pub struct SimulatedPolicies {
    world: Arc<World>,
    actions: Registry,
    /// Actions to propose, by instance; an instance that is not here proposes those that its component imports.
    proposing: BTreeMap<String, Vec<String>>,
}

impl SimulatedPolicies {
    /// Over this world, with the actions of these interfaces.
    pub fn new(real: &Registry, world: Arc<World>) -> SimulatedPolicies {
        SimulatedPolicies { world, actions: action::registry(real), proposing: BTreeMap::new() }
    }

    /// An instance proposes these actions, and not those of its component. Names are those of plans:
    /// `ansai:files/files-actions.remove`.
    #[must_use]
    pub fn proposing(mut self, instance: &str, actions: impl IntoIterator<Item = String>) -> SimulatedPolicies {
        self.proposing.insert(instance.to_owned(), actions.into_iter().collect());
        self
    }

    /// The actions of an instance, one for each interface that it imports.
    fn actions(&self, instance: &Instance) -> Vec<(String, &'static InterfaceDef)> {
        if let Some(names) = self.proposing.get(instance.name.as_str()) {
            let found = names.iter().filter_map(|name| Some((name.clone(), self.actions.action(name)?.0)));
            return found.collect();
        }
        let imports = instance.policy.info().imports.iter();
        let defined = imports.filter_map(|import| self.actions.interface(import));
        let named = |entry: &'static InterfaceDef| {
            let function = entry.functions.first()?;
            Some((format!("{}.{}", entry.interface.name, function.name), entry))
        };
        defined.filter_map(named).collect()
    }

    fn plan(
        &self,
        instance: &Instance,
        backend: &mut SimulatedBackend,
        finding: &Observation,
    ) -> Result<Decision, Refusal> {
        // A policy does not propose what the operator did not grant.
        let granted: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&backend.state.context.scopes).unwrap_or_default();
        let mut actions = self.actions(instance);
        actions.retain(|(_, interface)| granted.contains_key(interface.interface.name.as_str()));
        let Some(fault) = self.world.fault(&instance.name, &finding.key) else {
            return Ok(Decision::GiveUp("the fault is gone".into()));
        };
        if actions.is_empty() {
            return Ok(Decision::GiveUp("the policy has no action that is granted".into()));
        }
        // Another attempt tries the next action.
        let attempts = backend.state.context.attempts.len();
        for number in 0..fault.steps {
            let place = attempts.saturating_add(usize::try_from(number).unwrap_or(0)) % actions.len();
            let Some((action, interface)) = actions.get(place) else { continue };
            let mut uses: BTreeMap<String, u64> = action::usual(interface).into_iter().collect();
            uses.extend(
                fault.uses.iter().filter(|(bound, _)| uses_has(interface, bound)).map(|(a, b)| (a.clone(), *b)),
            );
            let preview = Preview {
                step: number,
                items: 1,
                reversible: Reversibility::None,
                ..Preview::nothing(fault.about.clone())
            };
            let targets = Targets {
                instance: instance.name.clone(),
                interface: interface.interface.name.to_string(),
                key: finding.key.clone(),
                uses: uses.into_iter().collect(),
            };
            let arguments = Arguments { key: finding.key.clone(), reason: finding.summary.clone() };
            let previewed = Previewed {
                targets: to_text(&targets)?,
                touches: Touch::of(&preview),
                preview,
                canonical: Vec::new(),
                table: 0,
            };
            backend.proposed.push(Arc::new(Proposed::new(action.clone(), Arc::from(to_text(&arguments)?), previewed)));
        }
        Ok(Decision::Apply(OnFailure::Stop))
    }
}

fn uses_has(interface: &InterfaceDef, bound: &str) -> bool {
    interface.interface.fields.iter().any(|field| field.name == bound)
}

impl Evaluate for SimulatedPolicies {
    fn evaluate<'a>(
        &'a self,
        instance: &'a Instance,
        backend: Box<dyn HostBackend>,
        finding: Option<&'a Observation>,
    ) -> Evaluating<'a> {
        Box::pin(async move {
            let (_, state) = backend.finish();
            let mut backend = SimulatedBackend { proposed: Vec::new(), state };
            let answer = match finding {
                None => Ok(Answer::Observed(self.world.observe(&instance.name))),
                Some(finding) => self
                    .plan(instance, &mut backend, finding)
                    .map(Answer::Decided)
                    .map_err(|error| EvaluationError::Host(error.to_string())),
            };
            let proposals = u32::try_from(backend.proposed.len()).unwrap_or(u32::MAX);
            let usage = Usage { proposals, ..Usage::default() };
            Evaluation {
                answer,
                usage,
                calls: Vec::new(),
                backend: Some(Box::new(backend) as Box<dyn HostBackend>),
                elsewhere: std::time::Duration::ZERO,
            }
        })
    }
}
