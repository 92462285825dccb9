//! Numbers of things.

use super::super::{Number, NumberArgument, NumberType, Scope, ScopeValue, TypedField, toml, whole};

/// A number of things.
#[derive(Debug)]
pub enum Count {}

impl NumberType for Count {
    const NUMBER: Number = Number {
        name: "count",
        format: "whole number",
        parse: whole,
        written: toml::integer,
        show: |count| count.to_string(),
        argument: NumberArgument::WHOLE,
        value: ScopeValue::Bound,
    };
}

impl Scope {
    /// A number of things; where the scope lacks the field, the bound that permits least.
    pub fn count(&self, field: &TypedField<Count>) -> u64 {
        self.number(field)
    }
}
