//! `ansai:policy`: what every policy sees without a grant.

pub mod analysis;
pub mod context;
pub mod log;
pub mod series;
pub mod store;
