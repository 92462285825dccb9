//! Parses and formats sizes and durations for people.

/// Why a text is not a size or duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The number is missing, negative or too large.
    #[error("`{0}` does not start with a number in range")]
    Number(String),
    /// The unit is unknown. The second field lists the known ones.
    #[error("`{0}` is not a unit here (known: {1})")]
    Unit(String, &'static str),
}

const SIZE_UNITS: &str = "B, K, M, G, T or KiB … TiB by 1024, kB … TB by 1000";
const TIME_UNITS: &str = "ms, s, m, h, d, w and their words";

/// Parses bytes: `100M`, `20GiB`, `1.5 GB`, `4096`. A single letter is a power of 1024, as in systemd; `kB`, `MB`, …
/// are powers of 1000.
pub fn bytes(text: &str) -> Result<u64, QuantityError> {
    let (number, unit, rest) = split(text.trim())?;
    if !rest.is_empty() {
        return Err(QuantityError::Unit(rest.to_owned(), SIZE_UNITS));
    }
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(QuantityError::Unit(unit.to_owned(), SIZE_UNITS)),
    };
    scale(text, number, factor)
}

/// Parses milliseconds: `60s`, `30 days`, `2h 30m`, `500ms`. A number without a unit means seconds.
pub fn milliseconds(text: &str) -> Result<u64, QuantityError> {
    let mut rest = text.trim();
    let mut total = 0u64;
    loop {
        let (number, unit, more) = split(rest)?;
        let factor: u64 = match unit.to_ascii_lowercase().as_str() {
            "ms" | "millisecond" | "milliseconds" => 1,
            "" | "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
            "h" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            "w" | "week" | "weeks" => 604_800_000,
            _ => return Err(QuantityError::Unit(unit.to_owned(), TIME_UNITS)),
        };
        let part = scale(text, number, factor)?;
        total = total.checked_add(part).ok_or_else(|| QuantityError::Number(text.to_owned()))?;
        if more.is_empty() {
            return Ok(total);
        }
        rest = more;
    }
}

/// Splits off a number and a unit; returns both and the rest.
fn split(text: &str) -> Result<(&str, &str, &str), QuantityError> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, tail) = text.split_at(end);
    if number.is_empty() || number.parse::<f64>().is_err() {
        return Err(QuantityError::Number(text.to_owned()));
    }
    let tail = tail.trim_start();
    let end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
    let (unit, rest) = tail.split_at(end);
    Ok((number, unit, rest.trim_start()))
}

fn scale(text: &str, number: &str, factor: u64) -> Result<u64, QuantityError> {
    let wrong = || QuantityError::Number(text.to_owned());
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(wrong);
    }
    let value = number.parse::<f64>().map_err(|_| wrong())? * factor as f64;
    // About 2^53: above it, a floating-point number cannot hold every integer.
    if value.is_finite() && (0.0..9e15).contains(&value) { Ok(value.round() as u64) } else { Err(wrong()) }
}

/// Formats bytes with three significant digits: `1.5 GiB`.
pub fn show_bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = UNITS.iter();
    let mut name = unit.next().copied().unwrap_or("B");
    for next in unit {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        name = next;
    }
    match name {
        "B" => format!("{bytes} B"),
        _ if value < 10.0 => format!("{value:.2} {name}"),
        _ if value < 100.0 => format!("{value:.1} {name}"),
        _ => format!("{value:.0} {name}"),
    }
}

/// Formats milliseconds with the two largest units: `2 d 3 h`.
pub fn show_milliseconds(ms: u64) -> String {
    if ms < 1_000 {
        return format!("{ms} ms");
    }
    let seconds = ms / 1_000;
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let shown: Vec<String> =
        parts.iter().skip_while(|p| p.0 == 0).take(2).filter(|p| p.0 > 0).map(|p| format!("{} {}", p.0, p.1)).collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn sizes_as_people_write_them() {
        for (text, expected) in [
            ("0", 0),
            ("4096", 4096),
            ("100M", 100 << 20),
            ("20GiB", 20 << 30),
            ("1.5 GB", 1_500_000_000),
            (" 2 k ", 2048),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "M", "-1", "1 parsec", "18446744073709551616", "20GiB 3", "1e9", "99999999T", "1.2.3"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_as_people_write_them() {
        for (text, expected) in [
            ("60s", 60_000),
            ("30 days", 2_592_000_000),
            ("2h 30m", 9_000_000),
            ("1w", 604_800_000),
            ("500ms", 500),
            ("7", 7_000),
            ("0.5h", 1_800_000),
        ] {
            assert_eq!(milliseconds(text), Ok(expected), "{text}");
        }
        for text in ["", "days", "-3d", "1 fortnight", "99999999999999999999s"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shown_for_people() {
        assert_eq!(show_bytes(1023), "1023 B");
        assert_eq!(show_bytes(1536), "1.50 KiB");
        assert_eq!(show_bytes(20 << 30), "20.0 GiB");
        assert_eq!(show_bytes(u64::MAX), "16.0 EiB");
        assert_eq!(show_milliseconds(93_784_000), "1 d 2 h");
        assert_eq!(show_milliseconds(59_000), "59 s");
        assert_eq!(show_milliseconds(3_600_000), "1 h");
    }
}
