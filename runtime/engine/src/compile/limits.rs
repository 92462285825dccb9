//! What compiling one component may take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;

/// Limits of one compilation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileLimits {
    /// Address space of the child, in bytes; its program and libraries are in it.
    pub memory_bytes: u64,
    /// Processor time, in seconds.
    pub cpu_seconds: u64,
    /// Time on the clock: the child may have to share its processor.
    pub wall: Duration,
    /// Compiled code, in bytes.
    pub code_bytes: u64,
    /// What loading that code takes besides, in bytes: tables of types, functions and the like.
    pub load_bytes: u64,
}

impl CompileLimits {
    /// For a component of so many bytes: several times what honest ones of that size were seen to need
    /// (`runtime/docs/decisions/0010-compiling-in-a-child.md`). So a small one that asks for much is refused soon.
    pub fn of_size(bytes: usize) -> CompileLimits {
        let mib = (bytes as u64).div_ceil(MIB);
        let cpu_seconds = 20 + 4 * mib;
        CompileLimits {
            memory_bytes: (512 * MIB + 64 * MIB * mib).min(2 << 30),
            cpu_seconds,
            wall: Duration::from_secs(5 * cpu_seconds),
            code_bytes: (16 * MIB + 8 * MIB * mib).min(256 * MIB),
            load_bytes: 8 * MIB + MIB * mib,
        }
    }
}
