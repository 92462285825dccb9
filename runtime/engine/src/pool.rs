//! Room for guests that is made once and used again: mapping and unmapping memory and stacks anew costs three times
//! what a small evaluation does.
//!
//! What one evaluation leaves must never be seen by the next. Memory is set to zero and filled from the component
//! again, without copy-on-write images, whose reuse is where such pools have leaked before; stacks are not cleared,
//! since guest code cannot read what it has not written there. `tests/engine/leftovers.rs` looks for what is left.

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Evaluations that run at once in one process; more wait for their turn.
pub(crate) const EVALUATIONS: u32 = 256;
/// Several memories in one component are rare; the limiter bounds each component.
const MEMORIES: u32 = 4 * EVALUATIONS;
/// Made from Python, a component has about forty instances with a table each.
const INSTANCES: u32 = 16 * EVALUATIONS;
const TABLES: u32 = 8 * EVALUATIONS;
/// As many as the limiter allows a whole component.
const TABLES_OF_MODULE: u32 = 32;
const TABLE_ELEMENTS: usize = 100_000;
/// Of a memory that was used, so much stays mapped for the next evaluation.
const RESIDENT_MEMORY: usize = 512 << 10;
const RESIDENT_TABLE: usize = 64 << 10;
/// Places that keep such memory while nobody uses them.
const WARM: u32 = 8;

/// Adds the pool.
pub(crate) fn pooled(config: &mut Config) {
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
        // Only pages that were touched are cleared, where the kernel can tell (Linux 6.7).
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
}
