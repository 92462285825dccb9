//! Minutes.

use super::super::{Number, NumberArgument, NumberType, Scope, ScopeValue, TypedField, toml, whole};

/// Minutes, written as a whole number. The argument that they bound is a duration in milliseconds.
#[derive(Debug)]
pub enum Minutes {}

impl NumberType for Minutes {
    const NUMBER: Number = Number {
        name: "minutes",
        format: "minutes",
        parse: whole,
        written: toml::integer,
        show: |minutes| format!("{minutes} {}", if minutes == 1 { "minute" } else { "minutes" }),
        argument: NumberArgument::MILLISECONDS,
        value: ScopeValue::Bound,
    };
}

impl Scope {
    /// Minutes; where the scope lacks the field, the bound that permits least.
    pub fn minutes(&self, field: &TypedField<Minutes>) -> u64 {
        self.number(field)
    }
}
