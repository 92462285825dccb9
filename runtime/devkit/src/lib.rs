//! What authors of policies need: from a directory with a policy's source to a component that ansai runs.
//!
//! It is not part of running policies: `ansai run` never builds anything, since building runs foreign code. It knows
//! no interface by name either: callers pass what exists.
//!
//! - [`build`]: compiles a policy, checks what it imports and embeds its manifest.
//! - [`new`]: makes a policy to begin with, in one of several languages.
//! - [`mod@reference`]: what a host offers, with the grants that it takes.
//! - [`scenario`]: a host made of canned replies, and what a policy must say about it.
//! - [`mod@virtualize`]: puts a stand-in for WASI into a component of any toolchain.
//!
//! ```no_run
//! use ansai_devkit::build::{BuildOptions, build};
//!
//! let interfaces = ansai_host_functions::builtin().interfaces();
//! let built = build("policies/disk-space".as_ref(), &BuildOptions { allow_root: false, interfaces: &interfaces })?;
//! assert!(built.imports.iter().all(|import| import.starts_with("ansai:")));
//! # Ok::<(), ansai_devkit::build::BuildError>(())
//! ```

pub mod build;
mod leftovers;
pub mod new;
pub mod reference;
pub mod scenario;
pub mod virtualize;
