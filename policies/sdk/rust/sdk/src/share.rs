//! Shares of a whole, between 0 and 1, and percent.

/// A part of a whole; `None` of nothing, since nothing is neither full nor empty.
///
/// ```
/// assert_eq!(ansai_sdk::share::of(1, 4), Some(0.25));
/// assert_eq!(ansai_sdk::share::of(1, 0), None);
/// ```
pub fn of(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What is in use of a whole of which so much is still available; `None` of nothing.
///
/// ```
/// assert_eq!(ansai_sdk::share::in_use(100, 15), Some(0.85));
/// assert_eq!(ansai_sdk::share::in_use(100, 200), Some(0.0));
/// ```
pub fn in_use(whole: u64, available: u64) -> Option<f64> {
    of(whole - available.min(whole), whole)
}

/// A share as whole percent, rounded down: what is not quite full is not called full.
///
/// ```
/// assert_eq!(ansai_sdk::share::whole_percent(0.859), 85);
/// ```
pub fn whole_percent(share: f64) -> u64 {
    (share * 100.0).floor() as u64
}
