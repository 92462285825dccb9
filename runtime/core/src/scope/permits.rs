//! Whether a scope permits an argument of a call.

use serde_json::Value;

use super::{Field, Scope, ScopeValue};
use crate::text::inert;

/// Why an argument is not permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotPermitted {
    /// It makes no sense; the end of a sentence that starts with the argument.
    Invalid(String),
    /// It is outside the scope.
    Outside {
        /// The argument, and how it misses the bound: `11, above the bound`.
        is: String,
        /// What the scope has: `max_files = 10`.
        granted: String,
        /// What an operator does to allow it: `set max_files = 11`.
        add: String,
    },
}

impl Scope {
    /// Checks an argument against a field.
    pub fn permits(&self, field: &Field, argument: &Value) -> Result<(), NotPermitted> {
        field.permits(self.get(field), argument)
    }

    /// The scope that permits an argument too. What makes no sense changes nothing.
    #[must_use]
    pub fn widened(self, field: &Field, argument: &Value) -> Scope {
        match field.widened(self.get(field), argument) {
            Some(value) => self.with(field, value),
            None => self,
        }
    }
}

impl super::Set {
    pub(super) fn check(&self, field: &str, value: Option<&ScopeValue>, argument: &Value) -> Result<(), NotPermitted> {
        let text = argument.as_str().ok_or_else(|| NotPermitted::Invalid(format!("is not a {}", self.argument)))?;
        (self.valid)(text).map_err(NotPermitted::Invalid)?;
        let members = value.and_then(ScopeValue::as_set).unwrap_or_default();
        if members.iter().any(|member| (self.permits)(text, member)) {
            return Ok(());
        }
        let text = inert(text, 200);
        Err(NotPermitted::Outside {
            granted: format!("{field} = {members:?}"),
            add: format!("add \"{text}\" to {field}"),
            is: format!("\"{text}\""),
        })
    }

    pub(super) fn widened(value: Option<&ScopeValue>, argument: &Value) -> Option<ScopeValue> {
        let text = argument.as_str()?;
        let mut set = value.and_then(ScopeValue::as_set).unwrap_or_default().to_vec();
        if !set.iter().any(|known| known == text) {
            set.push(text.to_owned());
        }
        Some(ScopeValue::Set(set))
    }
}

impl super::rule::Rule {
    pub(super) fn check(&self, field: &str, value: Option<&ScopeValue>, argument: &Value) -> Result<(), NotPermitted> {
        let is = argument.as_u64().ok_or_else(|| NotPermitted::Invalid("is not a whole number".into()))?;
        let add = format!("set {field} = {is}");
        match value.and_then(ScopeValue::as_number) {
            Some(bound) if (self.permits)(is, bound) => Ok(()),
            Some(bound) => Err(NotPermitted::Outside {
                is: format!("{is}, {} the bound", self.beyond),
                granted: format!("{field} = {bound}"),
                add,
            }),
            None => Err(NotPermitted::Outside { is: is.to_string(), granted: format!("no {field}"), add }),
        }
    }

    pub(super) fn widen(&self, value: Option<&ScopeValue>, argument: &Value) -> Option<ScopeValue> {
        let number = argument.as_u64()?;
        let bound = value.and_then(ScopeValue::as_number).unwrap_or(number);
        Some(ScopeValue::Bound((self.widened)(bound, number)))
    }
}
