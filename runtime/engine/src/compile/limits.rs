//! Limits of compiling one component.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;

/// Limits of compiling one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileLimits {
    /// Address space of the compiler process, in bytes, including its program and libraries.
    pub memory_bytes: u64,
    /// Processor time, in seconds.
    pub cpu_seconds: u64,
    /// Wall-clock time; longer than the processor time, since other processes share the processor.
    pub wall: Duration,
    /// Compiled code, in bytes.
    pub code_bytes: u64,
    /// Memory that loading needs in addition to the code, in bytes: tables of types, functions and so on.
    pub load_bytes: u64,
}

impl CompileLimits {
    /// Limits for a component of this size: several times what usual components of that size need
    /// (`runtime/docs/decisions/0010-compiling-in-a-child.md`). A small component that needs much is refused early.
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
