//! No core dumps: after a crash, they would hold the secrets of targets that are in memory.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The kernel writes no core file that is so small. It also hands nothing to the program in `core_pattern` then: for a
/// pipe it ignores every limit except this one (`fs/coredump.c` of the kernel).
const MOST_BYTES: u64 = 1;

/// Forbids core dumps of this process and of the programs that it starts.
///
/// A debugger still works, which it would not if the process were marked as not dumpable.
pub(crate) fn forbid() {
    let maximum = getrlimit(Resource::Core).maximum;
    let current = maximum.map_or(MOST_BYTES, |most| most.min(MOST_BYTES));
    // To lower a limit is always permitted.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(current), maximum });
}
