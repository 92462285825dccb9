//! The one place where wasmtime is configured.

use std::path::Path;
use std::sync::Arc;

use ansai_host_functions::registry::Registry;
use tokio::sync::Semaphore;
use wasmtime::Config;

use crate::cache::{Cache, CacheError};
use crate::compile::Compiler;
use crate::pool;
use crate::ticker::Ticker;

/// Version of the code generator: fuel is comparable only within one.
pub const ENGINE_VERSION: &str = "wasmtime 48.0";

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This processor or kernel lacks something.
    #[error("the WebAssembly engine does not start here: {0}")]
    Wasmtime(String),
    /// The cache of compiled components cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Compiles and runs components; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) registry: Registry,
    pub(crate) cache: Option<Cache>,
    pub(crate) compiler: Compiler,
    pub(crate) ticker: Ticker,
    /// One for each evaluation that may run at once.
    pub(crate) places: Arc<Semaphore>,
}

impl Engine {
    /// With the interfaces of this registry; compiled components are kept in `cache`, a directory of this
    /// user's own, where it is given. `compiler` says who compiles: [`Compiler::InProcess`] is for components that the
    /// program has made itself.
    pub fn new(registry: Registry, cache: Option<&Path>, compiler: Compiler) -> Result<Self, EngineError> {
        // A pool reserves terabytes of addresses, which a limit on them forbids.
        let wasmtime = wasmtime::Engine::new(&configuration(true))
            .inspect_err(|error| tracing::info!("evaluations are slower: no pool of memory ({error:#})"))
            .or_else(|_| wasmtime::Engine::new(&configuration(false)))
            .map_err(|error| EngineError::Wasmtime(format!("{error:#}")))?;
        let cache = cache.map(|dir| Cache::open(dir, &wasmtime)).transpose()?;
        let places = Arc::new(Semaphore::new(pool::EVALUATIONS as usize));
        Ok(Engine { ticker: Ticker::new(wasmtime.clone()), wasmtime, registry, cache, compiler, places })
    }

    /// What the host offers.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// How wasmtime is set up, with the pool of memory or without: public so that benchmarks measure against the same.
///
/// Everything that a policy does not need is off: each is attack surface. See docs/decisions.
pub fn configuration(pooled: bool) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20)
        .concurrency_support(false)
        .shared_memory(false)
        .wasm_memory64(false)
        // The code that wasmtime makes itself for calls between components within one has two memories, and a component
        // from JavaScript is two; of a guest's own modules that is refused before (proposal.rs).
        .wasm_multi_memory(true)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .cranelift_nan_canonicalization(true)
        // The default reads an environment variable.
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable)
        // Measured: for small components copying the initial image beats mapping it (docs/decisions).
        .memory_init_cow(false);
    if pooled {
        pool::pooled(&mut config);
    }
    config
}
