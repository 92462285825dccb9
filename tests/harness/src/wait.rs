//! Waiting for what another process or thread does.

use std::time::{Duration, Instant};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(1);

/// Looks again and again until it finds something, and returns that.
///
/// # Panics
/// With `what`, if there is nothing within `limit`.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    until_ok(what, limit, || look().ok_or_else(|| "nothing found".to_owned()))
}

/// The same, where a look without success says what it saw.
///
/// # Panics
/// With `what` and what was seen last, if nothing succeeds within `limit`.
#[track_caller]
pub fn until_ok<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(began.elapsed() < limit, "not within {limit:?}: {what}: {seen}"),
        }
        std::thread::sleep(INTERVAL);
    }
}
