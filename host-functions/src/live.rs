//! The live backend: answers from the real host, within the scopes in force.
//!
//! Each preview is remembered under a number of its own. A plan is a list of such numbers, never targets that
//! came back from the guest.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::scope::{Roots, TypedField};
use ansai_core::{InstanceName, InterfaceName, Measure, Refusal, Scope, StepRef, Timestamp};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use ansai_kit::action::{Action, Proposed, preview_under};
use ansai_kit::admit::{Caller, Grants, admit};
use ansai_kit::authorize::Scopes;
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::{Call, Reply, to_reply};
use ansai_kit::evaluation_state::EvaluationState;
use ansai_kit::function::{InlineFunction, ProbeFunction};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::host_access::{EvaluationStart, HostAccess, HostBackend};
use ansai_kit::registry::{Body, Function, InterfaceDef, Registry};
use ansai_kit::target::Reach;
use ansai_local::files::QUARANTINE_EXPIRY;
use ansai_local::files::fields::ROOTS;

use crate::HOST_ACTIONS;

/// What all evaluations on one host share.
#[derive(Clone)]
pub struct LiveHost {
    /// The host.
    pub host: Host,
    /// What it offers.
    pub registry: Registry,
    /// Bounds how many calls read the host at once. A permit is kept until the work really ends, also when its
    /// caller has given up waiting.
    pub pool: Arc<Semaphore>,
    /// Bounds how many of them are scans and previews, which may take all the time that a call has: one less than
    /// the pool, so that a quick look never waits for them.
    pub scans: Arc<Semaphore>,
    /// How long one call may take.
    pub call_deadline: Duration,
}

impl LiveHost {
    /// With so many threads that read the host.
    pub fn new(host: Host, registry: Registry, threads: usize, call_deadline: Duration) -> Self {
        let permits = |threads: usize| Arc::new(Semaphore::new(threads.max(1)));
        LiveHost { host, registry, pool: permits(threads), scans: permits(threads.saturating_sub(1)), call_deadline }
    }
}

impl HostAccess for LiveHost {
    fn host(&self) -> &Host {
        &self.host
    }

    fn facts(&self) -> Vec<Measure> {
        ansai_local::facts::read(&self.host)
    }

    fn action(&self, name: &str) -> Option<(&'static InterfaceDef, &'static Function, &'static dyn Action)> {
        self.registry.action(name).or_else(|| Registry::of(HOST_ACTIONS).action(name))
    }

    fn quarantine_expiry(&self) -> &'static InterfaceDef {
        &QUARANTINE_EXPIRY
    }

    fn quarantine_roots(&self) -> &'static TypedField<Roots> {
        &ROOTS
    }

    fn call_deadline(&self) -> Duration {
        self.call_deadline
    }

    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend> {
        let EvaluationStart { instance, scopes, reach, state, deadline } = start;
        Box::new(Live::new(self.clone(), instance, scopes, state).reaching(reach).ending_after(deadline))
    }
}

/// One evaluation on the live host.
pub struct Live {
    shared: LiveHost,
    instance: InstanceName,
    scopes: Scopes,
    reach: Reach,
    /// Context, log, store and series.
    pub base: EvaluationState,
    proposed: Vec<Arc<Proposed>>,
    /// When the evaluation is ended.
    ends: Option<std::time::Instant>,
}

impl Live {
    /// At the start of an evaluation of this instance.
    pub fn new(shared: LiveHost, instance: InstanceName, scopes: Scopes, base: EvaluationState) -> Self {
        Live { shared, instance, scopes, reach: Reach::default(), base, proposed: Vec::new(), ends: None }
    }

