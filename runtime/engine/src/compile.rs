//! From a component to compiled code, by a child process with limits.
//!
//! wasmtime promises nothing about the time and memory that compiling takes: a component of a few megabytes can ask for
//! gigabytes or minutes. So a program that loads what others wrote starts itself again ([`Compiler::Child`]) and gives
//! the component to that child, which limits itself ([`child`]) before it reads the first byte of it. What it
//! answers is mapped as native code, as if this process had compiled it itself: see
//! `runtime/docs/decisions/0010-compiling-in-a-child.md`.

pub mod child;
mod error;
mod limits;
mod process;

use std::path::PathBuf;

pub use error::CompileError;
pub use limits::CompileLimits;

use crate::compiled_code::Code;
use crate::memory::Memory;

/// Who compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// This process, without any limit of time or memory: for programs that load only what they made themselves, such
    /// as tests and benches.
    InProcess,
    /// A child process, one for each component.
    Child(ChildProgram),
}

/// A program that calls [`child::run`] with its second argument when its first one is `argument`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildProgram {
    /// Its path.
    pub program: PathBuf,
    /// Its first argument.
    pub argument: String,
    /// What compiling may take; [`CompileLimits::of_size`] unless told.
    pub limits: Option<CompileLimits>,
}

impl Compiler {
    /// The running program once more, even when its file was replaced or removed meanwhile.
    pub fn this_program(argument: &str) -> Compiler {
        Compiler::Child(ChildProgram {
            program: PathBuf::from("/proc/self/exe"),
            argument: argument.to_owned(),
            limits: None,
        })
    }

    /// `memory` is how `engine` makes it.
    pub(crate) fn compile(
        &self,
        engine: &wasmtime::Engine,
        memory: Memory,
        component: &[u8],
    ) -> Result<Code, CompileError> {
        match self {
            Compiler::InProcess => {
                let code = engine
                    .precompile_component(component)
                    .map_err(|error| CompileError::NotAccepted(format!("{error:#}")))?;
                Code::of(&code).map_err(|error| CompileError::Start(error.to_string()))
            }
            Compiler::Child(program) => process::compile(program, memory, component),
        }
    }
}
