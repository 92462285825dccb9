//! Rules: how a number bounds a call, and how two of them intersect.

/// How a number bounds a call, and how the one that is requested and the one that is granted intersect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Before the name of the type, in the JSON of the reference: `most-`.
    pub(super) prefix: &'static str,
    /// `at most`; empty for a value that bounds nothing.
    pub(super) words: &'static str,
    /// What is in force if request and grant both set the field: `the smaller value`.
    pub(super) meeting: &'static str,
    /// Where a number lies that is not permitted: `above`.
    pub(super) beyond: &'static str,
    /// The number in force.
    pub(super) meet: fn(asked: Option<u64>, granted: Option<u64>, default: u64) -> u64,
    /// Whether a bound permits a number.
    pub(super) permits: fn(number: u64, bound: u64) -> bool,
    /// The bound that permits least, for a field with this default.
    pub(super) strictest: fn(default: u64) -> u64,
    /// The nearest bound that permits a number.
    pub(super) widened: fn(bound: u64, number: u64) -> u64,
}

/// An upper bound.
pub(super) const AT_MOST: Rule = Rule {
    prefix: "most-",
    words: "at most",
    meeting: "the smaller value",
    beyond: "above",
    meet: |asked, granted, default| granted.unwrap_or(default).min(asked.unwrap_or(u64::MAX)),
    permits: |number, bound| number <= bound,
    strictest: |_| 0,
    widened: u64::max,
};

/// A lower bound.
pub(super) const AT_LEAST: Rule = Rule {
    prefix: "least-",
    words: "at least",
    meeting: "the larger value",
    beyond: "below",
    meet: |asked, granted, default| granted.unwrap_or(default).max(asked.unwrap_or(0)),
    permits: |number, bound| number >= bound,
    strictest: |_| u64::MAX,
    widened: u64::min,
};

/// A value that the operator alone chooses. A request only replaces the default.
pub(super) const OPERATOR: Rule = Rule {
    prefix: "operator-",
    words: "",
    meeting: "the value of the grant",
    beyond: "not",
    meet: |asked, granted, default| granted.or(asked).unwrap_or(default),
    permits: |number, bound| number == bound,
    strictest: |default| default,
    widened: |_, number| number,
};
