//! Limits of an evaluation, as set by a manifest or an instance.

use std::collections::BTreeMap;

use ansai_core::{Bytes, Code, Limits, Millis};

use crate::fields::{Fields, quantity_ms};
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
    /// What a higher value costs the host.
    cost: &'static str,
}

impl Key {
    /// A value in the format of the file.
    fn written(&self, value: u64) -> String {
        match self.kind {
            Kind::Size => format!("\"{}\"", exact_size(value)),
            Kind::Time => format!("\"{}\"", quantity_ms(value)),
            Kind::Count => value.to_string(),
        }
    }
}

/// `1GiB`, or bytes where that is not exact.
pub(crate) fn exact_size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = UNITS.iter().find(|(bits, _)| bytes > 0 && bytes.trailing_zeros() >= *bits);
    unit.map_or_else(|| bytes.to_string(), |(bits, unit)| format!("{}{unit}", bytes >> bits))
}

/// A limit that is above the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaisedLimit {
    /// Its key.
    pub key: &'static str,
    /// The value, as a configuration has it.
    pub value: String,
    /// The default in the same form.
    pub default: String,
    /// What that costs the host, as a fragment.
    pub cost: &'static str,
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
        cost: "one evaluation may take that much of the daemon's memory",
    },
    Key {
        name: "fuel",
        kind: Kind::Count,
        least: 1,
        most: 10_000_000_000_000,
        get: |l| l.fuel,
        set: |l, v| l.fuel = v,
        cost: "one evaluation may keep a processor busy that much longer",
    },
    Key {
        name: "deadline",
        kind: Kind::Time,
        least: 1,
        most: HOUR_MS,
        get: |l| l.deadline_ms,
        set: |l, v| l.deadline_ms = v,
        cost: "one evaluation may last that long",
    },
    Key {
        name: "call_deadline",
        kind: Kind::Time,
        least: 1,
        most: HOUR_MS,
        get: |l| l.call_deadline_ms,
        set: |l, v| l.call_deadline_ms = v,
        cost: "one call may keep a thread busy that long",
    },
    Key {
        name: "calls",
        kind: Kind::Count,
        least: 1,
        most: 10_000_000,
        get: |l| l.calls,
        set: |l, v| l.calls = v,
        cost: "the daemon keeps each call in memory until the evaluation ends",
    },
    Key {
        name: "argument_bytes",
        kind: Kind::Size,
        least: 1,
        most: 64 << 20,
        get: |l| l.argument_bytes.get(),
        set: |l, v| l.argument_bytes = Bytes::new(v),
        cost: "the daemon keeps the arguments of each call in memory until the evaluation ends",
    },
    Key {
        name: "reply_bytes",
        kind: Kind::Size,
        least: 1,
        most: 1 << 30,
        get: |l| l.reply_bytes.get(),
        set: |l, v| l.reply_bytes = Bytes::new(v),
        cost: "the daemon keeps all replies in memory until the evaluation ends, and recordings hold them",
    },
    Key {
        name: "proposals",
        kind: Kind::Count,
        least: 1,
        most: 10_000,
        get: |l| l.proposals.into(),
        set: |l, v| l.proposals = narrow(v),
        cost: "one plan may have that many steps",
    },
    Key {
        name: "observations",
        kind: Kind::Count,
        least: 1,
        most: 100_000,
        get: |l| l.observations.into(),
        set: |l, v| l.observations = narrow(v),
        cost: "one answer may have that many findings, and the instance that many open incidents",
    },
    Key {
        name: "series",
        kind: Kind::Count,
        least: 1,
        most: 1_024,
        get: |l| l.series.into(),
        set: |l, v| l.series = narrow(v),
        cost: "the state keeps that many time series",
    },
];

/// The limits that a `[limits]` table sets; the others keep their values.
///
/// Keys: `memory`, `argument_bytes`, `reply_bytes` (sizes: `"64MiB"` or bytes), `deadline`, `call_deadline`
/// (durations: `"60s"`), `fuel`, `calls`, `proposals`, `observations`, `series` (counts).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsChange(BTreeMap<&'static str, u64>);

impl LimitsChange {
    /// Returns `limits` with the values of this table: those of the operator, who may set any limit.
    pub fn over(&self, limits: Limits) -> Limits {
        KEYS.iter().fold(limits, |mut limits, key| {
            if let Some(value) = self.0.get(key.name) {
                (key.set)(&mut limits, *value);
            }
            limits
        })
    }

    /// Returns `limits` with the values of this table that are lower: those of an author, who may not raise a limit.
    pub fn lowering(&self, limits: Limits) -> Limits {
        KEYS.iter().fold(limits, |mut limits, key| {
            if let Some(value) = self.0.get(key.name) {
                let lower = (key.get)(&limits).min(*value);
                (key.set)(&mut limits, lower);
            }
            limits
        })
    }

    /// The limits of this table that are above the default.
    pub fn raised(&self) -> Vec<RaisedLimit> {
        let defaults = Limits::default();
        let raised = KEYS.iter().filter_map(|key| {
            let (value, default) = (*self.0.get(key.name)?, (key.get)(&defaults));
            (value > default).then(|| RaisedLimit {
                key: key.name,
                value: key.written(value),
                default: key.written(default),
                cost: key.cost,
            })
        });
        raised.collect()
    }

    /// The limits of this table that are above the default, except those that the operator sets.
    pub fn raised_beyond(&self, operator: &LimitsChange) -> Vec<RaisedLimit> {
        self.raised().into_iter().filter(|one| !operator.0.contains_key(one.key)).collect()
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
