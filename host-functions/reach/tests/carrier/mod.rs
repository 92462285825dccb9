//! Where the tests call servers: in their own process, or in the process that calls servers. The name of the test program
//! says which.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use ansai_isolation::{Account, Profile, Start};
use ansai_kit::host::Host;
use ansai_kit::registry::Registry;
use ansai_reach::process::{IDLE, ReachProcess, USER};

/// Whether servers are called by another process.
pub(crate) fn is_process() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("_process")
}

fn start() -> Start {
    let start = Start::new("Honest", Profile::Reach, Account::new(USER, "reach"));
    Start { program: env!("CARGO_BIN_EXE_reach-test-child").into(), ..start }
}

/// The process that calls servers, of all tests of this program.
#[allow(dead_code, reason = "only tests of the process use it")]
pub(crate) fn process() -> &'static ReachProcess {
    static PROCESS: LazyLock<ReachProcess> = LazyLock::new(|| ReachProcess::new(start(), IDLE));
    &PROCESS
}

/// A host at a directory.
pub(crate) fn host(root: impl AsRef<Path>) -> Host {
    let host = Host::at(root.as_ref());
    if is_process() { host.carried_by(Arc::new(process().clone())) } else { host }
}

/// All functions of these domains, as the supervisor has them.
pub(crate) fn registry() -> Registry {
    Registry::of(ansai_reach::carried::interfaces())
}
