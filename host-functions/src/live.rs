//! The live backend: answers from the real host, within the scopes in force.
//!
//! Each preview is remembered under a number of its own. A plan is a list of such numbers, never targets that
//! came back from the guest.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::control::Quarantined;
use ansai_core::scope::{Roots, TypedField};
use ansai_core::{InstanceName, InterfaceName, Measure, Never, Refusal, Scope, StepRef, Timestamp, Watch};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use ansai_kit::action::{Action, Proposed, preview_under};
use ansai_kit::admit::{Caller, Grants, admit};
use ansai_kit::authorize::{Asked, Scopes};
use ansai_kit::backend::{Abort, Answer, Backend};
use ansai_kit::call::{Call, Reply, to_reply};
use ansai_kit::carried::Carried;
use ansai_kit::evaluation_state::EvaluationState;
use ansai_kit::function::InlineFunction;
use ansai_kit::guard::Guards;
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::host_access::{EvaluationStart, HostAccess, HostBackend, QuarantineOrigin};
use ansai_kit::processor::Meter;
use ansai_kit::registry::{Body, Function, InterfaceDef, Registry};
use ansai_kit::remote::Parts;
use ansai_kit::target::Reach;
use ansai_kit::watch::{Sink, Source, WatchError};
use ansai_local::files::fields::ROOTS;
use ansai_local::files::{QUARANTINE_EXPIRY, QUARANTINE_ORIGIN};
use ansai_local::guard::Timers;
use ansai_local::watch::{self, Watches};

use crate::HOST_ACTIONS;
use crate::may_watch::may_watch;
use crate::remote::{RemoteCalls, RemoteLimits};
use crate::work::{Asker, Work};

/// The most calls that nobody waits for any more and that hold no place of the pool.
const MOST_ABANDONED: usize = 16;

/// What all evaluations on one host share.
#[derive(Clone)]
pub struct LiveHost {
    /// The host.
    pub host: Host,
    /// What it offers.
    pub registry: Registry,
    /// Bounds how many calls read the host at once. A permit is kept until the work really ends, or until its caller has
    /// given up waiting and the work holds a spare one.
    pub pool: Arc<Semaphore>,
    /// Bounds how many of them are scans and previews, which may take all the time that a call has: one less than
    /// the pool, so that a quick look never waits for them.
    pub scans: Arc<Semaphore>,
    /// Bounds how many calls that nobody waits for any more run besides these. If a system call never returns, its thread
    /// is lost, and the pool is not.
    pub spare: Arc<Semaphore>,
    /// Calls of servers, which have their own threads: a server that hangs takes none from the pool.
    pub remote: RemoteCalls,
    /// How long one call may take.
    pub call_deadline: Duration,
    /// What wakes instances.
    pub watches: Watches,
}

impl LiveHost {
    /// With so many threads that read the host.
    pub fn new(host: Host, registry: Registry, threads: usize, call_deadline: Duration) -> Self {
        let permits = |threads: usize| Arc::new(Semaphore::new(threads.max(1)));
        let (pool, scans) = (permits(threads), permits(threads.saturating_sub(1)));
        let (spare, remote) = (permits(MOST_ABANDONED), RemoteCalls::new(RemoteLimits::default()));
        LiveHost { host, registry, pool, scans, spare, remote, call_deadline, watches: Watches::default() }
    }

    /// With these limits of calls of servers.
    #[must_use]
    pub fn calling(mut self, limits: RemoteLimits) -> Self {
        self.remote = RemoteCalls::new(limits);
        self
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

    fn quarantine_origin(&self) -> &'static dyn QuarantineOrigin {
        &QUARANTINE_ORIGIN
    }

    fn quarantine_roots(&self) -> &'static TypedField<Roots> {
        &ROOTS
    }

    fn quarantined(&self, roots: &[String], now: Timestamp) -> Quarantined {
        ansai_local::files::quarantined(&self.host, roots, now)
    }

    fn guards(&self) -> &dyn Guards {
        &Timers
    }

    fn call_deadline(&self) -> Duration {
        self.call_deadline
    }

    fn may_watch(&self, instance: &InstanceName, watch: &Watch, scopes: &Scopes) -> Result<(), Refusal> {
        may_watch(&self.registry, instance, watch, scopes)
    }

    fn watch(&self, watch: &Watch, sink: Arc<dyn Sink>) -> Result<Box<dyn Source>, WatchError> {
        watch::open(&self.host, &self.watches, watch, sink)
    }

    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend> {
        let EvaluationStart { instance, scopes, reach, never, state, deadline, meter } = start;
        let live = Live::new(self.clone(), instance, scopes, state);
        Box::new(live.reaching(reach).never_touching(never).ending_after(deadline).metered(meter))
    }
}

/// One evaluation on the live host.
pub struct Live {
    shared: LiveHost,
    instance: InstanceName,
    scopes: Scopes,
    reach: Reach,
    never: Arc<Never>,
    /// Context, log, store and series.
    pub base: EvaluationState,
    proposed: Vec<Arc<Proposed>>,
    /// When the evaluation is ended.
    ends: Option<std::time::Instant>,
    meter: Meter,
}

impl Live {
    /// At the start of an evaluation of this instance.
    pub fn new(shared: LiveHost, instance: InstanceName, scopes: Scopes, base: EvaluationState) -> Self {
        let (reach, never) = (Reach::default(), Arc::default());
        Live { shared, instance, scopes, reach, never, base, proposed: Vec::new(), ends: None, meter: Meter::default() }
    }

    /// With these targets. By default there are none.
    #[must_use]
    pub fn reaching(mut self, reach: Reach) -> Self {
        self.reach = reach.never_touching(self.never.clone());
        self
    }

