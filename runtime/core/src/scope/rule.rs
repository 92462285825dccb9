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
    /// What an argument must be, for the name of a field: "ARGUMENT must be …".
    pub(super) must: fn(field: &str) -> String,
    /// How a number that is not permitted misses the bound, after the number: `, above the bound`.
    pub(super) beyond: &'static str,
    /// The number in force.
    pub(super) meet: fn(asked: Option<u64>, granted: Option<u64>, default: u64) -> u64,
    /// Whether a bound permits a number.
    pub(super) permits: fn(number: u64, bound: u64) -> bool,
    /// The bound that permits least, for a field with this default.
    pub(super) strictest: fn(default: u64) -> u64,
    /// The nearest number of the scope for an argument of which `per` units are one of the scope's.
    pub(super) nearest: fn(argument: u64, per: u64) -> u64,
    /// The nearest bound that permits a number.
    pub(super) widened: fn(bound: u64, number: u64) -> u64,
}

/// An upper bound.
pub(super) const AT_MOST: Rule = Rule {
    prefix: "most-",
    words: "at most",
    meeting: "the smaller value",
    must: |field| format!("at most `{field}`"),
    beyond: ", above the bound",
    meet: |asked, granted, default| granted.unwrap_or(default).min(asked.unwrap_or(u64::MAX)),
    permits: |number, bound| number <= bound,
    strictest: |_| 0,
    nearest: u64::div_ceil,
    widened: u64::max,
};

/// A lower bound.
pub(super) const AT_LEAST: Rule = Rule {
    prefix: "least-",
    words: "at least",
    meeting: "the larger value",
    must: |field| format!("at least `{field}`"),
    beyond: ", below the bound",
    meet: |asked, granted, default| granted.unwrap_or(default).max(asked.unwrap_or(0)),
    permits: |number, bound| number >= bound,
    strictest: |_| u64::MAX,
    nearest: |argument, per| argument / per.max(1),
    widened: u64::min,
};

/// A value that the operator alone chooses. A request changes nothing: where the grant is silent, the default applies.
pub(super) const OPERATOR: Rule = Rule {
    prefix: "operator-",
    words: "",
    meeting: "the value of the grant",
    must: |field| format!("equal to `{field}`"),
    beyond: ", not the bound",
    meet: |_, granted, default| granted.unwrap_or(default),
    permits: |number, bound| number == bound,
    strictest: |default| default,
    nearest: u64::div_ceil,
    widened: |_, number| number,
};

/// A switch that permits more if it is on: "may also delete named volumes".
pub(super) const ALLOW: Rule = Rule {
    prefix: "allow-",
    words: "",
    meeting: "`true` if both say so",
    must: |field| format!("false unless `{field}` is true"),
    beyond: "",
    ..AT_MOST
};

/// A switch that permits less if it is on: "only security updates".
pub(super) const RESTRICT: Rule = Rule {
    prefix: "restrict-",
    words: "",
    meeting: "`true` if one says so",
    must: |field| format!("true unless `{field}` is false"),
    beyond: "",
    strictest: |_| 1,
    ..AT_LEAST
};
