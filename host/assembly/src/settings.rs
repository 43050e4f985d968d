//! The engine's settings. Code that was compiled with others cannot be executed with these.

use wasmtime::{Config, PoolingAllocationConfig, WasmBacktraceDetails};

/// Instances that the pool has room for, over all addons.
const INSTANCES: u32 = 1000;

/// Core instances and memories that one composed component may have: itself, its plugs, and their adapters.
const CORE_INSTANCES_EACH: u32 = 50;
const MEMORIES_EACH: u32 = 8;
const TABLES_EACH: u32 = 16;

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Makes every crossing three to four times cheaper, and nothing here needs component-model async.
        .concurrency_support(false)
        .epoch_interruption(true)
        // Says in which file and line a component failed, where it has that.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config
}

/// Instances from a pool, which reserves address space for all of them.
pub fn pooled() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 10)
        .total_memories(INSTANCES * 3)
        .total_tables(INSTANCES * 4)
        .total_stacks(INSTANCES * 2)
        .max_core_instances_per_component(CORE_INSTANCES_EACH)
        .max_memories_per_component(MEMORIES_EACH)
        .max_tables_per_component(TABLES_EACH);
    let mut config = config();
    config.allocation_strategy(pool);
    config
}

/// Instances that reserve little, for where a limit on address space forbids a pool.
pub fn unpooled() -> Config {
    let mut config = config();
    config.memory_reservation(0).memory_reservation_for_growth(SPARE).memory_guard_size(GUARD);
    config
}

/// Address space that a growing memory gets more than it asked for, and that is left unused after it.
const SPARE: u64 = 1 << 20;
const GUARD: u64 = 1 << 16;
