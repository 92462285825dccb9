//! The one list of host functions, and the live backend that answers from it.
//!
//! It has no domains of its own. `ansai-kit` holds what all domains share, `ansai-local` the domains of this
//! machine, `ansai-reach` those that talk to servers. Neither the engine nor the devkit depends on this crate: their
//! callers hand them the list.
//!
//! ```
//! let registry = ansai_host_functions::builtin();
//! assert!(registry.find("ansai:disk/disk-probe", "list-filesystems").is_some());
//! ```

pub mod live;

use ansai_kit::registry::Registry;

/// Every interface that ansai offers to policies.
pub fn builtin() -> Registry {
    Registry::of(&[ansai_kit::policy::INTERFACES, ansai_local::INTERFACES, ansai_reach::INTERFACES].concat())
}
