//! What policies can ask of a host: the one list of interfaces, the one `authorize`, the live backend that
//! answers, and the hands that act when the executor says so.
//!
//! This is the only crate that touches the machine that is looked after. It knows nothing of WebAssembly: a call
//! and its reply are JSON text, so a recording, a scenario or a broker on a socket can stand in for it.
//!
//! - [`registry`]: the list. Adding a probe is its WIT, a file beside the others, and one line there.
//! - [`authorize`]: whether a call is within the scope in force; the same for reads and proposals.
//! - [`backend`]: what answers a policy's calls; [`live`] is the real host.
//! - [`action`]: preview, apply, undo.
//!
//! ```
//! use ansai_host_functions::registry::Registry;
//! let registry = Registry::builtin();
//! assert!(registry.find("ansai:disk/disk-probe", "list-filesystems").is_some());
//! ```

pub mod action;
pub mod authorize;
pub mod backend;
pub mod call;
pub mod command;
pub mod disk;
pub mod evaluation_state;
pub mod facts;
pub mod files;
pub mod host;
pub mod journal;
pub mod live;
pub mod packages;
pub mod policy;
pub mod registry;
pub mod system;
