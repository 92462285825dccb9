//! The machine and the build, for the page.

use std::fs;

use crate::board::About;

/// Describes both.
#[must_use]
pub fn describe() -> About {
    let uname = rustix::system::uname();
    let kernel = format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
    let cores = std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?.to_owned();
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let processor = processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let machine = format!("{date}, {processor}, {cores} cores, {kernel}, load average before {load}");
    let build = std::env::var("ANSAI_CHAOS_BUILD").unwrap_or_else(|_| "Profile of the build: `release`.".to_owned());
    About { machine, build, normal_life: None }
}
