//! Evaluations in a worker process, so that guest code that escapes from the sandbox of WebAssembly is not in the process
//! of the supervisor.
//!
//! A worker is this program, started again without rights ([`worker::run`]). It maps compiled code from descriptors that the
//! supervisor verified, runs one evaluation at a time, and sends each call of the guest to the supervisor: at once, or, if
//! it could answer the call itself, later (`beside`). The supervisor (`conversation`) believes nothing: it checks imports, grants, budgets, sizes, time and the answer itself, and records
//! what it answered. So a worker that is taken over can do what the policies of its compartment can, and nothing else.
//! See `runtime/docs/decisions/0094-guest-code-in-its-own-process.md` and
//! `0100-base-calls-beside-the-guest.md`.

mod beside;
mod conversation;
mod protocol;
pub mod worker;
mod workers;

use std::fs::File;
use std::sync::Arc;

use ansai_core::InstanceName;

pub(crate) use self::conversation::Outcome;
pub use self::workers::{CHILD, WorkerProgram, Workers};

/// Whom the operator trusts with a policy. A worker serves one level only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrustLevel {
    /// It came with ansai.
    BuiltIn,
    /// The operator named its file.
    Operator,
    /// It comes from a registry, whether or not somebody vouches for it.
    #[default]
    Unsigned,
}

/// The policies that share a worker: all of one trust level, or one instance alone. Shadows share none with what they run beside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Compartment {
    /// Their trust level.
    pub trust: TrustLevel,
    /// The only instance that the worker serves, if it has one of its own.
    pub own: Option<InstanceName>,
    /// Whether it serves versions that run as shadows.
    pub is_shadow: bool,
}

/// How a policy runs that does not run in this process.
#[derive(Clone)]
pub(crate) struct Isolated {
    pub(crate) workers: Arc<Workers>,
    /// Verified compiled code, which does not change.
    pub(crate) code: Arc<File>,
    pub(crate) compartment: Compartment,
}
