//! Remembers numbers of a healthy time, to find out later what grew.

use crate::{Host, Json, Span};

/// Named numbers with the time at which they were remembered: directories and their sizes, tables and their row counts.
/// Stored under a key, as `{"at": 1789000000000, "values": {"/var/log/app": 10000000000}}`.
///
/// ```
/// use ansai_sdk::{Baseline, Host};
///
/// fn grown_since_healthy(host: &Host, table: &str, rows: u64) -> Option<u64> {
///     let before = Baseline::recall(host, "rows")?;
///     Some(before.growth(table, rows)).filter(|growth| *growth > 0)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Baseline(Json);

impl Baseline {
    /// Reads the baseline stored under a key; `None` if there is none.
    pub fn recall(host: &Host, key: &str) -> Option<Baseline> {
        Json::parse(&host.recall(key)?).map(Baseline)
    }

    /// Stores the numbers of this evaluation and replaces earlier ones. The store holds at most 64 KiB per value, so
    /// remember few.
    pub fn remember(host: &Host, key: &str, values: impl IntoIterator<Item = (String, u64)>) {
        let values = values.into_iter().map(|(name, value)| (name, Json::Count(value))).collect();
        let known = vec![("at".into(), Json::Count(host.now())), ("values".into(), Json::Object(values))];
        host.remember(key, &Json::Object(known).to_string());
    }

    /// Time since it was stored.
    pub fn age(&self, host: &Host) -> Span {
        Span(host.now().saturating_sub(self.0.get("at").and_then(Json::count).unwrap_or_default()))
    }

    /// The number with this name; `None` if it was not stored.
    pub fn value(&self, name: &str) -> Option<u64> {
        self.0.get("values")?.get(name)?.count()
    }

    /// How much a number grew; 0 if it shrank or was not stored.
    pub fn growth(&self, name: &str, now: u64) -> u64 {
        self.value(name).map_or(0, |before| now.saturating_sub(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StandIn;

    #[test]
    fn what_grew_since() {
        let host = StandIn::default().remembers("broken", "{").remembers("empty", "{}").host();
        assert!(Baseline::recall(&host, "broken").is_none() && Baseline::recall(&host, "never").is_none());
        let known = |key: &str| Baseline::recall(&host, key).map(|known| (known.value("a"), known.age(&host)));
        assert_eq!(known("empty"), Some((None, Span(StandIn::NOW))));
        Baseline::remember(&host, "full", [("a".into(), 5), ("b".into(), 7)]);
        assert_eq!(known("full"), Some((Some(5), Span(0))));
        let growth = |name: &str, now| Baseline::recall(&host, "full").map(|known| known.growth(name, now));
        assert_eq!((growth("a", 8), growth("b", 1), growth("c", 9)), (Some(3), Some(0), Some(0)));
    }
}
