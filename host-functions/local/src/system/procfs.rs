//! Facts from a host's `/proc` (proc(5)). Content that is not as documented is `unavailable`; nothing is guessed.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's /proc")]

use std::io::Read as _;

use ansai_core::text::inert;
use ansai_core::{Millis, Refusal};
use serde::{Deserialize, Serialize};

use ansai_kit::host::Host;

/// The most bytes of one file. `/proc/stat` is the largest: it has a number for each interrupt.
const MOST_BYTES: u64 = 4 << 20;
/// Milliseconds in one unit of the times in `/proc/stat` (USER_HZ): 10 on every supported architecture, whatever the
/// kernel's own tick is.
const TICK: u64 = 10;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LoadAverage {
    pub(super) one: f64,
    pub(super) five: f64,
    pub(super) fifteen: f64,
    pub(super) cpus: u32,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct CpuTime {
    user: Millis,
    system: Millis,
    idle: Millis,
    io_wait: Millis,
    steal: Millis,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct MemoryState {
    pub(super) total_bytes: u64,
    pub(super) available_bytes: u64,
    pub(super) free_bytes: u64,
    pub(super) swap_total_bytes: u64,
    pub(super) swap_free_bytes: u64,
}

pub(super) fn load(host: &Host) -> Result<LoadAverage, Refusal> {
    let text = read(host, "/proc/loadavg")?;
    let cpus = processors(&read(host, "/proc/stat")?);
    load_average(&text)
        .zip(cpus)
        .map(|((one, five, fifteen), cpus)| LoadAverage { one, five, fifteen, cpus })
        .ok_or_else(|| odd("/proc/loadavg", &text))
}

pub(super) fn cpu(host: &Host) -> Result<CpuTime, Refusal> {
    let text = read(host, "/proc/stat")?;
    cpu_time(&text).ok_or_else(|| odd("/proc/stat", &text))
}

pub(super) fn memory(host: &Host) -> Result<MemoryState, Refusal> {
    let text = read(host, "/proc/meminfo")?;
    memory_state(&text).ok_or_else(|| odd("/proc/meminfo", &text))
}

pub(super) fn uptime(host: &Host) -> Result<Millis, Refusal> {
    let text = read(host, "/proc/uptime")?;
    text.split_ascii_whitespace()
        .next()
        .and_then(decimal)
        // A cast from a float saturates.
        .map(|seconds| Millis::new((seconds * 1_000.0).round() as u64))
        .ok_or_else(|| odd("/proc/uptime", &text))
}

pub(super) fn read(host: &Host, file: &str) -> Result<String, Refusal> {
    open_and_read(host, file).map_err(|error| Refusal::io(file, &error))
}

pub(super) fn open_and_read(host: &Host, file: &str) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(host.path(file))?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn odd(file: &str, text: &str) -> Refusal {
    Refusal::Unavailable(format!("{file} is not as documented: `{}`", inert(text, 80)))
}

/// Parses a finite number that is not negative.
pub(super) fn decimal(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
}

fn load_average(text: &str) -> Option<(f64, f64, f64)> {
    let mut fields = text.split_ascii_whitespace().map(decimal);
    Some((fields.next()??, fields.next()??, fields.next()??))
}

/// Counts the lines `cpu0`, `cpu1`, …; `None` if there is none.
fn processors(text: &str) -> Option<u32> {
    let is_one =
        |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    u32::try_from(text.lines().filter(is_one).count()).ok().filter(|count| *count > 0)
}

/// The line `cpu  user nice system idle iowait irq softirq steal guest guest_nice`. `user` and
/// `nice` include the time of virtual machines.
fn cpu_time(text: &str) -> Option<CpuTime> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let mut ticks = Vec::with_capacity(8);
    for field in line.split_ascii_whitespace().take(8) {
        ticks.push(field.parse::<u64>().ok()?);
    }
    // Older kernels write fewer numbers.
    let (known, rest) = ticks.split_at_checked(4)?;
    let of = |list: &[u64], index: usize| list.get(index).copied().unwrap_or(0);
    let time = |ticks: u64| ticks.checked_mul(TICK).map(Millis::new);
    Some(CpuTime {
        user: time(of(known, 0).checked_add(of(known, 1))?)?,
        system: time(of(known, 2).checked_add(of(rest, 1))?.checked_add(of(rest, 2))?)?,
        idle: time(of(known, 3))?,
        io_wait: time(of(rest, 0))?,
        steal: time(of(rest, 3))?,
    })
}

/// Lines such as `MemTotal:       24576000 kB`, in KiB.
fn memory_state(text: &str) -> Option<MemoryState> {
    let bytes = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
    };
    Some(MemoryState {
        total_bytes: bytes("MemTotal")?,
        available_bytes: bytes("MemAvailable")?,
        free_bytes: bytes("MemFree")?,
        swap_total_bytes: bytes("SwapTotal")?,
        swap_free_bytes: bytes("SwapFree")?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn times(milliseconds: [u64; 5]) -> CpuTime {
        let [user, system, idle, io_wait, steal] = milliseconds.map(Millis::new);
        CpuTime { user, system, idle, io_wait, steal }
    }

    #[test]
    fn processor_time_is_in_milliseconds() {
        let text = "cpu  100 20 30 4000 5 6 7 8 9 10\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\ncpufoo\n";
        let time = cpu_time(text).unwrap();
        assert_eq!(time, times([1200, 430, 40_000, 50, 80]));
        assert_eq!(processors(text), Some(2));
        assert_eq!(cpu_time("cpu  1 2 3 4\n").unwrap(), times([30, 30, 40, 0, 0]));
    }

    #[test]
    fn odd_processor_times_are_refused() {
        for text in [
            "",
            "cpu",
            "cpu  ",
            "cpu  1 2 3",
            "cpu0 1 2 3 4",
            "cpu  1 2 3 x",
            "cpu  -1 2 3 4",
            "cpu  18446744073709551615 1 0 0",
            "cpu  1844674407370955162 0 0 0",
            "cpu  99999999999999999999999 0 0 0",
        ] {
            assert_eq!(cpu_time(text), None, "{text}");
        }
        assert_eq!(processors("cpu  1 2 3 4\n"), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        let text = "MemTotal:  100 kB\nMemFree: 10 kB\nMemAvailable:\t60 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nHugePages_Total: 0\n";
        let state = memory_state(text).unwrap();
        assert_eq!((state.total_bytes, state.available_bytes, state.free_bytes), (102_400, 61_440, 10_240));
        for text in [
            text.replace("MemAvailable", "MemAvail"),
            text.replace("60 kB", "60 MB"),
            text.replace("60 kB", "18446744073709551615 kB"),
            text.replace("60 kB", "-60 kB"),
        ] {
            assert_eq!(memory_state(&text), None, "{text}");
        }
    }

    #[test]
    fn load_is_finite() {
        assert_eq!(load_average("2.09 2.07 2.54 4/116 6678\n"), Some((2.09, 2.07, 2.54)));
        for text in ["", "1 2", "1 2 nan", "1 inf 2", "-1 0 0", "a b c"] {
            assert_eq!(load_average(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer_or_none(text in "(cpu |Mem|[0-9. \n:=]|\\PC){0,60}") {
            let _ = (cpu_time(&text), memory_state(&text), load_average(&text), processors(&text));
        }
    }
}
