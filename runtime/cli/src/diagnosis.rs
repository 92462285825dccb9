//! The checks of `ansai doctor`. Each gives one of three answers: ok, missing, unknown.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host, for `ansai doctor`")]

mod expiry;
mod isolation;

use std::io::Read as _;
use std::path::Path;

use ansai_core::Bytes;
use ansai_daemon::Configuration;
use ansai_kit::doctor::{Answer, Circumstances, Finding};
use ansai_kit::host::Host;
use ansai_local::disk::mounts;

/// Linux capabilities that ansai uses, by number (capabilities(7)).
const CAPABILITIES: &[(u32, &str, &str)] = &[
    (1, "CAP_DAC_OVERRIDE", "change files of other users"),
    (2, "CAP_DAC_READ_SEARCH", "read files of other users"),
    (3, "CAP_FOWNER", "keep owner and mode of compressed files"),
    (19, "CAP_SYS_PTRACE", "see open files of other processes"),
    (28, "CAP_LEASE", "detect open files of other users reliably"),
];

/// All checks: those of the program, then those that the domains declare.
pub(crate) fn all(configuration: Option<&Configuration>, state_dir: &Path) -> Vec<Finding> {
    let host = Host::at("/");
    let own = [user(), engine(), state_directory(&host, state_dir)];
    own.into_iter()
        .chain(isolation::all())
        .chain(configuration.and_then(|one| expiry::lists(one, state_dir)))
        .chain(ansai_host_functions::diagnose(&Circumstances { host: &host, state_dir }))
        .collect()
}

fn user() -> Finding {
    const WHAT: &str = "privileges";
    let user = rustix::process::geteuid();
    let Some(held) = effective_capabilities() else {
        return Finding::new(WHAT, Answer::Unknown, "cannot read the capabilities in /proc/self/status")
            .hint("mount /proc");
    };
    let lacking: Vec<&(u32, &str, &str)> = CAPABILITIES.iter().filter(|one| held & (1 << one.0) == 0).collect();
    if lacking.is_empty() {
        return Finding::new(WHAT, Answer::Ok, format!("{}, all capabilities present", name(user)));
    }
    let list: Vec<String> = lacking.iter().map(|(_, name, use_of)| format!("{name} (to {use_of})")).collect();
    Finding::new(WHAT, Answer::Missing, format!("{} lacks {}", name(user), list.join(", ")))
        .hint("run as root, or set AmbientCapabilities= in the service; until then, what is not visible is reported as unknown")
}

fn name(user: rustix::process::Uid) -> String {
    if user.is_root() { "root".to_owned() } else { format!("user {}", user.as_raw()) }
}

fn effective_capabilities() -> Option<u64> {
    let status = small(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn engine() -> Finding {
    const WHAT: &str = "WebAssembly engine";
    let registry = ansai_host_functions::builtin();
    match ansai_daemon::host::engine(registry, None, &crate::compiler::compiler()) {
        Ok(_) => Finding::new(WHAT, Answer::Ok, ansai_engine::engine::ENGINE_VERSION).needed(),
        Err(error) => Finding::new(WHAT, Answer::Missing, error.to_string())
            .hint("ansai supports x86-64 and AArch64; a memory limit (ulimit -v) may be too low")
            .needed(),
    }
}

fn state_directory(host: &Host, dir: &Path) -> Finding {
    const WHAT: &str = "state directory";
    const ENOUGH: Bytes = Bytes::from_mib(64);
    let shown = dir.display();
    // A missing directory is made at the first run, if its parent allows it.
    let existing = dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let way_out = "pass --state-dir DIR with a directory that you can write";
    if let Err(error) = rustix::fs::access(existing, rustix::fs::Access::WRITE_OK) {
        let detail = format!("{shown}: cannot write to {}: {error}", existing.display());
        return Finding::new(WHAT, Answer::Missing, detail).hint(way_out).needed();
    }
    let room = match rustix::fs::statvfs(existing) {
        Ok(found) => Bytes::new(found.f_bavail.saturating_mul(found.f_frsize)),
        Err(error) => {
            return Finding::new(WHAT, Answer::Unknown, format!("{shown}: {error}")).hint(way_out).needed();
        }
    };
    let detail = format!("{shown} on {}, {room} free", mounts::describe(host, existing));
    match room >= ENOUGH {
        true => Finding::new(WHAT, Answer::Ok, detail).needed(),
        false => Finding::new(WHAT, Answer::Missing, detail)
            .hint(format!("recordings and plans need at least {ENOUGH}; free some space, or pass --state-dir DIR")),
    }
}

fn small(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(64 << 10).read_to_string(&mut text)?;
    Ok(text)
}
