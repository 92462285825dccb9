//! Shares of a whole, between 0 and 1, and percentages.

use crate::text;

/// A part of a whole; `None` if the whole is 0.
///
/// ```
/// assert_eq!(ansai_sdk::share::of(1, 4), Some(0.25));
/// assert_eq!(ansai_sdk::share::of(1, 0), None);
/// ```
pub fn of(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The used share of a whole, from the amount still available; `None` if the whole is 0.
///
/// ```
/// assert_eq!(ansai_sdk::share::in_use(100, 15), Some(0.85));
/// assert_eq!(ansai_sdk::share::in_use(100, 200), Some(0.0));
/// ```
pub fn in_use(whole: u64, available: u64) -> Option<f64> {
    of(whole - available.min(whole), whole)
}

/// Formats a percentage for a person, rounded down to tenths, so that nothing looks full before it is. ansai shows evidence
/// in the same way.
///
/// ```
/// assert_eq!(ansai_sdk::share::percent_words(0.29 * 100.0), "29 %");
/// assert_eq!(ansai_sdk::share::percent_words(94.96), "94.9 %");
/// assert_eq!(ansai_sdk::share::percent_words(90.0), "90 %");
/// ```
pub fn percent_words(percent: f64) -> String {
    let words = text::tenths(percent);
    format!("{} %", words.strip_suffix(".0").unwrap_or(&words))
}
