//! The room of permits: whether a plan may be applied, and what it has to wait for.

mod decide;
mod leases;

pub(crate) use self::decide::verdict;
pub(crate) use self::leases::Leases;
