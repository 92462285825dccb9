//! How this program compiles components: it starts itself again as a child process with limits.

use ansai_daemon::host;
use ansai_engine::{Compiler, Engine};
use ansai_kit::registry::Registry;

/// The argument with which ansai starts itself to compile a component.
pub(crate) const COMPILE: &str = "compile-component";

/// This program once more.
pub(crate) fn compiler() -> Compiler {
    Compiler::this_program(COMPILE)
}

/// The engine of a command without state; compiled code is kept in the user's cache directory.
pub(crate) fn engine(registry: Registry) -> Result<Engine, ansai_daemon::Error> {
    host::engine_with_users_cache(registry, &compiler())
}
