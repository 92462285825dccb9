//! The engine and the host that a command works with.

use std::path::Path;
use std::time::Duration;

use ansai_core::codes;
use ansai_engine::engine::EngineError;
use ansai_engine::{Compiler, Engine};
use ansai_host_functions::live::LiveHost;
use ansai_kit::host::Host;
use ansai_kit::registry::Registry;

use crate::environment;
use crate::exit::{Fault, Warning};
use crate::output;

/// Calls that read the host at once.
const THREADS: usize = 4;
/// The longest that one call may take.
const CALL_DEADLINE: Duration = Duration::from_secs(20);

/// This machine, with ansai's own state out of every action's reach.
pub(crate) fn shared(registry: Registry, state_dir: &Path) -> LiveHost {
    let mut host = Host::at("/").protecting(state_dir);
    // A link on the way leads to the same directory by another name.
    if let Some(real) = crate::state::real(state_dir).filter(|real| real != state_dir) {
        host = host.protecting(real);
    }
    LiveHost::new(host, registry, THREADS, CALL_DEADLINE)
}

/// The argument with which ansai starts itself to compile a component.
pub(crate) const COMPILE: &str = "compile-component";

/// The engine, which compiles in a child process of its own; compiled components are kept in the state directory where that is possible.
pub(crate) fn engine(registry: Registry, state_dir: Option<&Path>) -> Result<Engine, Fault> {
    let cache = state_dir.map(|dir| dir.join("compiled"));
    let compiler = Compiler::this_program(COMPILE);
    match Engine::new(registry.clone(), cache.as_deref(), compiler.clone()) {
        Err(EngineError::Cache(error)) => {
            let message = format!("{error}; compiling anew each time");
            output::warning(&Warning::new(codes::STATE_DIRECTORY, message));
            Engine::new(registry, None, compiler).map_err(|error| Fault::other(codes::ENGINE, error.to_string()))
        }
        made => made.map_err(|error| Fault::other(codes::ENGINE, error.to_string())),
    }
}

/// The engine of a command that has no state, such as those for authors; what it compiles is kept in the user's cache.
pub(crate) fn engine_with_users_cache(registry: Registry) -> Result<Engine, Fault> {
    let base = environment::path("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(environment::path("HOME")?.join(".cache")).filter(|path| path.is_absolute()));
    if let Some(base) = base {
        match Engine::new(registry.clone(), Some(&base.join("ansai/compiled")), Compiler::this_program(COMPILE)) {
            // A home of somebody else's, or none: nobody is waiting for a word about that.
            Err(EngineError::Cache(error)) => tracing::debug!("{error}; compiling anew"),
            made => return made.map_err(|error| Fault::other(codes::ENGINE, error.to_string())),
        }
    }
    engine(registry, None)
}
