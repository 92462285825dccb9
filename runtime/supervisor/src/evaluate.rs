//! What evaluates a policy. The rest of the loop is the same for a guest and for a simulation.

use std::pin::Pin;

use ansai_core::Observation;
use ansai_engine::Evaluation;
use ansai_kit::host_access::HostBackend;

use crate::instance::Instance;

/// An evaluation that goes on.
pub type Evaluating<'a> = Pin<Box<dyn Future<Output = Evaluation<Box<dyn HostBackend>>> + Send + 'a>>;

/// Evaluates policies.
pub trait Evaluate: Send + Sync {
    /// Evaluates `plan` for a finding, or `detect` without one. `backend` answers calls; it comes back with the answer.
    fn evaluate<'a>(
        &'a self,
        instance: &'a Instance,
        backend: Box<dyn HostBackend>,
        finding: Option<&'a Observation>,
    ) -> Evaluating<'a>;
}

/// Runs the component of the instance.
pub struct Guests;

impl Evaluate for Guests {
    fn evaluate<'a>(
        &'a self,
        instance: &'a Instance,
        backend: Box<dyn HostBackend>,
        finding: Option<&'a Observation>,
    ) -> Evaluating<'a> {
        Box::pin(async move {
            match finding {
                Some(finding) => instance.policy.plan(backend, &instance.limits, finding).await,
                None => instance.policy.detect(backend, &instance.limits).await,
            }
        })
    }
}
