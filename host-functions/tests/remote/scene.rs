//! Targets, and evaluations that call them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::event::Phase;
use ansai_core::{InstanceName, InterfaceName, Refusal, Scope, ScopeInForce, Timestamp};
use ansai_host_functions::live::{Live, LiveHost};
use ansai_host_functions::remote::{RemoteCalls, RemoteLimits};
use ansai_kit::authorize::Scopes;
use ansai_kit::backend::{Answer, Backend as _};
use ansai_kit::call::{Call, Reply};
use ansai_kit::evaluation_state::{Context, EvaluationState, NoMemory};
use ansai_kit::host::Host;
use ansai_kit::target::{Reach, TargetAccess};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::pages::{Entry, PAGES, PAGES_PROBE};
use crate::servers::Server;

pub const DISK: &str = "ansai:disk/disk-probe";
/// Longer than any test.
pub const LONG: Duration = Duration::from_secs(600);
/// So short that it is over while a server hangs.
pub const SHORT: Duration = Duration::from_millis(20);
/// Threads for local calls.
pub const THREADS: usize = 2;

/// By default, no call is abandoned before the test ends.
pub fn patient() -> RemoteLimits {
    RemoteLimits { call: LONG, ..RemoteLimits::default() }
}

pub struct Scene {
    pub live_host: LiveHost,
    /// How long one call may take for the instance.
    pub call_limit: Option<Duration>,
    targets: BTreeMap<String, TargetAccess>,
}

impl Scene {
    pub fn new(limits: RemoteLimits) -> Scene {
        let registry = ansai_host_functions::builtin().with(&PAGES_PROBE);
        let live_host = LiveHost::new(Host::at("/"), registry, THREADS, LONG).calling(limits);
        Scene { live_host, call_limit: None, targets: BTreeMap::new() }
    }

    pub fn remote(&self) -> &RemoteCalls {
        &self.live_host.remote
    }

    /// Adds or replaces a target.
    pub fn target(&mut self, name: &str, address: &str, call_limit: Option<Duration>) {
        let access =
            TargetAccess { address: Some(address.into()), call_limit, ..TargetAccess::new(name, "page", Vec::new()) };
        self.targets.insert(name.to_owned(), access);
    }

    /// Adds a server as a target.
    pub fn server(&mut self, name: &str, server: &Server, call_limit: Option<Duration>) {
        self.target(name, &server.address(), call_limit);
    }

    /// An evaluation of the instance `web`, which may use all targets but `forbidden`.
    pub fn evaluation(&self) -> Live {
        let granted: BTreeMap<InterfaceName, ScopeInForce> =
            [PAGES, DISK].into_iter().map(|name| (name.parse().unwrap(), Scope::default().into())).collect();
        self.evaluation_with(Arc::new(granted))
    }

    pub fn evaluation_with(&self, scopes: Scopes) -> Live {
        let web = InstanceName::from_static("web");
        let names = self.targets.keys().filter(|name| *name != "forbidden").cloned();
        let reach = Reach::new(web.clone(), Arc::new(self.targets.clone()), names).calling_within(self.call_limit);
        let base = EvaluationState::new(Phase::Detect, Context::at(Timestamp::EPOCH), Arc::new(NoMemory));
        Live::new(self.live_host.clone(), web, scopes, base).reaching(reach)
    }

    /// Calls one target in an evaluation.
    pub fn call(&self, function: &'static str, target: &str) -> impl Future<Output = Reply> + Send + use<> {
        ask(self.evaluation(), PAGES, function, json!({ "target": target }))
    }

    /// Calls several targets at once in an evaluation.
    pub fn read_all(&self, targets: &[&str]) -> impl Future<Output = Vec<Entry>> + Send + use<> {
        let reply = ask(self.evaluation(), PAGES, "read-all", json!({ "targets": targets }));
        async move { serde_json::from_str(reply.await.unwrap().get()).unwrap() }
    }
}

/// One call in an evaluation.
pub async fn ask(mut live: Live, interface: &'static str, function: &'static str, arguments: Value) -> Reply {
    let interface: InterfaceName = interface.parse().unwrap();
    let arguments: Arc<RawValue> = RawValue::from_string(arguments.to_string()).unwrap().into();
    let answer = live.ask(Call { interface: &interface, function, arguments: &arguments });
    match answer {
        Answer::Now(reply) => reply.unwrap(),
        Answer::Later(later) => later.await.unwrap(),
    }
}

pub fn text(reply: Reply) -> Result<String, Refusal> {
    reply.map(|reply| serde_json::from_str(reply.get()).unwrap())
}

pub async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
