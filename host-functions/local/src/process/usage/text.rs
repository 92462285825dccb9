//! Texts of control groups (the kernel's cgroup-v2.rst and cgroup-v1/memory.rst).

use ansai_core::Millis;

use crate::process::wire::{Stall, Stalled};

/// The number of a key: `anon 4096`.
pub(super) fn keyed(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?;
    number(line)
}

/// One number.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A limit: `max` is none.
pub(super) fn limit(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "max" => Some(None),
        text => number(text).map(Some),
    }
}

/// A limit of version 1, where a number that no machine has means none.
pub(super) fn legacy_limit(text: &str) -> Option<Option<u64>> {
    const NONE_FROM: u64 = 1 << 62;
    number(text).map(|bytes| (bytes < NONE_FROM).then_some(bytes))
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and the line `full`, in percent and microseconds.
pub(super) fn stall(text: &str) -> Option<Stall> {
    let line = |kind: &str| text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
    Some(Stall { some: stalled(line("some")?)?, full: stalled(line("full")?)? })
}

fn stalled(line: &str) -> Option<Stalled> {
    let value = |name: &str| line.split_ascii_whitespace().find_map(|field| field.strip_prefix(name));
    let share = |name: &str| {
        let percent: f64 = value(name)?.parse().ok()?;
        (percent.is_finite() && percent >= 0.0).then_some((percent / 100.0).min(1.0))
    };
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

    #[test]
    fn keys_are_whole_words() {
        let text = "anon 4096\nanon_thp 1\nfile 8192\nx -1\ny 18446744073709551616\n";
        assert_eq!((keyed(text, "anon"), keyed(text, "file"), keyed(text, "ano")), (Some(4_096), Some(8_192), None));
        assert_eq!((keyed(text, "x"), keyed(text, "y"), keyed(text, "")), (None, None, None));
    }

    #[test]
    fn limits_are_numbers_or_none() {
        assert_eq!((limit("max\n"), limit("4096\n")), (Some(None), Some(Some(4_096))));
        for odd in ["", "maximum", "-1", "4096 kB", "18446744073709551616"] {
            assert_eq!((limit(odd), legacy_limit(odd)), (None, None), "{odd}");
        }
        assert_eq!(legacy_limit("9223372036854771712\n"), Some(None));
        assert_eq!(legacy_limit("1048576\n"), Some(Some(1_048_576)));
    }

    #[test]
    fn pressure_has_both_lines() {
        let some = "some avg10=35.88 avg60=100.00 avg300=250.00 total=8123999\n";
        let full = "full avg10=0.00 avg60=0.29 avg300=0.59 total=999\n";
        let read = stall(&format!("{some}{full}")).unwrap();
        assert_eq!((read.some.last10_seconds, read.some.last300_seconds), (0.3588, 1.0));
        assert_eq!((read.full.last60_seconds, read.full.total), (0.0029, Millis::ZERO));
        let odd = full.replace("0.29", "nan");
        for text in ["", some, full, &format!("{some}{odd}"), &some.replace("some", "full")] {
            assert_eq!(stall(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer_or_none(text in "(some |full |avg10=|max|anon |[0-9]{1,21}|[. \n=]|\\PC){0,40}") {
            let _ = (stall(&text), keyed(&text, "anon"), limit(&text), legacy_limit(&text));
        }
    }
}
