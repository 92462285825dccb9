//! The engine and the host that instances run with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ansai_config::ServerCalls;
use ansai_core::codes;
use ansai_engine::engine::EngineError;
use ansai_engine::{Compiler, Engine};
use ansai_host_functions::live::LiveHost;
use ansai_host_functions::reach::ReachProcess;
use ansai_kit::carrier::Carrier;
use ansai_kit::host::Host;
use ansai_kit::registry::Registry;
use ansai_storage::{Directory, Links, ToDirectory, TrustError};

use crate::environment;
use crate::error::Error;
use crate::warning::Warning;

/// Calls that read the host at the same time.
const THREADS: usize = 4;
/// How long the process of a channel stays without a message.
const SENDING_IDLE: Duration = Duration::from_secs(10);
/// The longest that one call may take.
const CALL_DEADLINE: Duration = Duration::from_secs(20);

/// This machine. Actions never touch the state directory.
pub fn live(registry: Registry, state_dir: &Path) -> LiveHost {
    let mut host = Host::at("/").protecting(state_dir);
    // A symbolic link may lead to the same directory by another name.
    if let Some(real) = crate::state::real(state_dir).filter(|real| real != state_dir) {
        host = host.protecting(real);
    }
    LiveHost::new(host, registry, THREADS, CALL_DEADLINE)
}

/// The program that is started to call servers: the one that compiles components.
pub fn program(compiler: Compiler) -> Option<PathBuf> {
    match compiler {
        Compiler::Child(child) => Some(child.program),
        Compiler::InProcess | Compiler::Nowhere => None,
    }
}

/// The same with servers called by a process of its own, unless the operator wants them called in this one. Only root can
/// give the process another user, so others call servers themselves by default.
pub fn calling_servers(mut live: LiveHost, program: Option<&Path>, configured: Option<ServerCalls>) -> LiveHost {
    if let Some(program) = calling_program(program, configured) {
        live.host = live.host.carried_by(Arc::new(ReachProcess::of(program)));
    }
    live
}

/// What sends the messages of a purpose, such as those of one channel: a process for this purpose only, so that a server that
/// takes it over learns the secret of no other. `None`: this process does.
pub(crate) fn sending(
    purpose: &str,
    program: Option<&Path>,
    configured: Option<ServerCalls>,
) -> Option<Arc<dyn Carrier>> {
    let program = calling_program(program, configured)?;
    Some(Arc::new(ReachProcess::for_purpose(program, purpose, SENDING_IDLE)))
}

/// While another process calls servers, this one does not. A reload may change that.
pub(crate) fn call_servers_here(program: Option<&Path>, configured: Option<ServerCalls>) {
    ansai_kit::dial::never(calling_program(program, configured).is_some());
}

/// The program that calls servers; `None` if this process does.
fn calling_program(program: Option<&Path>, configured: Option<ServerCalls>) -> Option<&Path> {
    let is_root = rustix::process::geteuid().is_root();
    let place = configured.unwrap_or(if is_root { ServerCalls::Process } else { ServerCalls::Thread });
    program.filter(|_| place == ServerCalls::Process)
}

/// The engine. Compiled code is kept in the state directory if possible; else a warning says why not.
///
/// # Errors
/// The engine does not start on this machine.
pub fn engine(
    registry: Registry,
    state_dir: Option<&Directory>,
    compiler: &Compiler,
) -> Result<(Engine, Option<Warning>), Error> {
    let cache = state_dir.map(|dir| dir.create_subdirectory("compiled")).transpose();
    let cache = cache.map_err(|error| EngineError::Cache(error.into()));
    let made = cache.and_then(|cache| {
        let cache = cache.as_ref().map(|cache| cache as &dyn ToDirectory);
        Engine::new(registry.clone(), cache, compiler.clone())
    });
    match made {
        Err(EngineError::Cache(error)) => {
            let message = format!("{error}; policies are compiled again at each start");
            let warning = Warning::new(codes::STATE_DIRECTORY, message);
            Ok((Engine::new(registry, None, compiler.clone())?, Some(warning)))
        }
        made => Ok((made?, None)),
    }
}

/// The engine of a command without state. Compiled code is kept in the user's cache directory if there is one.
///
/// # Errors
/// The engine does not start on this machine.
pub fn engine_with_users_cache(registry: Registry, compiler: &Compiler) -> Result<Engine, Error> {
    let base = environment::absolute_path("XDG_CACHE_HOME");
    let base = base.or_else(|| Some(environment::absolute_path("HOME")?.join(".cache")));
    // The home directory may belong to another user, as with sudo: not worth a warning.
    let open = |base: PathBuf| {
        let directory = base.join("ansai/compiled");
        match Directory::open_trusted(&directory, Links::Checked) {
            Err(TrustError::Access(error)) if error.is_not_found() => {
                Directory::create_trusted(&directory, Links::Checked)
            }
            found => found,
        }
    };
    match base.map(open) {
        Some(Ok(cache)) => match Engine::new(registry.clone(), Some(&cache), compiler.clone()) {
            Err(EngineError::Cache(error)) => tracing::debug!("{error}; compiling without a cache"),
            made => return Ok(made?),
        },
        Some(Err(TrustError::Untrusted((problem, _)))) => tracing::debug!("{problem}; compiling without a cache"),
        Some(Err(TrustError::Access(error))) => tracing::debug!("{error}; compiling without a cache"),
        None => {}
    }
    Ok(Engine::new(registry, None, compiler.clone())?)
}
