//! Pressure stall information from a host's `/proc/pressure`: how long tasks wait for a resource.

use ansai_core::{Millis, Refusal};
use serde::{Deserialize, Serialize};

use super::procfs::{decimal, odd, open_and_read};
use ansai_kit::host::Host;

/// The resource that tasks wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Pressured {
    Cpu,
    Memory,
    Io,
    Irq,
}

/// Shares of time, and time since boot.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Stalled {
    last10_seconds: f64,
    last60_seconds: f64,
    last300_seconds: f64,
    total: Millis,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stall {
    some: Option<Stalled>,
    full: Option<Stalled>,
}

pub(super) fn read(host: &Host, what: Pressured) -> Result<Stall, Refusal> {
    let file = match what {
        Pressured::Cpu => "/proc/pressure/cpu",
        Pressured::Memory => "/proc/pressure/memory",
        Pressured::Io => "/proc/pressure/io",
        Pressured::Irq => "/proc/pressure/irq",
    };
    let text = match open_and_read(host, file) {
        Ok(text) => text,
        // Not compiled in, or disabled on the kernel's command line.
        Err(error) if is_missing(&error) => {
            return Err(Refusal::Unsupported(format!("the kernel has no pressure information ({file})")));
        }
        Err(error) => return Err(Refusal::io(file, &error)),
    };
    stall(what, &text).ok_or_else(|| odd(file, &text))
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error())
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and a line `full` (the kernel's accounting/psi.rst). A line that is
/// missing is absent: kernels before 5.13 have no `full` for processors, and none has a `some` for interrupts. A line
/// that is there has to be as documented.
fn stall(what: Pressured, text: &str) -> Option<Stall> {
    let line = |kind: &str| text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
    let half = |kind: &str| line(kind).map_or(Some(None), |line| stalled(line).map(Some));
    let stall = Stall { some: half("some")?, full: half("full")? };
    let expected = if what == Pressured::Irq { &stall.full } else { &stall.some };
    expected.is_some().then_some(stall)
}

/// Shares in percent, and the total in microseconds.
fn stalled(line: &str) -> Option<Stalled> {
    let value = |name: &str| line.split_ascii_whitespace().find_map(|field| field.strip_prefix(name));
    let share = |name: &str| decimal(value(name)?).map(|percent| (percent / 100.0).min(1.0));
    Some(Stalled {
        last10_seconds: share("avg10=")?,
        last60_seconds: share("avg60=")?,
        last300_seconds: share("avg300=")?,
        total: Millis::new(value("total=")?.parse::<u64>().ok()? / 1_000),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn half(last10_seconds: f64, last60_seconds: f64, last300_seconds: f64, total: u64) -> Option<Stalled> {
        Some(Stalled { last10_seconds, last60_seconds, last300_seconds, total: Millis::new(total) })
    }

    #[test]
    fn pressure_is_a_share_and_a_time() {
        let some = "some avg10=35.88 avg60=100.00 avg300=250.00 total=8123999\n";
        let full = "full avg10=0.00 avg60=0.29 avg300=0.59 total=999\n";
        let stall = stall(Pressured::Memory, &format!("{some}{full}")).unwrap();
        assert_eq!(stall.some, half(0.3588, 1.0, 1.0, 8123));
        assert_eq!(stall.full, half(0.0, 0.0029, 0.0059, 0));
    }

    /// A line that the kernel does not write is absent, and never 0.
    #[test]
    fn a_half_that_is_not_measured_is_absent() {
        let some = "some avg10=1.00 avg60=0.00 avg300=0.00 total=18446744073709551615\n";
        let of_cpu = stall(Pressured::Cpu, some).unwrap();
        assert_eq!(of_cpu, Stall { some: half(0.01, 0.0, 0.0, 18_446_744_073_709_551), full: None });
        let full = some.replace("some", "full");
        let of_irq = stall(Pressured::Irq, &full).unwrap();
        assert_eq!(of_irq, Stall { some: None, full: half(0.01, 0.0, 0.0, 18_446_744_073_709_551) });
        let both = format!("{some}{full}");
        assert!(stall(Pressured::Irq, &both).unwrap().some.is_some(), "a later kernel");
        for what in [Pressured::Cpu, Pressured::Memory, Pressured::Io] {
            assert_eq!(stall(what, &full), None, "{what:?} always has `some`");
        }
        assert_eq!(stall(Pressured::Irq, some), None);
    }

    #[test]
    fn odd_pressure_is_refused() {
        let good = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert!(stall(Pressured::Io, good).is_some());
        for text in [
            String::new(),
            good.replace("some ", "some"),
            good.replace("total=0", ""),
            good.replace("avg300=0.00 ", ""),
            good.replace("total=0", "total=18446744073709551616"),
            good.replace("total=0", "total=-1"),
            good.replace("total=0", "total=0.5"),
            good.replace("avg60=0.00", "avg60=nan"),
            good.replace("avg60=0.00", "avg60=-0.01"),
            good.replace("avg60=0.00", "avg60=inf"),
            format!("{good}full avg10=x\n"),
            format!("{good}full \u{1b}[31m\n"),
        ] {
            assert_eq!(stall(Pressured::Io, &text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer_or_none(text in "(some |full |avg10=|avg60=|avg300=|total=|[0-9. \n:=]|\\PC){0,60}") {
            let _ = (stall(Pressured::Cpu, &text), stall(Pressured::Irq, &text));
        }
    }
}
