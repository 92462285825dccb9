//! Switches.

use serde_json::Value;

use super::super::{Number, NumberArgument, NumberType, Scope, ScopeValue, TypedField};

/// True or false. Whether true permits more or less is up to the field: [`TypedField::allow`], [`TypedField::restrict`].
/// It counts as 1 or 0.
#[derive(Debug)]
pub enum Switch {}

impl NumberType for Switch {
    const NUMBER: Number = Number {
        name: "switch",
        format: "`true` or `false`",
        parse: |value| value.as_bool().map(u64::from).ok_or_else(|| "must be `true` or `false`".to_owned()),
        written: word,
        show: word,
        argument: NumberArgument {
            read: |value: &Value| value.as_bool().map(u64::from).ok_or_else(|| "is not true or false".to_owned()),
            show: word,
            per: 1,
        },
        value: |number| ScopeValue::Switch(number > 0),
    };
}

impl Scope {
    /// Whether a switch is on; where the scope lacks the field, the position that permits least.
    pub fn is_on(&self, field: &TypedField<Switch>) -> bool {
        self.number(field) > 0
    }
}

fn word(number: u64) -> String {
    (number > 0).to_string()
}
