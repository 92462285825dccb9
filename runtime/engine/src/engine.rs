//! The engine: the configuration of wasmtime, the cache, the compiler and the epoch ticker.

use std::sync::{Arc, OnceLock};

use ansai_isolation::at_rest::ProgramCode;
use ansai_kit::registry::Registry;
use ansai_storage::ToDirectory;
use tokio::sync::Semaphore;
use wasmtime::Config;

use crate::cache::{Cache, CacheError};
use crate::compile::{CompileError, Compiler};
use crate::contract::{Contract, contract};
use crate::memory::MemoryInit;
use crate::pool;
pub use crate::pool::PoolSize;
use crate::ticker::{AtRest, Ticker};

/// Version of the code generator, and in brackets of its configuration. Fuel is comparable only within one version.
pub const ENGINE_VERSION: &str = "wasmtime 48.0 (2)";

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime does not start on this processor or kernel.
    #[error("the WebAssembly engine does not start: {0}")]
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
    /// Another contract than the one that is compiled in.
    offered: Option<Arc<Contract>>,
    /// One permit for each evaluation that may run at once.
    pub(crate) evaluation_permits: Arc<Semaphore>,
    copied: EngineVariant,
    /// Made when the first component needs it, or the reason why it cannot be made.
    mapped: Arc<OnceLock<Result<EngineVariant, String>>>,
    /// What is done when no evaluation has run for some seconds.
    at_rest: Option<AtRest>,
}

/// wasmtime with one configuration, its cache and its epoch ticker.
#[derive(Clone)]
pub(crate) struct EngineVariant {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) cache: Option<Cache>,
    pub(crate) ticker: Ticker,
}

impl EngineVariant {
    fn new(wasmtime: wasmtime::Engine, cache: Option<Cache>, at_rest: Option<AtRest>) -> Result<EngineVariant, String> {
        let ticker = Ticker::new(wasmtime.clone(), at_rest)
            .map_err(|error| format!("cannot start the thread of its epoch ticker: {error}"))?;
        Ok(EngineVariant { wasmtime, cache, ticker })
    }
}

impl Engine {
    /// An engine that offers the interfaces of this registry. It caches compiled components in the directory `cache`, which
    /// must be private to this user. [`Compiler::InProcess`] is for components that the program has made itself.
    pub fn new(registry: Registry, cache: Option<&dyn ToDirectory>, compiler: Compiler) -> Result<Self, EngineError> {
        Self::with_pool(PoolSize::MANY, registry, (cache, compiler), None)
    }

    /// The engine of a worker, which runs one evaluation at a time and compiles nothing. When it has none to run, it gives back
    /// memory that evaluations need: most workers wait for the next minute.
    pub(crate) fn of_worker(registry: Registry) -> Result<Self, EngineError> {
        let code = ProgramCode::find();
        Self::with_pool(PoolSize::ONE, registry, (None, Compiler::Nowhere), Some(Arc::new(move || code.release())))
    }

    fn with_pool(
        pool: PoolSize,
        registry: Registry,
        (cache, compiler): (Option<&dyn ToDirectory>, Compiler),
        at_rest: Option<AtRest>,
    ) -> Result<Self, EngineError> {
        // A pool reserves terabytes of address space, which a limit on address space forbids.
        let wasmtime = engine_with(InstanceAllocation::Pooling(pool), &compiler)
            .inspect_err(|error| tracing::info!("memory pool unavailable; evaluations will be slower: {error:#}"))
            .or_else(|_| engine_with(InstanceAllocation::OnDemand(MemoryInit::Copied), &compiler))
            .map_err(|error| EngineError::Wasmtime(format!("{error:#}")))?;
        let cache = cache.map(|dir| Cache::open(dir, &wasmtime)).transpose()?;
        let evaluation_permits = Arc::new(Semaphore::new(pool::EVALUATIONS as usize));
        let copied = EngineVariant::new(wasmtime, cache, at_rest.clone()).map_err(EngineError::Wasmtime)?;
        Ok(Engine { registry, compiler, offered: None, evaluation_permits, copied, mapped: Arc::default(), at_rest })
    }

    /// The same engine for a contract of other WIT packages (file name and text, in order of dependency). Tests use it to
    /// be a later version of ansai.
    ///
    /// # Errors
    /// The message of the WIT parser.
    pub fn offering(mut self, packages: &[(&str, &str)]) -> Result<Engine, String> {
        self.offered = Some(Arc::new(Contract::read(packages)?));
        Ok(self)
    }

    pub(crate) fn contract(&self) -> &Contract {
        self.offered.as_deref().unwrap_or_else(|| contract())
    }

    /// The variant that makes the memory of guests in this way.
    pub(crate) fn variant(&self, memory: MemoryInit) -> Result<&EngineVariant, CompileError> {
        let make = || {
            let wasmtime = engine_with(InstanceAllocation::OnDemand(MemoryInit::Mapped), &self.compiler);
            let wasmtime = wasmtime.map_err(|error| format!("the WebAssembly engine does not start: {error:#}"))?;
            let cache = self.copied.cache.as_ref().map(|cache| cache.with_engine(&wasmtime));
            EngineVariant::new(wasmtime, cache, self.at_rest.clone())
        };
        match memory {
            MemoryInit::Copied => Ok(&self.copied),
            MemoryInit::Mapped => {
                self.mapped.get_or_init(make).as_ref().map_err(|why| CompileError::Start(why.clone()))
            }
        }
    }

    /// The interfaces that the host offers.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// wasmtime for this way to compile: without its compiler where nothing is compiled.
fn engine_with(guests: InstanceAllocation, compiler: &Compiler) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = configuration(guests);
    config.enable_compiler(*compiler != Compiler::Nowhere);
    wasmtime::Engine::new(&config)
}

/// How instances of a guest are allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceAllocation {
    /// In slots of a pool that are reused; their initial memory is copied.
    Pooling(PoolSize),
    /// Newly for each evaluation.
    OnDemand(MemoryInit),
}

/// The configuration of wasmtime; public so that benchmarks measure against the same.
///
/// Everything that a policy does not need is off, because it is attack surface. See `runtime/docs/decisions`.
pub fn configuration(guests: InstanceAllocation) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20)
        .concurrency_support(false)
        .shared_memory(false)
        .wasm_memory64(false)
        // The adapters that wasmtime compiles for calls between nested components use two memories, and a component from
        // JavaScript has nested components. Modules of a guest with several memories are refused earlier
        // (wasm_features.rs).
        .wasm_multi_memory(true)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .cranelift_nan_canonicalization(true)
        // The default reads an environment variable.
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable)
        .memory_init_cow(guests == InstanceAllocation::OnDemand(MemoryInit::Mapped));
    if let InstanceAllocation::Pooling(size) = guests {
        pool::configure(&mut config, size);
    }
    config
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Would break: a worker that has a compiler, which it never uses, and which guest code that left its sandbox could use.
    #[test]
    fn a_worker_has_no_compiler() {
        let empty = wat::parse_str("(component)").unwrap();
        let worker = Engine::of_worker(ansai_host_functions::builtin()).unwrap();
        for memory in [MemoryInit::Copied, MemoryInit::Mapped] {
            let refused = worker.variant(memory).unwrap().wasmtime.precompile_component(&empty);
            assert!(refused.is_err_and(|error| error.to_string().contains("compiler")), "{memory:?}");
        }
        let refused = worker.compiler.compile(&worker.copied.wasmtime, MemoryInit::Copied, &empty);
        assert!(matches!(refused, Err(CompileError::Start(_))));
    }
}
