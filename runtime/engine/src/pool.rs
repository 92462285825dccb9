//! The pooling allocator for guests. Mapping and unmapping memory and stacks for each evaluation costs three times as much as
//! a small evaluation.
//!
//! An evaluation must not see data of an earlier one. Memory is set to zero and filled from the component again, without
//! copy-on-write images, whose reuse has leaked data in such pools before. Stacks are not cleared, since guest code cannot
//! read a part of the stack that it has not written. `tests/engine/leftovers.rs` checks this.

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Evaluations that run at once in one process; more than that wait.
pub(crate) const EVALUATIONS: u32 = 256;
/// Memories of all instances. Few components have several; the limiter bounds each component.
const MEMORIES: u32 = 4 * EVALUATIONS;
/// Core instances. A component from Python has about forty, with a table each.
const INSTANCES: u32 = 16 * EVALUATIONS;
const TABLES: u32 = 8 * EVALUATIONS;
/// Tables of one module: as many as the limiter allows for a component.
const TABLES_OF_MODULE: u32 = 32;
const TABLE_ELEMENTS: usize = 100_000;
/// Bytes of a used memory that stay mapped for the next evaluation.
const RESIDENT_MEMORY: usize = 512 << 10;
const RESIDENT_TABLE: usize = 64 << 10;
/// Unused slots that keep such memory.
const WARM: u32 = 8;

/// Configures the pooling allocator.
pub(crate) fn configure(config: &mut Config) {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(EVALUATIONS)
        .total_core_instances(INSTANCES)
        .total_memories(MEMORIES)
        .total_tables(TABLES)
        .total_stacks(EVALUATIONS)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_tables_per_module(TABLES_OF_MODULE)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(RESIDENT_MEMORY)
        .table_keep_resident(RESIDENT_TABLE)
        .max_unused_warm_slots(WARM)
        // Clears only the pages that were touched, where the kernel reports them (Linux 6.7).
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
}
