//! Limits the sum of all memories and tables of a component; wasmtime's own limits are for each one.

use ansai_core::Bytes;
use wasmtime::{ResourceLimiter, Result};

const MAX_TABLE_ELEMENTS: usize = 100_000;
/// Components from Python have 38.
const MAX_INSTANCES: usize = 64;
const MAX_TABLES: usize = 32;
const MAX_MEMORIES: usize = 16;

pub(crate) struct Limiter {
    memory_limit: usize,
    pub(crate) memory: usize,
    table_elements: usize,
    /// Whether the guest was refused memory. It usually panics after that.
    pub(crate) refused: bool,
}

impl Limiter {
    pub(crate) fn new(memory_limit: Bytes) -> Self {
        Limiter { memory_limit: memory_limit.into(), memory: 0, table_elements: 0, refused: false }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let after = self.memory.saturating_add(desired.saturating_sub(current));
        if after > self.memory_limit {
            self.refused = true;
            return Ok(false);
        }
        self.memory = after;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let after = self.table_elements.saturating_add(desired.saturating_sub(current));
        if after > MAX_TABLE_ELEMENTS {
            self.refused = true;
            return Ok(false);
        }
        self.table_elements = after;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }
    fn tables(&self) -> usize {
        MAX_TABLES
    }
    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn memories_add_up_to_the_limit_and_no_byte_more() {
        let mut limiter = Limiter::new(Bytes::new(100));
        assert!(limiter.memory_growing(0, 60, None).unwrap() && limiter.memory_growing(0, 30, None).unwrap());
        assert!(!limiter.memory_growing(60, 71, None).unwrap() && limiter.refused && limiter.memory == 90);
        assert!(limiter.memory_growing(60, 70, None).unwrap() && limiter.memory == 100);
        assert!(!limiter.memory_growing(0, usize::MAX, None).unwrap());
    }

    #[test]
    fn tables_add_up_to_the_limit_and_no_element_more() {
        let mut limiter = Limiter::new(Bytes::ZERO);
        assert!(limiter.table_growing(0, MAX_TABLE_ELEMENTS - 1, None).unwrap());
        assert!(!limiter.table_growing(0, 2, None).unwrap() && limiter.refused);
        assert!(limiter.table_growing(10, 11, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
    }

    #[test]
    fn so_many_parts_of_each_kind() {
        let limiter = Limiter::new(Bytes::ZERO);
        assert_eq!((limiter.instances(), limiter.tables(), limiter.memories()), (64, 32, 16));
    }
}
