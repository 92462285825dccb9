//! Crashes and faults at every step: each system call of the real binary that changes or syncs a file is a point of
//! failure.

mod chosen;
mod faults;
mod files;
mod invariants;
mod kill;
mod log;
mod order;
mod point;
mod power;
mod scenario;
mod site;
