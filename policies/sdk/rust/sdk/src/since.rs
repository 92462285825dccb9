//! Since when each of many things has been so.

use crate::{Host, Json, Span};

/// The first time of each thing that is so, from earlier evaluations. [`Host::lasts`] is for a single thing.
///
/// Things that are not asked about are forgotten, so a thing that is well again begins anew the next time.
///
/// ```
/// use ansai_sdk::Since;
/// use ansai_sdk::testing::StandIn;
///
/// let stored = format!(r#"{{"shop":{}}}"#, StandIn::NOW - 60_000);
/// let host = StandIn::default().remembers("silent", &stored).host();
/// let mut since = Since::recall(&host, "silent");
/// assert_eq!(since.lasts("shop", None, host.now()).to_string(), "1 min");
/// since.remember(&host);
/// ```
#[derive(Debug)]
pub struct Since {
    place: &'static str,
    known: Vec<(String, u64)>,
    next: Vec<(String, u64)>,
}

impl Since {
    /// Reads what the last evaluation stored under the key `place`.
    pub fn recall(host: &Host, place: &'static str) -> Since {
        let known = match host.recall(place).and_then(|text| Json::parse(&text)) {
            Some(Json::Object(fields)) => {
                fields.into_iter().filter_map(|(name, at)| Some((name, at.count()?))).collect()
            }
            _ => Vec::new(),
        };
        Since { place, known, next: Vec::new() }
    }

    /// How long a thing has been so, as it is now. What was before `begin` does not count: for example, what was before a service
    /// was started last.
    pub fn lasts(&mut self, name: &str, begin: Option<u64>, now: u64) -> Span {
        // The clock was set back since: nobody knows when that was.
        let is_past = |at: &u64| *at <= now;
        let known = self.known.iter().find(|(one, _)| one == name).map(|(_, at)| *at).filter(is_past);
        let at = known.unwrap_or(now).max(begin.filter(is_past).unwrap_or(0));
        self.next.push((name.to_owned(), at));
        Span(now.saturating_sub(at))
    }

    /// Keeps the time of a thing of which nothing is known now.
    pub fn keep(&mut self, name: &str) {
        self.next.extend(self.known.iter().filter(|(one, _)| one == name).cloned());
    }

    /// Remembers the times for the next evaluation.
    pub fn remember(self, host: &Host) {
        if !host.keeps_what_is_stored() {
            return;
        }
        let fields = self.next.into_iter().map(|(name, at)| (name, Json::Count(at))).collect();
        let text = Json::Object(fields).to_string();
        let before = host.recall(self.place);
        if before.as_deref() != Some(&text) && !(before.is_none() && text == "{}") {
            host.remember(self.place, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;

    const NOW: u64 = StandIn::NOW;
    const KEY: &str = "unanswered";

    fn silent(stored: Option<u64>, runs_since: Option<u64>) -> u64 {
        let text = |at| format!(r#"{{"a.service":{at}}}"#);
        let host = stored.map_or_else(StandIn::default, |at| StandIn::default().remembers(KEY, &text(at))).host();
        Since::recall(&host, KEY).lasts("a.service", runs_since, NOW).0
    }

    #[test]
    fn what_was_before_does_not_count() {
        assert_eq!(silent(None, Some(NOW - 90)), 0);
        assert_eq!(silent(Some(NOW - 60), Some(NOW - 90)), 60);
        assert_eq!(silent(Some(NOW - 60), Some(NOW - 30)), 30);
        assert_eq!(silent(Some(NOW - 60), None), 60);
    }

    #[test]
    fn a_clock_that_was_set_back_begins_again() {
        assert_eq!((silent(Some(NOW + 60), None), silent(None, Some(NOW + 60))), (0, 0));
        let host = StandIn::default().remembers(KEY, &format!(r#"{{"a.service":{}}}"#, NOW + 60)).host();
        let look = |now| {
            let mut since = Since::recall(&host, KEY);
            let silent = since.lasts("a.service", Some(NOW + 60), now);
            since.remember(&host);
            silent.0
        };
        assert_eq!((look(NOW), look(NOW + 30)), (0, 30), "a start in the future does not begin again at each look");
    }

    #[test]
    fn who_is_well_is_forgotten_and_who_is_unknown_is_not() {
        let stored = r#"{"a.service":1,"b.service":2,"c.service":3}"#;
        let host = StandIn::default().remembers(KEY, stored).host();
        let mut since = Since::recall(&host, KEY);
        since.keep("c.service");
        since.keep("d.service");
        assert_eq!(since.lasts("b.service", None, 5).0, 3);
        since.remember(&host);
        assert_eq!(host.recall(KEY).as_deref(), Some(r#"{"c.service":3,"b.service":2}"#));
    }

    #[test]
    fn a_store_that_is_broken_is_as_none() {
        for text in ["nonsense", "[]", r#"{"a.service":"x"}"#] {
            let host = StandIn::default().remembers(KEY, text).host();
            assert_eq!(Since::recall(&host, KEY).lasts("a.service", None, 5).0, 0, "{text}");
        }
    }
}
