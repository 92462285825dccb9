//! Facts about the host, for `context.host-facts`.

use std::io::Read as _;

use ansai_core::{Measure, Unit};
use rustix::fs::{Mode, OFlags};

use ansai_kit::host::Host;

/// Reads the facts: host name, operating system, kernel, architecture, processors, memory in bytes, and boot time in
/// milliseconds since the epoch. Names are those of the WIT. A fact that cannot be read is left out.
pub fn read(host: &Host) -> Vec<Measure> {
    let mut facts = Vec::new();
    let uname = rustix::system::uname();
    let mut text = |name: &str, value: Option<String>| facts.extend(value.map(|value| Measure::text(name, value)));
    let this = |value: &std::ffi::CStr| Some(value.to_string_lossy().into_owned());
    text("host-name", small(host, "/etc/hostname").or_else(|| this(uname.nodename())));
    let release = small(host, "/etc/os-release").or_else(|| small(host, "/usr/lib/os-release")).unwrap_or_default();
    text("os-id", field(&release, "ID="));
    text("os-version", field(&release, "VERSION_ID="));
    text("kernel", this(uname.release()));
    text("architecture", this(uname.machine()));
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    facts.push(Measure::count("cpus", cpus as u64, Unit::None));
    facts.extend(memory(host).map(|bytes| Measure::count("memory-bytes", bytes, Unit::Bytes)));
    facts.extend(boot(host).map(|ms| Measure::count("boot-time", ms, Unit::Milliseconds)));
    facts
}

fn small(host: &Host, path: &str) -> Option<String> {
    let mut text = String::new();
    // A pipe or a device in its place would keep the start waiting.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = std::fs::File::from(rustix::fs::open(host.path(path), flags, Mode::empty()).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    file.take(64 << 10).read_to_string(&mut text).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn field(release: &str, name: &str) -> Option<String> {
    release.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_matches('"').to_owned())
}

fn memory(host: &Host) -> Option<u64> {
    let info = small(host, "/proc/meminfo")?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

fn boot(host: &Host) -> Option<u64> {
    let stat = small(host, "/proc/stat")?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<u64>().ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    #[test]
    fn a_pipe_is_no_fact_and_keeps_nobody_waiting() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("etc")).unwrap();
        let path = root.path().join("etc/os-release");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert!(read(&Host::at(root.path())).iter().all(|fact| fact.name != "os-id"));
    }

    #[test]
    fn this_machine_has_a_kernel_and_memory() {
        let facts = read(&Host::at("/"));
        for name in ["kernel", "architecture", "cpus", "memory-bytes", "boot-time"] {
            assert!(facts.iter().any(|fact| fact.name == name), "{name}: {facts:?}");
        }
    }
}
