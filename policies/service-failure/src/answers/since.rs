//! Since when each service has not answered well, from earlier evaluations.

use ansai_sdk::{Host, Json, Span};

const KEY: &str = "unanswered";

/// The first time of each service without a good answer.
pub(super) struct Since {
    known: Vec<(String, u64)>,
    next: Vec<(String, u64)>,
}

impl Since {
    pub(super) fn recall(host: &Host) -> Since {
        let known = match host.recall(KEY).and_then(|text| Json::parse(&text)) {
            Some(Json::Object(fields)) => {
                fields.into_iter().filter_map(|(unit, at)| Some((unit, at.count()?))).collect()
            }
            _ => Vec::new(),
        };
        Since { known, next: Vec::new() }
    }

    /// How long a service has not answered well, with this answer. What was before this run of it does not count.
    pub(super) fn silent_for(&mut self, unit: &str, runs_since: Option<u64>, now: u64) -> Span {
        // The clock was set back since: nobody knows when that was.
        let is_past = |at: &u64| *at <= now;
        let known = self.known.iter().find(|(one, _)| one == unit).map(|(_, at)| *at).filter(is_past);
        let at = known.unwrap_or(now).max(runs_since.filter(is_past).unwrap_or(0));
        self.next.push((unit.to_owned(), at));
        Span(now.saturating_sub(at))
    }

    /// Keeps the time of a service of which nothing is known now.
    pub(super) fn keep(&mut self, unit: &str) {
        self.next.extend(self.known.iter().filter(|(one, _)| one == unit).cloned());
    }

    /// Remembers the times for the next evaluation. Services that answered well are forgotten.
    pub(super) fn remember(self, host: &Host) {
        if !host.keeps_what_is_stored() {
            return;
        }
        let fields = self.next.into_iter().map(|(unit, at)| (unit, Json::Count(at))).collect();
        let text = Json::Object(fields).to_string();
        let before = host.recall(KEY);
        if before.as_deref() != Some(&text) && !(before.is_none() && text == "{}") {
            host.remember(KEY, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ansai_sdk::testing::StandIn;

    const NOW: u64 = StandIn::NOW;

    fn silent(stored: Option<u64>, runs_since: Option<u64>) -> u64 {
        let text = |at| format!(r#"{{"a.service":{at}}}"#);
        let host = stored.map_or_else(StandIn::default, |at| StandIn::default().remembers(KEY, &text(at))).host();
        Since::recall(&host).silent_for("a.service", runs_since, NOW).0
    }

    #[test]
    fn the_time_of_this_run_counts() {
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
            let mut since = Since::recall(&host);
            let silent = since.silent_for("a.service", Some(NOW + 60), now);
            since.remember(&host);
            silent.0
        };
        assert_eq!((look(NOW), look(NOW + 30)), (0, 30), "a start in the future does not begin again at each look");
    }

    #[test]
    fn who_answers_is_forgotten_and_who_is_unknown_is_not() {
        let stored = r#"{"a.service":1,"b.service":2,"c.service":3}"#;
        let host = StandIn::default().remembers(KEY, stored).host();
        let mut since = Since::recall(&host);
        since.keep("c.service");
        since.keep("d.service");
        assert_eq!(since.silent_for("b.service", None, 5).0, 3);
        since.remember(&host);
        assert_eq!(host.recall(KEY).as_deref(), Some(r#"{"c.service":3,"b.service":2}"#));
    }

    #[test]
    fn a_store_that_is_broken_is_as_none() {
        for text in ["nonsense", "[]", r#"{"a.service":"x"}"#] {
            let host = StandIn::default().remembers(KEY, text).host();
            assert_eq!(Since::recall(&host).silent_for("a.service", None, 5).0, 0, "{text}");
        }
    }
}
