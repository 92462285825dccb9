//! Percent.

use super::super::{Number, NumberArgument, NumberType, Scope, ScopeValue, TypedField, toml, whole};

/// Percent, from 0 to 100.
#[derive(Debug)]
pub enum Percent {}

impl NumberType for Percent {
    const NUMBER: Number = Number {
        name: "percent",
        format: "whole percent, 0 to 100",
        parse: |value| match whole(value) {
            Ok(percent) if percent <= 100 => Ok(percent),
            _ => Err("must be a whole number from 0 to 100".to_owned()),
        },
        written: toml::integer,
        show: |percent| format!("{percent} %"),
        argument: NumberArgument::WHOLE,
        value: ScopeValue::Bound,
    };
}

impl Scope {
    /// Percent; where the scope lacks the field, the bound that permits least.
    pub fn percent(&self, field: &TypedField<Percent>) -> u64 {
        self.number(field)
    }
}
