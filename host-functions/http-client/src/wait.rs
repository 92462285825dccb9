//! How long a server asks its callers to wait.

use ansai_core::{Millis, Timestamp};
use jiff::fmt::rfc2822::DateTimeParser;

/// The longest wait that is passed on: a year.
const LONGEST: Millis = Millis::from_hours(8_784);

/// The wait that a header `Retry-After` asks for: seconds, some services send a fraction of one, or an instant. `None` if it
/// is neither. At most a year.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Millis> {
    let text = text.trim();
    // Not all that is a number for Rust: no sign, no exponent, no `inf`.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let wait = std::time::Duration::try_from_secs_f64(text.parse().ok()?).ok();
        return Some(wait.map_or(LONGEST, Millis::from).min(LONGEST));
    }
    let at = DateTimeParser::new().parse_timestamp(text).ok()?.as_millisecond();
    let wait = u64::try_from(at).ok()?.saturating_sub(now.as_millis());
    Some(Millis::new(wait).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits() {
        let now = Timestamp::from_millis(784_111_777_000);
        for (text, expected) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("0.65", Some(650)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sun, 06 Nov 1994 08:40:37 GMT", Some(0)),
            ("18446744073709551615", Some(LONGEST.get())),
            ("99999999999999999999", Some(LONGEST.get())),
            ("Thu, 31 Dec 9998 23:59:59 GMT", Some(LONGEST.get())),
            ("-1", None),
            ("1e3", None),
            ("1.2.3", None),
            ("inf", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now).map(Millis::get), expected, "{text}");
        }
    }
}
