//! Limits of an evaluation, as set by a manifest or an instance.

use std::collections::BTreeMap;

use ansai_core::{Bytes, Code, Limits, Millis};

use crate::fields::Fields;
use crate::node::Node;
use crate::problem::Problems;

#[derive(Clone, Copy)]
enum Kind {
    Size,
    Time,
    Count,
}

/// One key of a `[limits]` table.
struct Key {
    name: &'static str,
    kind: Kind,
    least: u64,
    /// Maximum value. A higher limit would no longer protect a host.
    most: u64,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

const HOUR_MS: u64 = 3_600_000;

fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

const KEYS: &[Key] = &[
    Key {
        name: "memory",
        kind: Kind::Size,
        least: 64 << 10,
        most: 4 << 30,
        get: |l| l.memory_bytes.get(),
        set: |l, v| l.memory_bytes = Bytes::new(v),
    },
    Key {
        name: "fuel",
        kind: Kind::Count,
        least: 1,
        most: 10_000_000_000_000,
        get: |l| l.fuel,
        set: |l, v| l.fuel = v,
    },
    Key {
        name: "deadline",
        kind: Kind::Time,
        least: 1,
        most: HOUR_MS,
        get: |l| l.deadline_ms,
        set: |l, v| l.deadline_ms = v,
    },
    Key {
        name: "call_deadline",
        kind: Kind::Time,
        least: 1,
        most: HOUR_MS,
        get: |l| l.call_deadline_ms,
        set: |l, v| l.call_deadline_ms = v,
    },
    Key { name: "calls", kind: Kind::Count, least: 1, most: 10_000_000, get: |l| l.calls, set: |l, v| l.calls = v },
    Key {
        name: "argument_bytes",
        kind: Kind::Size,
        least: 1,
        most: 64 << 20,
        get: |l| l.argument_bytes.get(),
        set: |l, v| l.argument_bytes = Bytes::new(v),
    },
    Key {
        name: "reply_bytes",
        kind: Kind::Size,
        least: 1,
        most: 1 << 30,
        get: |l| l.reply_bytes.get(),
        set: |l, v| l.reply_bytes = Bytes::new(v),
    },
    Key {
        name: "proposals",
        kind: Kind::Count,
        least: 1,
        most: 10_000,
        get: |l| l.proposals.into(),
        set: |l, v| l.proposals = narrow(v),
    },
    Key {
        name: "observations",
        kind: Kind::Count,
        least: 1,
        most: 100_000,
        get: |l| l.observations.into(),
        set: |l, v| l.observations = narrow(v),
    },
    Key {
        name: "series",
        kind: Kind::Count,
        least: 1,
        most: 1_024,
        get: |l| l.series.into(),
        set: |l, v| l.series = narrow(v),
    },
];

/// The limits that a `[limits]` table sets; the others keep their values.
///
/// Keys: `memory`, `argument_bytes`, `reply_bytes` (sizes: `"64MiB"` or bytes), `deadline`, `call_deadline`
/// (durations: `"60s"`), `fuel`, `calls`, `proposals`, `observations`, `series` (counts).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsChange(BTreeMap<&'static str, u64>);

impl LimitsChange {
    /// Returns `limits` with the values of this table. Apply the manifest's table first, then the operator's.
    pub fn over(&self, limits: Limits) -> Limits {
        KEYS.iter().fold(limits, |mut limits, key| {
            if let Some(value) = self.0.get(key.name) {
                (key.set)(&mut limits, *value);
            }
            limits
        })
    }

    /// The values that differ in `to`.
    pub fn between(from: &Limits, to: &Limits) -> LimitsChange {
        let differs = |key: &&Key| (key.get)(from) != (key.get)(to);
        LimitsChange(KEYS.iter().filter(differs).map(|key| (key.name, (key.get)(to))).collect())
    }

    /// Reads a table from JSON, without places; `place` names the table in messages.
    ///
    /// # Errors
    /// Each problem with its code and its hint.
    pub fn from_json(
        table: &serde_json::Value,
        place: &str,
    ) -> Result<LimitsChange, Vec<(Code, String, Option<String>)>> {
        let mut problems = Problems::default();
        let change = match Node::from_json(table) {
            Ok(node) => read(&node, place, &mut problems),
            Err(problem) => {
                problems.add(problem);
                LimitsChange::default()
            }
        };
        let problems = problems.into_list();
        if problems.is_empty() { Ok(change) } else { Err(problems) }
    }

    /// Whether no limit is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table as JSON, in the format of the file.
    pub fn to_json(&self) -> serde_json::Value {
        KEYS.iter()
            .filter_map(|key| {
                let value = *self.0.get(key.name)?;
                let value = match key.kind {
                    Kind::Time => format!("{value}ms").into(),
                    Kind::Size | Kind::Count => value.into(),
                };
                Some((key.name.to_owned(), value))
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

pub(crate) fn read(node: &Node, place: &str, problems: &mut Problems) -> LimitsChange {
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    let Some(fields) = Fields::of(node, place, &names, problems) else {
        return LimitsChange::default();
    };
    let values = KEYS.iter().filter_map(|key| {
        let within = (key.least, key.most);
        let value = match key.kind {
            Kind::Size => fields.size(key.name, within, problems),
            Kind::Time => fields.duration(key.name, within, problems).map(Millis::get),
            Kind::Count => fields.number(key.name, within, problems),
        };
        Some((key.name, value?))
    });
    LimitsChange(values.collect())
}
