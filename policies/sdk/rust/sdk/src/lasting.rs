//! How long something is so.

use crate::{Host, Span};

impl Host {
    /// Notes whether something is so, and returns for how long it has been: 0 if it is not, or is now for the first time. Since
    /// when is in the store, under the key `place`. A clock that was set back begins again.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    /// use ansai_sdk::{Host, Span};
    ///
    /// let host = StandIn::default().host();
    /// host.remember("busy", &(StandIn::NOW - 40_000).to_string());
    /// assert_eq!(host.lasts("busy", true), Span(40_000));
    /// assert_eq!(host.lasts("busy", false), Span(0));
    /// assert_eq!(host.lasts("busy", true), Span(0));
    /// ```
    pub fn lasts(&self, place: &str, is_so: bool) -> Span {
        let stored = self.recall(place).unwrap_or_default();
        let since = stored.parse::<u64>().ok().filter(|since| *since <= self.now());
        let now = if is_so { since.unwrap_or(self.now()).to_string() } else { String::new() };
        if now != stored {
            self.remember(place, &now);
        }
        Span(since.filter(|_| is_so).map_or(0, |since| self.now() - since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;

    const NOW: u64 = StandIn::NOW;

    #[test]
    fn it_begins_again_after_it_was_over() {
        let host = StandIn::default().host();
        let now = Some(NOW.to_string());
        assert_eq!((host.lasts("a", true), host.recall("a")), (Span(0), now));
        assert_eq!((host.lasts("a", false), host.recall("a")), (Span(0), Some(String::new())));
        assert_eq!((host.lasts("b", false), host.recall("b")), (Span(0), None), "nothing is written while all is well");
        host.remember("c", &(NOW - 5).to_string());
        assert_eq!((host.lasts("c", true), host.recall("c")), (Span(5), Some((NOW - 5).to_string())));
    }

    #[test]
    fn a_time_that_is_to_come_and_what_is_no_time_begin_again() {
        for stored in [&*(NOW + 1).to_string(), "soon", "-5", "99999999999999999999999"] {
            let host = StandIn::default().host();
            host.remember("a", stored);
            assert_eq!((host.lasts("a", true), host.recall("a")), (Span(0), Some(NOW.to_string())), "{stored}");
        }
    }
}
