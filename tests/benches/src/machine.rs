//! Describes the machine.
#![allow(clippy::disallowed_methods, reason = "an adapter to procfs")]

use std::path::Path;

use anyhow::Context as _;

/// Names and values for the head of the report.
pub(crate) fn describe() -> Vec<(&'static str, String)> {
    let uname = rustix::system::uname();
    let kernel = format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
    let cores = std::thread::available_parallelism().map_or_else(|_| "unknown".to_owned(), |n| n.to_string());
    vec![
        ("processor", field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())),
        ("cores", cores),
        ("memory", memory().unwrap_or_else(|| "unknown".to_owned())),
        ("kernel", kernel),
        ("load average before", std::fs::read_to_string("/proc/loadavg").ok().and_then(first).unwrap_or_default()),
        ("ansai", env!("CARGO_PKG_VERSION").to_owned()),
        ("engine", ansai_engine::engine::ENGINE_VERSION.to_owned()),
        ("date", jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()),
    ]
}

/// The type of a path's file system.
pub(crate) fn file_system(path: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let on = mounts.lines().filter_map(|line| {
        let mut parts = line.split(' ').skip(1);
        let mount = parts.next()?;
        path.starts_with(mount).then_some((mount.len(), parts.next()?))
    });
    on.max_by_key(|(length, _)| *length).map_or_else(|| "unknown".to_owned(), |(_, kind)| kind.to_owned())
}

/// The value of a line `name: value` in a file.
pub(crate) fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

/// The value of a line `name: N kB` in a file, in MiB.
pub(crate) fn mebibytes(file: &str, name: &str) -> Option<f64> {
    let text = field(file, name)?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1024.0)
}

/// Processor time of a process and of its children, also of those that ended, in seconds.
pub(crate) fn processor_seconds(pid: u32) -> anyhow::Result<f64> {
    let fields = stat(pid)?;
    let own: u64 = fields.iter().skip(11).take(4).sum();
    // A child that ended meanwhile counts as one that ended, next time.
    let of_children = children(pid).into_iter().filter_map(|child| stat(child).ok());
    let of_children: u64 = of_children.flat_map(|stat| stat.into_iter().skip(11).take(2)).sum();
    Ok((own + of_children) as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The processes that a process started and that have not ended.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|number| stat(*number).is_ok_and(|fields| fields.get(1) == Some(&pid.into()))).collect()
}

/// The fields of `/proc/PID/stat` after the name, which can have any character: the parent is the second of them, times are
/// those from the 12th. What is no number is 0.
fn stat(pid: u32) -> anyhow::Result<Vec<u64>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = stat.rsplit_once(')').context("/proc/PID/stat")?.1;
    Ok(after.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect())
}

/// Bytes that a process has written to disk.
pub(crate) fn bytes_written(pid: u32) -> anyhow::Result<f64> {
    Ok(field(&format!("/proc/{pid}/io"), "write_bytes").context("write_bytes of /proc/PID/io")?.parse()?)
}

/// The load average of the last minute. If it is much above 0, other programs disturb the measurement.
fn first(averages: String) -> Option<String> {
    averages.split(' ').next().map(str::to_owned)
}

fn memory() -> Option<String> {
    Some(format!("{:.0} GiB", mebibytes("/proc/meminfo", "MemTotal")? / 1024.0))
}
