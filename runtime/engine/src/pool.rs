//! The pooling allocator for guests. Mapping and unmapping memory and stacks for each evaluation costs three times as much as
//! a small evaluation.
//!
//! An evaluation must not see data of an earlier one. Memory is set to zero and filled from the component again, without
//! copy-on-write images, whose reuse has leaked data in such pools before. Stacks are not cleared, since guest code cannot
//! read a part of the stack that it has not written. `tests/engine/leftovers.rs` checks this.

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Evaluations that run at once in one process; more than that wait.
pub(crate) const EVALUATIONS: u32 = 256;
const TABLES_OF_MODULE: u32 = 32;
const TABLE_ELEMENTS: usize = 100_000;
const RESIDENT_TABLE: usize = 64 << 10;

/// How much a pool has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Evaluations at once, each with a stack.
    evaluations: u32,
    /// Core instances. A component from Python has about forty, with a table each.
    instances: u32,
    /// Memories of all instances. Few components have several; the limiter bounds each component.
    memories: u32,
    tables: u32,
    /// Bytes of a used memory that stay mapped for the next evaluation.
    resident: usize,
    /// Unused slots that keep such memory.
    warm: u32,
}

impl PoolSize {
    /// Of a process that runs many evaluations at once.
    pub const MANY: PoolSize = PoolSize {
        evaluations: EVALUATIONS,
        instances: 16 * EVALUATIONS,
        memories: 4 * EVALUATIONS,
        tables: 8 * EVALUATIONS,
        resident: 512 << 10,
        warm: 8,
    };

    /// Of a worker, which runs one evaluation at a time: what the limiter permits to one component, twice. Each stack and
    /// each table counts for its limit of data, whether or not it is used. The kernel does not tell a worker which pages were touched, so it clears
    /// all that stay mapped.
    pub const ONE: PoolSize =
        PoolSize { evaluations: 2, instances: 128, memories: 32, tables: 64, resident: 128 << 10, warm: 2 };
}

/// Configures the pooling allocator.
pub(crate) fn configure(config: &mut Config, size: PoolSize) {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(size.evaluations)
        .total_core_instances(size.instances)
        .total_memories(size.memories)
        .total_tables(size.tables)
        .total_stacks(size.evaluations)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        // As many as the limiter allows for a component.
        .max_tables_per_module(TABLES_OF_MODULE)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(size.resident)
        .table_keep_resident(RESIDENT_TABLE)
        .max_unused_warm_slots(size.warm)
        // Clears only the pages that were touched, where the kernel reports them (Linux 6.7).
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
}