    /// With these targets. By default there are none.
    #[must_use]
    pub fn reaching(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// In an evaluation that is ended after so long: each scan takes at most a third of what is left, so that a policy
    /// that scans a lot answers before.
    #[must_use]
    pub fn ending_after(mut self, deadline: Duration) -> Self {
        self.ends = std::time::Instant::now().checked_add(deadline);
        self
    }

    /// What was proposed, in order, and the rest of the evaluation's state.
    pub fn finish(self) -> (Vec<Arc<Proposed>>, EvaluationState) {
        (self.proposed, self.base)
    }

    fn at_once(&self, function: &dyn InlineFunction, scope: &Scope, arguments: &RawValue) -> Option<Reply> {
        let deadline = Deadline::after(self.shared.call_deadline);
        let ask = ProbeContext {
            host: &self.shared.host,
            scope,
            reach: &self.reach,
            now: self.base.context.now,
            deadline: &deadline,
        };
        function.answer_at_once(&ask, arguments)
    }

    fn work(&self, interface: &InterfaceName, scope: &Arc<Scope>, arguments: &Arc<RawValue>, scans: bool) -> Work {
        let left = self.ends.map(|ends| ends.saturating_duration_since(std::time::Instant::now()) / 3);
        let most = self.shared.call_deadline;
        Work {
            shared: self.shared.clone(),
            scope: scope.clone(),
            reach: self.reach.clone(),
            now: self.base.context.now,
            arguments: arguments.clone(),
            name: interface.clone(),
            scans,
            limit: left.filter(|_| scans).map_or(most, |left| left.min(most)),
        }
    }
}

impl HostBackend for Live {
    fn finish(self: Box<Self>) -> (Vec<Arc<Proposed>>, EvaluationState) {
        Live::finish(*self)
    }
}

impl Backend for Live {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        let caller = Caller { instance: &self.instance, phase: self.base.phase, grants: Grants::InForce(&self.scopes) };
        let (function, scopes) = match admit(&self.shared.registry, caller, call) {
            Ok(admitted) => (admitted.function, admitted.scopes),
            Err(why) => return Answer::Now(why.into_answer()),
        };
        match (function.body, scopes.first()) {
            (Body::Base(function), _) => Answer::Now(Ok(function.answer(&mut self.base, call.arguments))),
            (Body::Inline(function), Some(scope)) => match self.at_once(function, scope, call.arguments) {
                Some(reply) => Answer::Now(Ok(reply)),
                None => self.work(call.interface, scope, call.arguments, false).later(function),
            },
            (Body::Probe(function), Some(scope)) => {
                self.work(call.interface, scope, call.arguments, false).later(function)
            }
            (Body::Scan(function), Some(scope)) => {
                self.work(call.interface, scope, call.arguments, true).later(function)
            }
            (Body::Action(action), Some(scope)) => {
                let work = self.work(call.interface, scope, call.arguments, true);
                let name = format!("{}.{}", call.interface, call.function);
                let base = &mut self.base;
                Answer::Later(Box::pin(propose(action, name, scopes, work, &mut self.proposed, &mut base.proposed)))
            }
            // `admit` has refused this already.
            (_, None) => Answer::Now(Ok(Err(Refusal::Denied("not granted".into())))),
        }
    }
}

async fn propose(
    action: &'static dyn Action,
    name: String,
    scopes: Vec<Arc<Scope>>,
    work: Work,
    proposed: &mut Vec<Arc<Proposed>>,
    count: &mut StepRef,
) -> Result<Reply, Abort> {
    let earlier = proposed.clone();
    let arguments = work.arguments.clone();
    let looked = work.run(move |ask, arguments| preview_under(action, &scopes, ask, arguments, &earlier)).await;
    let (mut preview, targets) = match looked.and_then(|preview| preview) {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    preview.step = *count;
    let reply = to_reply(&preview);
    proposed.push(Arc::new(Proposed { action: name, arguments, preview, targets, may_fail: false }));
    *count += 1;
    Ok(reply)
}

/// A piece of work for a thread of the bounded pool.
struct Work {
    shared: LiveHost,
    scope: Arc<Scope>,
    reach: Reach,
    now: Timestamp,
    arguments: Arc<RawValue>,
    name: InterfaceName,
    /// Whether it may take long.
    scans: bool,
    /// How long.
    limit: Duration,
}

/// Ends the work when nobody waits for it any more.
struct EndsWork(Deadline);

impl Drop for EndsWork {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Work {
    fn later(self, function: &'static dyn ProbeFunction) -> Answer<'static> {
        let body = move |ask: &ProbeContext<'_>, arguments: &RawValue| function.answer(ask, arguments);
        Answer::Later(Box::pin(async move { Ok(self.run(body).await.and_then(|reply| reply)) }))
    }

    async fn run<T: Send + 'static>(
        self,
        body: impl FnOnce(&ProbeContext<'_>, &RawValue) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let limit = self.limit;
        let deadline = Deadline::after(limit);
        let name = self.name.clone();
        let _over = EndsWork(deadline.clone());
        let work = async move {
            // First the place among the scans: who waits for that holds no thread.
            let scan = if self.scans { Some(self.shared.scans.clone().acquire_owned().await) } else { None };
            let permit = self.shared.pool.clone().acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let ask = ProbeContext {
                    host: &self.shared.host,
                    scope: &self.scope,
                    reach: &self.reach,
                    now: self.now,
                    deadline: &deadline,
                };
                let done = body(&ask, &self.arguments);
                drop((permit, scan));
                done
            })
            .await
        };
        // Work that watches its deadline answers in part; what does not is left behind, with its permit.
        let grace = limit + Duration::from_secs(1);
        match tokio::time::timeout(grace, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(Refusal::Other(format!("{name} failed inside the host"))),
            Err(_) => Err(Refusal::TimedOut(format!("{name} did not answer within {} ms", limit.as_millis()))),
        }
    }
}
