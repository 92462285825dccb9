//! The contract as a reference: what `wit/` says of each interface, with what the registry says of its grant.
//!
//! One reading for the pages in `runtime/docs/contract/` ([`pages`]), the terminal (`ansai contract`) and programs
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

/// The contract that is compiled in cannot be read: a fault of this program.
#[derive(Debug, thiserror::Error)]
#[error("the contract cannot be read: {0}")]
pub struct ReferenceError(String);
