//! Bounds memory and tables summed over all of a component: wasmtime's own limits are for each.

use wasmtime::{ResourceLimiter, Result};

const MOST_TABLE_ELEMENTS: usize = 100_000;
/// Components made from Python have 38.
const MOST_INSTANCES: usize = 64;
const MOST_TABLES: usize = 32;
const MOST_MEMORIES: usize = 16;

pub(crate) struct Limiter {
    memory_limit: usize,
    pub(crate) memory: usize,
    table_elements: usize,
    /// Set when the guest was refused memory: what follows is usually its own panic.
    pub(crate) refused: bool,
}

impl Limiter {
    pub(crate) fn new(memory_limit: u64) -> Self {
        let memory_limit = usize::try_from(memory_limit).unwrap_or(usize::MAX);
        Limiter { memory_limit, memory: 0, table_elements: 0, refused: false }
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
        if after > MOST_TABLE_ELEMENTS {
            self.refused = true;
            return Ok(false);
        }
        self.table_elements = after;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MOST_INSTANCES
    }
    fn tables(&self) -> usize {
        MOST_TABLES
    }
    fn memories(&self) -> usize {
        MOST_MEMORIES
    }
}
