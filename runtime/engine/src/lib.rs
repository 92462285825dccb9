//! Runs policies: WebAssembly components without ambient authority.
//!
//! The engine inspects a component ([`component`]), compiles it once in a child process with limits ([`compile`]), caches
//! the code ([`cache`]), links exactly the requested interfaces ([`load`]), and evaluates the policy in a new store within
//! limits ([`evaluate`]). Every call of a policy passes one function, the gate ([`gate`]), and is recorded. [`replay`] runs
//! a recording again and reports the first difference; [`backtest`] shows what another version would have decided.
//!
//! The engine does not read or change the host: a `Backend` of `ansai-kit` answers the calls. It links no WASI.
//!
//! ```
//! use ansai_engine::{Compiler, Engine};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess)?;
//! let refused = engine.load(b"\0asm\x01\0\0\0");
//! assert!(refused.err().is_some_and(|error| error.to_string().contains("core module")));
//! # Ok(()) }
//! ```

pub mod backtest;
pub mod cache;
pub mod compile;
mod compiled_code;
pub mod component;
mod contract;
pub mod engine;
mod error_codes;
pub mod evaluate;
mod exports;
pub mod functions;
pub mod gate;
pub mod isolated;
mod limiter;
pub mod load;
pub mod memory;
pub mod metadata;
mod pool;
pub mod recording;
pub mod replay;
mod signature;
mod ticker;
mod value;
mod value_type;
mod wasm_features;

pub use compile::{ChildProgram, CompileError, CompileLimits, Compiler};
pub use contract::has_interface;
pub use engine::Engine;
pub use evaluate::{Answer, Evaluation, EvaluationError};
pub use load::{LoadError, Policy};
pub use recording::{RecordedCall, RecordedReply, Recording};
