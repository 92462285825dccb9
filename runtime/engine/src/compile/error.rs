//! Errors of a compilation.

use std::time::Duration;

/// Why a component was not compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The compiler does not accept the component.
    #[error("the component cannot be compiled: {0}")]
    NotAccepted(String),
    /// Compiling needs more memory than allowed, in bytes.
    #[error("compiling the component needs more than {} MiB of memory", .0 >> 20)]
    Memory(u64),
    /// Compiling needs more processor time than allowed, in seconds.
    #[error("compiling the component needs more than {0} s of processor time")]
    Cpu(u64),
    /// Compiling takes longer than allowed.
    #[error("compiling the component takes longer than {} s", .0.as_secs_f64())]
    Wall(Duration),
    /// The compiled code is larger than allowed, in bytes.
    #[error("the component compiles to more than {} MiB of code", .0 >> 20)]
    Code(u64),
    /// Loading the code needs more memory than allowed, in bytes.
    #[error("loading the compiled component needs more than {} MiB of memory", .0 >> 20)]
    Load(u64),
    /// The compiler process ended for a reason other than a limit.
    #[error("the compiler failed: {0}")]
    Failed(String),
    /// The compiler process did not start, or could not limit itself.
    #[error("the compiler does not start: {0}")]
    Start(String),
    /// The output of the compiler process is not compiled code for this engine.
    #[error("the compiler made code that cannot be used: {0}")]
    Unusable(String),
}

impl CompileError {
    /// How to fix it.
    pub fn hint(&self) -> &'static str {
        match self {
            CompileError::NotAccepted(_) => "build it again without threads, memory64 and other WebAssembly proposals",
            CompileError::Memory(_) | CompileError::Cpu(_) | CompileError::Code(_) | CompileError::Load(_) => {
                "build a smaller component: optimise for size and remove unused code"
            }
            CompileError::Wall(_) => "load it again when this host is less busy, or build a smaller component",
            CompileError::Failed(_) => {
                "load it again; if this host has enough memory, the component is the cause: build it again"
            }
            CompileError::Start(_) => {
                "ansai starts itself again to compile: check /proc and the limits of processes and address space (ulimit -u, ulimit -v)"
            }
            CompileError::Unusable(_) => "reinstall ansai: its program may be damaged",
        }
    }

    /// Whether the component is the cause, and not this host.
    pub fn is_component_error(&self) -> bool {
        !matches!(self, CompileError::Start(_) | CompileError::Failed(_) | CompileError::Unusable(_))
    }
}
