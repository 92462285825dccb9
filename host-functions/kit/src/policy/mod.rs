//! `ansai:policy`: the interfaces that every policy has without a grant.

pub mod advice;
pub mod aggregate;
pub mod analysis;
pub mod context;
pub mod log;
pub mod quantiles;
pub mod reduction;
pub mod series;
pub mod store;

use crate::registry::InterfaceDef;

/// Every interface that needs no grant.
pub const INTERFACES: &[&InterfaceDef] =
    &[&context::CONTEXT, &log::LOG, &store::STORE, &series::SERIES, &advice::ADVICE];
