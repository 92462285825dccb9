//! The contract as a reference: the documentation in `wit/`, with each interface's grant from the registry.
//!
//! The same data feeds the pages in `runtime/docs/contract/` ([`pages`]), the terminal (`ansai contract`) and programs
//! (`serde`). It lists what this program offers, since both sources are compiled in.
//!
//! ```
//! use ansai_devkit::reference::{Found, Reference};
//!
//! let reference = Reference::of(&ansai_host_functions::builtin()).unwrap();
//! let [Found::Function(interface, function)] = reference.find("list-files")[..] else { panic!() };
//! assert_eq!((interface.short.as_str(), function.name.as_str()), ("files-probe", "list-files"));
//! ```

mod bounds;
mod find;
mod markdown;
mod model;
mod read;
mod stanza;
mod written;

pub use find::Found;
pub use markdown::pages;
pub use model::{Bound, Function, Interface, Member, Package, Parameter, Reference, ScopeKey, Type};
pub use written::{Part, Target, Written};

/// The embedded contract cannot be read, which is a bug in this program.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the contract: {0}")]
pub struct ReferenceError(String);
