//! Where the tests call servers: in their own process, or in the process that calls servers. The name of the test program
//! says which.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use ansai_kit::carrier::{Carrier, Lost, RequestText};
use ansai_kit::host::{Deadline, Host};
use ansai_kit::registry::Registry;
use ansai_reach::carried::Answering;
use serde_json::value::RawValue;

/// Whether servers are called by another process.
pub(crate) fn is_process() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("_process")
}

/// A host at a directory.
pub(crate) fn host(root: impl AsRef<Path>) -> Host {
    static PROCESS: LazyLock<Arc<Loopback>> = LazyLock::new(|| Arc::new(Loopback));
    let host = Host::at(root.as_ref());
    if is_process() { host.carried_by(PROCESS.clone()) } else { host }
}

/// All functions of these domains, as the supervisor has them.
pub(crate) fn registry() -> Registry {
    Registry::of(ansai_reach::carried::interfaces())
}

#[derive(Debug)]
struct Loopback;
impl Carrier for Loopback {
    fn carry(&self, request: RequestText, _deadline: &Deadline) -> Result<Box<RawValue>, Lost> {
        Ok(Answering::of(&request).unwrap().answer())
    }
}
