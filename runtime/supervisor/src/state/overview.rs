//! Many open incidents at a glance: their order and numbers from an index, without reading what they are about.

use std::collections::BTreeMap;

use ansai_core::order::Orders;
use ansai_core::{Incident, Timestamp};
use rusqlite::params;

use super::memory::{signed, unsigned};
use super::{State, StateError};

/// The first rank of those that are within their minimum time.
const PENDING: i64 = 10;

/// What the index has of an open incident.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) instance: &'a str,
    pub(crate) key: &'a str,
    pub(crate) opened: Timestamp,
    /// Whether it is within its minimum time: not an incident yet.
    pub(crate) is_pending: bool,
}

/// What is open.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    /// The first ones: what is not silenced first, then the worst, then what is known, then the oldest.
    pub(crate) first: Vec<Incident>,
    /// All that were wanted.
    pub(crate) count: usize,
    /// Of these, silenced.
    pub(crate) silenced: usize,
    /// Of the others, within their minimum time: not incidents yet.
    pub(crate) pending: usize,
    /// Whether one that is not silenced is unhealthy.
    pub(crate) is_unhealthy: bool,
    /// Whether one that is not silenced is unknown.
    pub(crate) is_unknown: bool,
    /// By instance.
    pub(crate) by_instance: BTreeMap<String, usize>,
}

/// The keys of the silences that are in force, to ask for 100,000 incidents.
struct Silences(Vec<(Option<String>, String)>);

impl Silences {
    fn of(orders: &Orders, now: Timestamp, is_in_doubt: bool) -> Silences {
        let in_force = orders.silences.iter().filter(|one| one.order.is_in_force(now, is_in_doubt));
        let mut all: Vec<_> =
            in_force.map(|one| (one.instance.as_ref().map(ToString::to_string), one.key.clone())).collect();
        all.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        Silences(all)
    }

    fn has(&self, row: Row<'_>) -> bool {
        let from = self.0.partition_point(|(_, key)| key.as_str() < row.key);
        let mut same = self.0.iter().skip(from).take_while(|(_, key)| key == row.key);
        same.any(|(instance, _)| instance.as_deref().is_none_or(|name| name == row.instance))
    }
}

impl State {
    /// Open incidents that are wanted, and the first `most` of them in full.
    pub(crate) fn overview(
        &self,
        orders: &Orders,
        now: Timestamp,
        is_in_doubt: bool,
        most: usize,
        is_wanted: impl Fn(Row<'_>) -> bool,
    ) -> Result<Overview, StateError> {
        let silences = Silences::of(orders, now, is_in_doubt);
        self.0.read(|connection| {
            let mut found = Overview::default();
            let (mut loud, mut silent) = (Vec::new(), Vec::new());
            let mut statement = connection.prepare_cached(
                "SELECT instance, key, opened, rank FROM incident_rank ORDER BY rank, opened, instance, key",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (opened, rank): (i64, i64) = (row.get(2)?, row.get(3)?);
                let text = |index: usize| {
                    let value = row.get_ref(index).map_err(StateError::from)?;
                    Ok::<&str, StateError>(value.as_str().unwrap_or_default())
                };
                let (is_unknown, is_pending) = (rank % 2 == 1, rank >= PENDING);
                let row = Row { instance: text(0)?, key: text(1)?, opened: unsigned(opened), is_pending };
                if !is_wanted(row) {
                    continue;
                }
                found.count += 1;
                match found.by_instance.get_mut(row.instance) {
                    Some(count) => *count += 1,
                    None => drop(found.by_instance.insert(row.instance.to_owned(), 1)),
                }
                let listed = if silences.has(row) {
                    found.silenced += 1;
                    &mut silent
                } else if is_pending {
                    found.pending += 1;
                    &mut loud
                } else {
                    found.is_unknown |= is_unknown;
                    found.is_unhealthy |= !is_unknown;
                    &mut loud
                };
                if listed.len() < most {
                    listed.push((row.instance.to_owned(), row.key.to_owned()));
                }
            }
            loud.append(&mut silent);
            loud.truncate(most);
            let mut statement =
                connection.prepare_cached("SELECT value FROM incident WHERE instance = ?1 AND key = ?2")?;
            for (instance, key) in loud {
                let value: String = statement.query_row(params![instance, key], |row| row.get(0))?;
                found.first.push(serde_json::from_str(&value)?);
            }
            Ok(found)
        })
    }

    /// The last evaluation before each open incident that opened since a time, and when it opened; by instance and key. Without
    /// those that are within their minimum time.
    pub(crate) fn opened_since(
        &self,
        since: Timestamp,
        mut each: impl FnMut(&str, &str, Timestamp, Option<Timestamp>),
    ) -> Result<(), StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT instance, key, json_extract(value, '$.opened') AS opened, json_extract(value, '$.healthy_before')
                    FROM incident WHERE opened >= ?1 AND json_extract(value, '$.course.minimum') IS NULL",
            )?;
            let mut rows = statement.query([signed(since)])?;
            while let Some(row) = rows.next()? {
                let before = row.get::<_, Option<i64>>(3)?.map(unsigned);
                let (instance, key): (String, String) = (row.get(0)?, row.get(1)?);
                each(&instance, &key, unsigned(row.get(2)?), before);
            }
            Ok(())
        })
    }
}
