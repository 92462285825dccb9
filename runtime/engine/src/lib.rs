//! Runs policies: WebAssembly components without any ambient authority.
//!
//! A component is inspected from its own bytes ([`component`]), compiled once ([`compile`]: a child process with limits)
//! and kept ([`cache`]), linked to exactly what it was asked for, and evaluated in a fresh store within limits
//! ([`evaluate`]). Every call that it makes passes one function, the gate ([`gate`]), and is recorded; [`replay`] runs a
//! recording again and names the first difference, [`backtest`] tells what another version would have decided.
//!
//! It is not the host: what answers a call is a `Backend` of `ansai-kit`. It links no WASI.
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
pub mod gate;
mod limiter;
pub mod load;
pub mod memory;
pub mod metadata;
mod pool;
pub mod recording;
pub mod replay;
mod shape;
mod signature;
mod ticker;
mod value;
mod wasm_features;

pub use compile::{ChildProgram, CompileError, CompileLimits, Compiler};
pub use contract::{WIT, has_interface};
pub use engine::Engine;
pub use evaluate::{Answer, Evaluation, EvaluationError};
pub use load::{LoadError, Policy};
pub use recording::{RecordedCall, RecordedReply, Recording};
