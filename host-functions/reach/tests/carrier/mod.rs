//! Where the tests call servers: in their own process, or in the process that calls servers. The name of the test program
//! says which.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ansai_core::{Refusal, Scope, Timestamp};
use ansai_isolation::{Profile, Start};
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::registry::{Body, Registry};
use ansai_kit::remote::Parts;
use ansai_kit::target::Reach;
use ansai_reach::process::{CHILD, IDLE, ReachProcess};
use serde_json::Value;
use serde_json::value::to_raw_value;

/// Whether servers are called by another process.
#[allow(dead_code, reason = "tests of a process that was taken over start their own")]
pub(crate) fn is_process() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("_process")
}

/// The program of the tests, which behaves like this.
pub(crate) fn start(manner: &str) -> Start {
    let start = Start::new(manner, Profile::Reach, CHILD);
    Start { program: env!("CARGO_BIN_EXE_reach-test-child").into(), ..start }
}

/// The process that calls servers, of all tests of this program.
#[allow(dead_code, reason = "only tests of the process use it")]
pub(crate) fn process() -> &'static ReachProcess {
    static PROCESS: LazyLock<ReachProcess> = LazyLock::new(|| ReachProcess::new(start("Honest"), IDLE));
    &PROCESS
}

/// A host at a directory.
#[allow(dead_code, reason = "tests of a process that was taken over have their own")]
pub(crate) fn host(root: impl AsRef<Path>) -> Host {
    let host = Host::at(root.as_ref());
    if is_process() { host.carried_by(Arc::new(process().clone())) } else { host }
}

/// Calls one server, as the host does.
#[allow(dead_code, reason = "tests of HTTP call several")]
pub(crate) fn call(
    (host, reach): (&Host, &Reach),
    limit: Duration,
    (interface, function): (&str, &str),
    arguments: &Value,
) -> Result<Value, Refusal> {
    let (deadline, scope) = (Deadline::after(limit), Scope::default());
    let ask = ProbeContext { host, scope: &scope, reach, now: Timestamp::EPOCH, deadline: &deadline };
    let registry = registry();
    let (_, function) = registry.find(interface, function).unwrap();
    let Body::Remote(body) = function.body else { panic!("not a call of a server") };
    let Parts::One(part) = body.split(&to_raw_value(arguments).unwrap())? else { panic!("several servers") };
    (part.call)(&ask).map(|reply| serde_json::from_str(reply.get()).unwrap())
}

/// All functions of these domains, as the supervisor has them.
pub(crate) fn registry() -> Registry {
    Registry::of(ansai_reach::carried::interfaces())
}
