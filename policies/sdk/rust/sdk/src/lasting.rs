//! How long something is so.

use crate::{Host, Span};

impl Host {
    /// Notes whether something is so, and returns for how long it has been: 0 if it is not, or is now for the first time. The
    /// store has two numbers under the key `place`: since when it is so, and when that was last seen. If it was last seen longer
    /// than `gap` ago, or the clock was set back, the time begins again. `gap` is longer than the interval of the policy.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    /// use ansai_sdk::{Host, Span};
    ///
    /// let host = StandIn::default().host();
    /// let gap = Span(300_000);
    /// host.remember("busy", &format!("{} {}", StandIn::NOW - 400_000, StandIn::NOW - 60_000));
    /// assert_eq!(host.lasts("busy", true, gap), Span(400_000));
    /// assert_eq!(host.lasts("busy", false, gap), Span(0));
    /// assert_eq!(host.lasts("busy", true, gap), Span(0));
    /// ```
    pub fn lasts(&self, place: &str, is_so: bool, gap: Span) -> Span {
        let (stored, now) = (self.recall(place).unwrap_or_default(), self.now());
        let times = stored.split_once(' ');
        let times = times.and_then(|(since, seen)| Some((since.parse::<u64>().ok()?, seen.parse::<u64>().ok()?)));
        // Nobody knows whether it was so while nobody looked.
        let goes_on = |&(since, seen): &(u64, u64)| since <= seen && seen <= now && now - seen <= gap.0;
        let since = times.filter(goes_on).map(|(since, _)| since);
        let text = if is_so { format!("{} {now}", since.unwrap_or(now)) } else { String::new() };
        if text != stored {
            self.remember(place, &text);
        }
        Span(since.filter(|_| is_so).map_or(0, |since| now - since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;

    const NOW: u64 = StandIn::NOW;
    const GAP: Span = Span(60);

    fn stored(since: u64, seen: u64) -> String {
        format!("{since} {seen}")
    }

    #[test]
    fn it_begins_again_after_it_was_over() {
        let host = StandIn::default().host();
        let now = Some(stored(NOW, NOW));
        assert_eq!((host.lasts("a", true, GAP), host.recall("a")), (Span(0), now));
        assert_eq!((host.lasts("a", false, GAP), host.recall("a")), (Span(0), Some(String::new())));
        assert_eq!(
            (host.lasts("b", false, GAP), host.recall("b")),
            (Span(0), None),
            "nothing is written while all is well"
        );
        host.remember("c", &stored(NOW - 500, NOW - 5));
        assert_eq!((host.lasts("c", true, GAP), host.recall("c")), (Span(500), Some(stored(NOW - 500, NOW))));
    }

    /// Would break: a time in which nobody looked counts as one in which it was so.
    #[test]
    fn it_begins_again_after_a_gap() {
        for (seen, lasts) in [(NOW - GAP.0, 500), (NOW - GAP.0 - 1, 0), (NOW - 500, 0)] {
            let host = StandIn::default().host();
            host.remember("a", &stored(NOW - 500, seen));
            let since = NOW - lasts;
            assert_eq!(
                (host.lasts("a", true, GAP), host.recall("a")),
                (Span(lasts), Some(stored(since, NOW))),
                "{seen}"
            );
        }
    }

    #[test]
    fn a_time_that_is_to_come_and_what_is_no_time_begin_again() {
        let [later, turned, to_come] = [stored(NOW - 9, NOW + 1), stored(NOW - 5, NOW - 9), stored(NOW + 1, NOW + 2)];
        let once = (NOW - 5).to_string();
        for text in [&*later, &turned, &to_come, &once, "soon", "-5 -5", "5 99999999999999999999999", "1 2 3", " "] {
            let host = StandIn::default().host();
            host.remember("a", text);
            assert_eq!((host.lasts("a", true, GAP), host.recall("a")), (Span(0), Some(stored(NOW, NOW))), "{text}");
        }
    }
}
