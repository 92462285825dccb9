//! Numbers as people read them. Whole-number arithmetic keeps the formatting of floats out of the component.

/// `12.5 GiB`, cut, never rounded up: nothing looks emptier or fuller than it is.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => {
            let rest = bytes & ((1u64 << shift) - 1);
            format!("{}.{} {unit}", bytes >> shift, (u128::from(rest) * 10) >> shift)
        }
        None => format!("{bytes} bytes"),
    }
}

/// `91.4 %`, cut.
pub(crate) fn percent(percent: f64) -> String {
    let tenths = (percent * 10.0) as u64;
    match tenths % 10 {
        0 => format!("{} %", tenths / 10),
        rest => format!("{}.{rest} %", tenths / 10),
    }
}

/// `30 days`, `36 hours`.
pub(crate) fn hours(hours: u64) -> String {
    match hours {
        1 => "1 hour".into(),
        24 => "1 day".into(),
        hours if hours >= 48 && hours.is_multiple_of(24) => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    }
}

/// A text of at most so many bytes.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(bytes(1023), "1023 bytes");
        assert_eq!(bytes(1024 + 1023), "1.9 KiB");
        assert_eq!(bytes(20 << 30), "20.0 GiB");
        assert_eq!(bytes(u64::MAX), "16777215.9 TiB");
        assert_eq!((percent(90.0), percent(94.96)), ("90 %".into(), "94.9 %".into()));
        assert_eq!(
            (hours(1), hours(24), hours(36), hours(720)),
            ("1 hour".into(), "1 day".into(), "36 hours".into(), "30 days".into())
        );
        assert_eq!(cut("aé", 2), "a");
    }
}
