//! Types of numbers.

use serde_json::Value;

use super::ScopeValue;

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
}

/// Marks fields of this type.
pub trait NumberType: 'static {
    /// The type.
    const NUMBER: Number;
}

impl Number {
    pub(super) fn read(&self, value: &Value) -> Result<ScopeValue, String> {
        (self.parse)(value).map(ScopeValue::Bound)
    }
}

/// A whole number.
pub fn whole(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| "must be a whole number, not negative".to_owned())
}
