//! Hours.

use super::super::{Number, NumberArgument, NumberType, Scope, ScopeValue, TypedField, toml, whole};

/// Hours, written as a whole number.
#[derive(Debug)]
pub enum Hours {}

impl NumberType for Hours {
    const NUMBER: Number = Number {
        name: "hours",
        format: "hours",
        parse: whole,
        written: toml::integer,
        show: |hours| format!("{hours} hours"),
        argument: NumberArgument::WHOLE,
        value: ScopeValue::Bound,
    };
}

impl Scope {
    /// Hours; where the scope lacks the field, the bound that permits least.
    pub fn hours(&self, field: &TypedField<Hours>) -> u64 {
        self.number(field)
    }
}
