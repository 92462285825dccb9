//! Tests with random components and random calls: what no one thought of. They hold what is to be tested; there is no
//! program to fuzz, and no compiler but the stable one is needed.
//!
//! `ANSAI_FUZZ_SEED=N` adds one seed to the fixed one; `ANSAI_FUZZ_SECONDS=N` goes on for so long with ever new ones.
//! A failure says the seed with which it happens again.

pub mod random;

/// The generator of WebAssembly: a program of its own, see `build.rs`.
pub const GENERATOR: &str = env!("GENERATOR");
