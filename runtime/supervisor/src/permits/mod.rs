//! Decides whether a plan may be applied now, and makes it wait for its resources.

mod approval;
mod attempts;
mod budgets;
mod decide;
mod futile;
mod leases;
#[cfg(test)]
mod sample;
pub(crate) mod uptime;
mod windows;

pub(crate) use self::approval::{Announcement, PersonApproval};
pub(crate) use self::attempts::Attempts;
pub(crate) use self::budgets::{Budgets, interruption};
pub(crate) use self::decide::{Permit, PermitRequest, PermitSource, verdict};
pub(crate) use self::futile::Futile;
pub(crate) use self::leases::{HOST, InUse, Lease, Leases, Request};
pub use self::windows::{Opening, opening};
pub(crate) use self::windows::Windows;
