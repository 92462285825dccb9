//! Sizes.

use serde_json::Value;

use super::super::{Number, NumberArgument, NumberType, Scope, ScopeValue, TypedField, toml, whole};
use crate::quantity;

/// Bytes, written as a size: `"20GiB"`.
#[derive(Debug)]
pub enum Bytes {}

impl NumberType for Bytes {
    const NUMBER: Number = Number {
        name: "bytes",
        format: "size",
        parse: |value| match value {
            Value::String(text) => quantity::bytes(text).map_err(|error| format!("is no size: {error}")),
            _ => whole(value).map_err(|_| "must be a size, such as \"20GiB\"".to_owned()),
        },
        written: toml::size,
        show: quantity::show_bytes,
        argument: NumberArgument::WHOLE,
        value: ScopeValue::Bound,
    };
}

impl Scope {
    /// Bytes; where the scope lacks the field, the bound that permits least.
    pub fn bytes(&self, field: &TypedField<Bytes>) -> u64 {
        self.number(field)
    }
}
