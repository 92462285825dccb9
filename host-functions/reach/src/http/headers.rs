//! What the headers of an answer say about overload and quotas. A server can write anything there.

use ansai_core::{Millis, Timestamp};
use ureq::http::HeaderMap;

const LEFT: &[&str] = &["x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining"];
const ALL: &[&str] = &["x-ratelimit-limit", "ratelimit-limit", "x-rate-limit-limit"];

/// How long the server asks callers to wait: in seconds, or until an instant.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Millis> {
    ansai_http_client::retry_after(headers.get("retry-after")?.to_str().ok()?, now)
}

/// How many requests are left, and how many there are in all.
pub(super) fn quota(headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
    let number = |names: &[&str]| names.iter().find_map(|name| leading_number(headers.get(*name)?.to_str().ok()?));
    (number(LEFT), number(ALL))
}

/// `100, 100;w=60` says 100.
fn leading_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    let ends_well = rest.is_empty() || rest.starts_with([',', ';', ' ']);
    number.parse().ok().filter(|_| ends_well)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut all = HeaderMap::new();
        all.insert(name, value.parse().unwrap());
        all
    }

    #[test]
    fn waits() {
        let now = Timestamp::from_millis(784_111_777_000);
        let wait = |text| retry_after(&headers("retry-after", text), now).map(Millis::get);
        assert_eq!(
            (wait("120"), wait("Sun, 06 Nov 1994 08:50:37 GMT"), wait("soon")),
            (Some(120_000), Some(60_000), None)
        );
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn quotas() {
        for (text, expected) in [
            ("57", Some(57)),
            ("100, 100;w=60", Some(100)),
            ("57.5", None),
            ("-1", None),
            ("99999999999999999999", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(quota(&headers("ratelimit-remaining", text)), (expected, None), "{text}");
            assert_eq!(quota(&headers("x-ratelimit-limit", text)), (None, expected), "{text}");
        }
    }
}
