//! How the memory of guests is initialized.
//!
//! The data of a component is its initial memory: some KiB in a policy from Rust, a whole started interpreter in one from
//! Python. Copying is faster for little data. Mapping is faster for much data, since a guest touches only a part of it.

use serde::{Deserialize, Serialize};

/// Components with at least this much data have it mapped, in bytes. Measured, see decision 0022.
const MIN_MAPPED_BYTES: u64 = 512 << 10;
/// Maximum of entries of one module: functions, globals, tables, memories and segments. An instance has up to 64 bytes for
/// each and touches 32 of them at its start. The pool has its own bound for all instances of a component; on-demand
/// allocation has none. A component has at most 64 instances.
const MAX_ENTRIES: u64 = 20_000;

/// How the memory of a guest is initialized for an evaluation. It follows from the bytes of the component alone, because
/// it decides how much fuel the instantiation uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryInit {
    /// A reused slot of the pool: the slot is set to zero and the data is copied, which uses fuel.
    #[default]
    Copied,
    /// New memory, with the data mapped from the compiled code: a page costs something only when it is touched. The memory
    /// is not reused.
    Mapped,
}

/// Counts, while a component is read, what decides between the two.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    data: u64,
    module_entries: u64,
    max_module_entries: u64,
}

impl Contents {
    /// Begins the next module.
    pub(crate) fn module(&mut self) {
        self.module_entries = 0;
    }

    /// Adds functions, globals, tables, memories (own or imported) or segments of the current module.
    pub(crate) fn entries(&mut self, count: u32) {
        self.module_entries = self.module_entries.saturating_add(count.into());
        self.max_module_entries = self.max_module_entries.max(self.module_entries);
    }

    /// Adds a data section of this size in bytes.
    pub(crate) fn data(&mut self, bytes: usize) {
        self.data = self.data.saturating_add(bytes as u64);
    }

    pub(crate) fn memory(&self) -> MemoryInit {
        if self.data >= MIN_MAPPED_BYTES && self.max_module_entries <= MAX_ENTRIES {
            MemoryInit::Mapped
        } else {
            MemoryInit::Copied
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_data_is_mapped_unless_a_module_has_too_many_entries() {
        let of = |data: &[usize], modules: &[&[u32]]| {
            let mut contents = Contents::default();
            for module in modules {
                contents.module();
                module.iter().for_each(|count| contents.entries(*count));
            }
            data.iter().for_each(|bytes| contents.data(*bytes));
            contents.memory()
        };
        let half = usize::try_from(MIN_MAPPED_BYTES / 2).unwrap_or(0);
        assert_eq!(of(&[], &[]), MemoryInit::Copied);
        assert_eq!(of(&[half, half - 1], &[&[1]]), MemoryInit::Copied);
        assert_eq!(of(&[half, half], &[&[1]]), MemoryInit::Mapped);
        assert_eq!(of(&[half, half], &[&[10_000, 10_000], &[20_000]]), MemoryInit::Mapped);
        assert_eq!(of(&[half, half], &[&[10_000, 10_001], &[1]]), MemoryInit::Copied);
    }
}
