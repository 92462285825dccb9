//! Tests with random components and random calls, to find cases that nobody thought of. These are ordinary tests: they
//! need no fuzzing program, and only the stable compiler.
//!
//! `ANSAI_FUZZ_SEED=N` adds a seed to the fixed one; `ANSAI_FUZZ_SECONDS=N` continues for that long with new seeds. A
//! failure prints the seed that reproduces it.

pub mod random;

/// Path of the generator, a separate program; see `build.rs`.
pub const GENERATOR: &str = env!("GENERATOR");
