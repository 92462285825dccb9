//! The one place where wasmtime is configured.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use ansai_kit::registry::Registry;
use tokio::sync::Semaphore;
use wasmtime::Config;

use crate::cache::{Cache, CacheError};
use crate::compile::{CompileError, Compiler};
use crate::memory::Memory;
use crate::pool;
use crate::ticker::Ticker;

/// Version of the code generator, and in brackets of how it is set up: fuel is comparable only within one.
pub const ENGINE_VERSION: &str = "wasmtime 48.0 (2)";

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
    pub(crate) registry: Registry,
    pub(crate) compiler: Compiler,
    /// One for each evaluation that may run at once.
    pub(crate) places: Arc<Semaphore>,
    copied: EngineVariant,
    /// Made when the first component needs it; why not, where it cannot be.
    mapped: Arc<OnceLock<Result<EngineVariant, String>>>,
}

/// wasmtime with one configuration, and what goes with it.
#[derive(Clone)]
pub(crate) struct EngineVariant {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) cache: Option<Cache>,
    pub(crate) ticker: Ticker,
}

impl EngineVariant {
    fn new(wasmtime: wasmtime::Engine, cache: Option<Cache>) -> Result<EngineVariant, String> {
        let ticker = Ticker::new(wasmtime.clone()).map_err(|error| format!("no thread for its clock: {error}"))?;
        Ok(EngineVariant { wasmtime, cache, ticker })
    }
}

impl Engine {
    /// With the interfaces of this registry; compiled components are kept in `cache`, a directory of this
    /// user's own, where it is given. `compiler` says who compiles: [`Compiler::InProcess`] is for components that the
    /// program has made itself.
    pub fn new(registry: Registry, cache: Option<&Path>, compiler: Compiler) -> Result<Self, EngineError> {
        // A pool reserves terabytes of addresses, which a limit on them forbids.
        let wasmtime = wasmtime::Engine::new(&configuration(Guests::Pooled))
            .inspect_err(|error| tracing::info!("evaluations are slower: no pool of memory ({error:#})"))
            .or_else(|_| wasmtime::Engine::new(&configuration(Guests::Unpooled(Memory::Copied))))
            .map_err(|error| EngineError::Wasmtime(format!("{error:#}")))?;
        let cache = cache.map(|dir| Cache::open(dir, &wasmtime)).transpose()?;
        let places = Arc::new(Semaphore::new(pool::EVALUATIONS as usize));
        let copied = EngineVariant::new(wasmtime, cache).map_err(EngineError::Wasmtime)?;
        Ok(Engine { registry, compiler, places, copied, mapped: Arc::default() })
    }

    /// The one whose guests have their memory in this way.
    pub(crate) fn machine(&self, memory: Memory) -> Result<&EngineVariant, CompileError> {
        let make = || {
            let wasmtime = wasmtime::Engine::new(&configuration(Guests::Unpooled(Memory::Mapped)));
            let wasmtime = wasmtime.map_err(|error| format!("the WebAssembly engine: {error:#}"))?;
            let cache = self.copied.cache.as_ref().map(|cache| cache.of(&wasmtime));
            EngineVariant::new(wasmtime, cache)
        };
        match memory {
            Memory::Copied => Ok(&self.copied),
            Memory::Mapped => self.mapped.get_or_init(make).as_ref().map_err(|why| CompileError::Start(why.clone())),
        }
    }

    /// What the host offers.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// Where guests live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guests {
    /// In a pool of places that are used again; their memory is copied.
    Pooled,
    /// In places that are made anew for each evaluation.
    Unpooled(Memory),
}

/// How wasmtime is set up: public so that benchmarks measure against the same.
///
/// Everything that a policy does not need is off: each is attack surface. See docs/decisions.
pub fn configuration(guests: Guests) -> Config {
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
        .memory_init_cow(guests == Guests::Unpooled(Memory::Mapped));
    if guests == Guests::Pooled {
        pool::pooled(&mut config);
    }
    config
}
