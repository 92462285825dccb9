//! How guests get their memory.
//!
//! What lies in a component's data is its memory to begin with: some KiB of a policy in Rust, but a whole interpreter
//! that has started in one from Python. A little is copied faster than it is mapped; of a lot, most is never touched.

use serde::{Deserialize, Serialize};

/// Bytes of data from which on a component's memory is mapped. Measured, see decision 0022.
const MAPPED_FROM: u64 = 512 << 10;
/// Functions, globals, segments of data and whatever else an instance of one module has an entry for: up to 64 bytes
/// each, of which it touches 32 at its start. The pool has a bound of its own for all instances of a component together,
/// memory that is made anew has none; there are 64 instances at most.
const MOST_PARTS: u64 = 20_000;

/// How the memory of a component's guests is made for an evaluation. A property of its bytes alone: it decides how much
/// fuel the beginning burns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// In a place that others used before (`pool`): it is set to zero, and the data is copied there, which burns fuel.
    #[default]
    Copied,
    /// Anew, with the data mapped from the compiled code: a page costs something once it is touched. Nobody used it
    /// before and nobody will again.
    Mapped,
}

/// What decides it, counted while a component is read.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    data: u64,
    parts_of_module: u64,
    most_parts: u64,
}

impl Contents {
    /// Another module begins.
    pub(crate) fn module(&mut self) {
        self.parts_of_module = 0;
    }

    /// It has so many more functions, globals, tables or memories, its own or imported, or segments of data.
    pub(crate) fn parts(&mut self, count: u32) {
        self.parts_of_module = self.parts_of_module.saturating_add(count.into());
        self.most_parts = self.most_parts.max(self.parts_of_module);
    }

    /// A section of data, in bytes.
    pub(crate) fn data(&mut self, bytes: usize) {
        self.data = self.data.saturating_add(bytes as u64);
    }

    pub(crate) fn memory(&self) -> Memory {
        if self.data >= MAPPED_FROM && self.most_parts <= MOST_PARTS { Memory::Mapped } else { Memory::Copied }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_data_is_mapped_and_what_has_too_many_parts_is_not() {
        let of = |data: &[usize], parts: &[&[u32]]| {
            let mut contents = Contents::default();
            for module in parts {
                contents.module();
                module.iter().for_each(|count| contents.parts(*count));
            }
            data.iter().for_each(|bytes| contents.data(*bytes));
            contents.memory()
        };
        let half = usize::try_from(MAPPED_FROM / 2).unwrap_or(0);
        assert_eq!(of(&[], &[]), Memory::Copied);
        assert_eq!(of(&[half, half - 1], &[&[1]]), Memory::Copied);
        assert_eq!(of(&[half, half], &[&[1]]), Memory::Mapped);
        assert_eq!(of(&[half, half], &[&[10_000, 10_000], &[20_000]]), Memory::Mapped);
        assert_eq!(of(&[half, half], &[&[10_000, 10_001], &[1]]), Memory::Copied);
    }
}
