//! Where the tests call servers: in their own process, or in the process that calls servers. The name of the test program
//! says which.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use ansai_isolation::{Account, Profile, Start};
use ansai_kit::host::Host;
use ansai_kit::registry::Registry;
use ansai_reach::process::{IDLE, ReachProcess, USER};

/// The arguments with which a test program starts itself as the process that calls servers.
const CHILD: [&str; 5] =
    ["--exact", "tests::carrier::the_process_that_calls_servers", "--ignored", "--nocapture", "--test-threads=1"];

/// Whether servers are called by another process.
pub(crate) fn is_process() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("_process")
}

/// How a test program starts itself as the process that calls servers.
pub(crate) fn start() -> Start {
    let arguments = CHILD.map(str::to_owned).to_vec();
    Start { arguments, ..Start::new("", Profile::Reach, Account::new(USER, "reach")) }
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

/// Waits until something is so.
#[allow(dead_code, reason = "only tests of the process use it")]
pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// All functions of these domains, as the supervisor has them.
pub(crate) fn registry() -> Registry {
    Registry::of(ansai_reach::carried::interfaces())
}

#[test]
#[ignore = "started by the tests themselves, as another process"]
fn the_process_that_calls_servers() {
    let job = std::env::args().next_back().unwrap();
    std::process::exit(i32::from(ansai_reach::process::run(&job)));
}
