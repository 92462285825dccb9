//! Compiles components in a child process with limits.
//!
//! wasmtime does not bound the time and memory of a compilation: a component of a few megabytes can take gigabytes or
//! minutes. So a program that loads components of others starts itself again ([`Compiler::Child`]) and passes the
//! component to that child, which limits itself ([`child`]) before it reads the first byte. The parent maps the code that
//! the child returns, as if it had compiled it itself: see `runtime/docs/decisions/0010-compiling-in-a-child.md`.

pub mod child;
mod error;
mod limits;
mod process;

use std::path::PathBuf;

pub use error::CompileError;
pub use limits::CompileLimits;

use crate::compiled_code::CompiledCode;
use crate::memory::MemoryInit;

/// Which process compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// This process, without limits of time or memory: for programs that load only components that they made, such as
    /// tests and benches.
    InProcess,
    /// A child process, one for each component.
    Child(ChildProgram),
    /// None: this process loads only code that another one has compiled. It makes no compiler.
    Nowhere,
}

/// A program that calls [`child::run`] with its second argument when its first one is `argument`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildProgram {
    /// Path of the program.
    pub program: PathBuf,
    /// Its first argument.
    pub argument: String,
    /// Limits of the compilation; [`CompileLimits::of_size`] by default.
    pub limits: Option<CompileLimits>,
}

impl Compiler {
    /// This program, even when its file was replaced or removed.
    pub fn this_program(argument: &str) -> Compiler {
        Compiler::Child(ChildProgram {
            program: PathBuf::from("/proc/self/exe"),
            argument: argument.to_owned(),
            limits: None,
        })
    }

    /// Compiles a component; `memory` is how `engine` initializes the memory of its guests.
    pub(crate) fn compile(
        &self,
        engine: &wasmtime::Engine,
        memory: MemoryInit,
        component: &[u8],
    ) -> Result<CompiledCode, CompileError> {
        match self {
            Compiler::InProcess => {
                let code = engine
                    .precompile_component(component)
                    .map_err(|error| CompileError::NotAccepted(format!("{error:#}")))?;
                CompiledCode::from_bytes(&code).map_err(|error| CompileError::Start(error.to_string()))
            }
            Compiler::Child(program) => process::compile(program, memory, component),
            Compiler::Nowhere => Err(CompileError::Start("this process compiles nothing".into())),
        }
    }
}
