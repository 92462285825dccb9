//! Decides whether a plan may be applied now, and makes it wait for its resources.

mod decide;
mod futile;
mod leases;

pub(crate) use self::decide::verdict;
pub(crate) use self::futile::futile_until;
pub(crate) use self::leases::{InUse, Lease, Leases, Request};
