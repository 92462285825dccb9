//! Tools for authors of policies: they turn a directory with a policy's source into a component that ansai runs.
//!
//! This crate does not run policies, and `ansai run` never builds anything, because building runs foreign code. It
//! knows no interface by name; callers pass the list of interfaces.
//!
//! - [`build`]: compiles a policy, checks its imports and embeds its manifest.
//! - [`new`]: creates a starter policy in one of several languages.
//! - [`mod@reference`]: describes the host's interfaces and their grants.
//! - [`scenario`]: tests a policy against a host made of canned replies.
//! - [`mod@virtualize`]: replaces WASI inside a component of any toolchain.
//!
//! ```no_run
//! use ansai_devkit::build::{BuildOptions, build};
//!
//! let interfaces = ansai_host_functions::builtin().interfaces();
//! let built = build("policies/disk-space".as_ref(), &BuildOptions { allow_root: false, interfaces: &interfaces })?;
//! assert!(built.imports.iter().all(|import| import.package().starts_with("ansai:")));
//! # Ok::<(), ansai_devkit::build::BuildError>(())
//! ```

pub mod build;
mod leftovers;
pub mod new;
pub mod reference;
pub mod scenario;
pub mod virtualize;
