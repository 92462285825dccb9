//! Types of numbers.

use serde_json::Value;

use super::ScopeValue;
use crate::quantity::show_milliseconds;

/// A type of numbers, as data.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// In the JSON of the reference: `bytes`.
    pub name: &'static str,
    /// The format of a value: `size`.
    pub format: &'static str,
    /// Reads a value; the error is the end of a sentence that starts with the field.
    pub parse: fn(&Value) -> Result<u64, String>,
    /// As written in `ansai.toml`.
    pub written: fn(u64) -> String,
    /// For a person.
    pub show: fn(u64) -> String,
    /// The arguments that it bounds.
    pub argument: NumberArgument,
    /// As the value of a scope.
    pub value: fn(u64) -> ScopeValue,
}

/// How an argument compares with a number of a scope.
#[derive(Debug, Clone, Copy)]
pub struct NumberArgument {
    /// Reads it; the error is the end of a sentence that starts with the argument.
    pub read: fn(&Value) -> Result<u64, String>,
    /// For a person.
    pub show: fn(u64) -> String,
    /// How many of its units are one of the scope's.
    pub per: u64,
}

impl NumberArgument {
    /// A whole number in the unit of the scope.
    pub const WHOLE: NumberArgument =
        NumberArgument { read: whole_argument, show: |number| number.to_string(), per: 1 };
    /// A duration in milliseconds, for a scope in minutes.
    pub const MILLISECONDS: NumberArgument =
        NumberArgument { read: whole_argument, show: show_milliseconds, per: 60_000 };
}

/// Marks fields of this type.
pub trait NumberType: 'static {
    /// The type.
    const NUMBER: Number;
}

impl Number {
    pub(super) fn read(&self, value: &Value) -> Result<ScopeValue, String> {
        (self.parse)(value).map(self.value)
    }
}

/// A whole number.
pub fn whole(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| "must be a whole number, not negative".to_owned())
}

fn whole_argument(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| "is not a whole number".to_owned())
}
