//! Why there is no compiled code.

use std::time::Duration;

/// A component was not compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The compiler does not accept it.
    #[error("the component cannot be compiled: {0}")]
    NotAccepted(String),
    /// More memory than allowed, in bytes.
    #[error("compiling the component takes more than {} MiB of memory", .0 >> 20)]
    Memory(u64),
    /// More processor time than allowed, in seconds.
    #[error("compiling the component takes more than {0} s of processor time")]
    Cpu(u64),
    /// More time than allowed.
    #[error("compiling the component takes longer than {} s", .0.as_secs_f64())]
    Wall(Duration),
    /// More compiled code than allowed, in bytes.
    #[error("the component becomes more than {} MiB of compiled code", .0 >> 20)]
    Code(u64),
    /// More memory to load that code than allowed, in bytes.
    #[error("loading the compiled component takes more than {} MiB of memory", .0 >> 20)]
    Load(u64),
    /// The child ended in a way that no limit explains.
    #[error("the compiler failed: {0}")]
    Failed(String),
    /// The child did not start, or could not limit itself.
    #[error("the compiler does not start: {0}")]
    Start(String),
    /// What the child answered is no compiled code of this engine.
    #[error("the compiler made what cannot be used: {0}")]
    Unusable(String),
}

impl CompileError {
    /// The way out.
    pub fn hint(&self) -> &'static str {
        match self {
            CompileError::NotAccepted(_) => {
                "build it again; a component may use no threads, memory64 or other proposals"
            }
            CompileError::Memory(_) | CompileError::Cpu(_) | CompileError::Code(_) | CompileError::Load(_) => {
                "build it smaller: optimised for size, without what it does not use; code made only to be large is refused"
            }
            CompileError::Wall(_) => "load it again when this host has less to do, or build it smaller",
            CompileError::Failed(_) => {
                "load it again; if this host is not short of memory, the component is at fault: build it again"
            }
            CompileError::Start(_) => {
                "ansai starts itself again to compile: that needs /proc, one more process and address space (ulimit -u, ulimit -v)"
            }
            CompileError::Unusable(_) => "install ansai again: its program may be damaged",
        }
    }

    /// Whether another component might have been compiled: this host is not what is in the way.
    pub fn is_of_the_component(&self) -> bool {
        !matches!(self, CompileError::Start(_) | CompileError::Failed(_) | CompileError::Unusable(_))
    }
}
