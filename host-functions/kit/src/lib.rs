//! What every probe and every action stands on, and all of it that the engine sees.
//!
//! It looks at nothing and changes nothing: the domains do that, in `ansai-local` (this machine) and `ansai-reach`
//! (servers). It knows nothing of WebAssembly either: a call and its reply are JSON text, so that a recording, a
//! scenario or a process behind a socket can stand in for the live host.
//!
//! - [`registry`]: what a domain declares. One [`InterfaceDef`](registry::InterfaceDef) per interface; linking,
//!   authorization, grants, `inspect`, documentation and audit names derive from it.
//! - [`admit`]: the one function that every backend asks whether it may answer a call.
//! - [`authorities`]: where a host keeps the certificates of authorities that it trusts.
//! - [`authorize`]: whether a call is within the scope in force; the same for reads and proposals.
//! - [`backend`]: what answers a policy's calls; [`call`]: the calls and replies.
//! - [`host_access`]: what a supervisor needs of its host.
//! - [`function`]: functions with Rust types, and without; [`remote`]: those that call servers.
//! - [`action`]: preview, apply, undo; [`guard`]: what puts a step back although ansai is dead.
//! - [`policy`]: the interfaces that every policy has; [`evaluation_state`] is what they read and write.
//! - [`redact`]: masks secrets in texts of the machine.
//! - [`target`]: the servers that an instance may use; [`secret`]: how to read the secret of one.
//! - [`lookup`]: addresses of names, within a time limit; [`dial`]: connections to servers.
//! - [`carried`]: state that goes to the process of a guest, which answers calls of the base interfaces from it.
//! - [`carrier`]: takes calls of servers to another process; [`passed`]: what that process gets with them.
//! - [`watch`]: sources of occurrences, which wake a policy between its scheduled evaluations.
//! - [`doctor`]: checks of `ansai doctor`.
//! - [`wit`]: the contract.
//! - [`program`]: runs a trusted program with a fixed environment, bounded output and a time limit.
//!
//! ```
//! use ansai_kit::registry::Registry;
//! let registry = Registry::of(ansai_kit::policy::INTERFACES);
//! assert!(registry.find("ansai:policy/context", "now").is_some());
//! ```

pub mod action;
pub mod admit;
pub mod authorities;
pub mod authorize;
pub mod backend;
pub mod call;
mod captured;
pub mod carried;
pub mod carrier;
pub mod dial;
pub mod doctor;
pub mod evaluation_state;
pub mod function;
pub mod guard;
pub mod hook;
pub mod host;
pub mod host_access;
pub mod host_clock;
pub mod lookup;
pub mod passed;
pub mod policy;
pub mod processor;
pub mod program;
pub mod redact;
pub mod registry;
pub mod remote;
pub mod secret;
pub mod target;
pub mod watch;
pub mod wit;