    /// With this list of what no step may touch. By default it has the defaults only.
    #[must_use]
    pub fn never_touching(mut self, never: Arc<Never>) -> Self {
        self.reach = self.reach.never_touching(never.clone());
        self.never = never;
        self
    }

    /// In an evaluation that is ended after so long: each scan and each call of servers takes at most a third of what is
    /// left, so that a policy with many of them answers before.
    #[must_use]
    pub fn ending_after(mut self, deadline: Duration) -> Self {
        self.ends = std::time::Instant::now().checked_add(deadline);
        self
    }

    /// With this meter of what its calls spend on threads of the pool.
    #[must_use]
    pub fn metered(mut self, meter: Meter) -> Self {
        self.meter = meter;
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

    /// The limit of a call that may take long: at most this, and at most a third of what is left of the evaluation.
    fn share(&self, most: Duration) -> Duration {
        let left = self.ends.map(|ends| ends.saturating_duration_since(std::time::Instant::now()) / 3);
        left.map_or(most, |left| left.min(most))
    }

    fn asker(&self, interface: &InterfaceName, scope: &Arc<Scope>) -> Asker {
        Asker {
            host: self.shared.host.clone(),
            scope: scope.clone(),
            reach: self.reach.clone(),
            now: self.base.context.now,
            interface: interface.clone(),
        }
    }

    fn work(&self, interface: &InterfaceName, scope: &Arc<Scope>, arguments: &Arc<RawValue>, scans: bool) -> Work {
        let most = self.shared.call_deadline;
        Work {
            asker: self.asker(interface, scope),
            arguments: arguments.clone(),
            pool: self.shared.pool.clone(),
            scans: scans.then(|| self.shared.scans.clone()),
            spare: self.shared.spare.clone(),
            limit: if scans { self.share(most) } else { most },
            meter: self.meter.clone(),
        }
    }

    /// Calls servers. A call of one server has the limit of that server; one of several has more, and each of its parts
    /// has the limit of its server.
    fn call_servers(&self, asker: Asker, parts: Parts) -> Answer<'static> {
        let calls = self.shared.remote.clone();
        let most = self.shared.call_deadline;
        let most = match &parts {
            Parts::Each(_) => most,
            Parts::One(part) => match calls.limit(&asker, &part.server) {
                Ok(limit) => limit.min(most),
                Err(refusal) => return Answer::Now(Ok(Err(refusal))),
            },
        };
        let most = self.share(most);
        Answer::Later(Box::pin(async move { Ok(calls.answer(asker, parts, most).await) }))
    }
}

impl HostBackend for Live {
    fn finish(self: Box<Self>) -> (Vec<Arc<Proposed>>, EvaluationState) {
        Live::finish(*self)
    }
}

impl Backend for Live {
    fn carry(&mut self, imports: &[InterfaceName]) -> Option<Carried> {
        Some(self.base.carry(imports))
    }

    fn ask<'a>(&'a mut self, call: Call<'a>) -> Answer<'a> {
        let caller = Caller { instance: &self.instance, phase: self.base.phase, grants: Grants::InForce(&self.scopes) };
        let (entry, function, scopes) = match admit(&self.shared.registry, caller, call) {
            Ok(admitted) => (admitted.entry, admitted.function, admitted.scopes),
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
            (Body::Remote(function), Some(scope)) => match function.split(call.arguments) {
                Ok(parts) => self.call_servers(self.asker(call.interface, scope), parts),
                Err(refusal) => Answer::Now(Ok(Err(refusal))),
            },
            (Body::Action(action), Some(scope)) => {
                let work = self.work(call.interface, scope, call.arguments, true);
                let asked = Proposal { instance: self.instance.clone(), entry, function, granted: self.scopes.clone() };
                let plan = Plan { never: &self.never, proposed: &mut self.proposed, count: &mut self.base.proposed };
                Answer::Later(Box::pin(propose(action, asked, scopes, work, plan)))
            }
            // `admit` has refused this already.
            (_, None) => Answer::Now(Ok(Err(Refusal::Denied("not granted".into())))),
        }
    }
}

/// Who proposes what.
struct Proposal {
    instance: InstanceName,
    entry: &'static InterfaceDef,
    function: &'static Function,
    granted: Scopes,
}

impl Proposal {
    fn asked(&self) -> Asked<'_> {
        let Proposal { instance, entry, function, granted } = self;
        Asked { instance, entry, function, granted: granted.get(&entry.interface.name) }
    }
}

/// What an evaluation proposes.
struct Plan<'a> {
    never: &'a Never,
    proposed: &'a mut Vec<Arc<Proposed>>,
    /// Number of the steps so far.
    count: &'a mut StepRef,
}

async fn propose(
    action: &'static dyn Action,
    proposal: Proposal,
    scopes: Vec<Arc<Scope>>,
    work: Work,
    plan: Plan<'_>,
) -> Result<Reply, Abort> {
    let Plan { never, proposed, count } = plan;
    let earlier = proposed.clone();
    let arguments = work.arguments.clone();
    let name = format!("{}.{}", proposal.entry.interface.name, proposal.function.name);
    let looked = work
        .run(move |ask, arguments| preview_under(action, proposal.asked(), &scopes, ask, arguments, &earlier))
        .await;
    let mut previewed = match looked.and_then(|previewed| previewed) {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Before anything of the preview is told: the executor would refuse the step.
    if let Err(refusal) = never.check(&previewed.touches) {
        return Ok(Err(refusal));
    }
    previewed.preview.step = *count;
    let reply = to_reply(&previewed.preview);
    proposed.push(Arc::new(Proposed::new(name, arguments, previewed)));
    *count += 1;
    Ok(reply)
}
