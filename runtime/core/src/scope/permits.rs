//! Whether a scope permits an argument of a call.

use serde_json::Value;

use super::{Field, Number, NumberArgument, Scope, ScopeValue, SetType, TypedField};
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

    /// Checks a canonical name against a set: what an alias, a link or a container of an argument leads to.
    pub fn covers<T: SetType>(&self, field: &TypedField<T>, canonical: &str) -> Result<(), NotPermitted> {
        self.permits(&field.field(), &canonical.into())
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
        let text = argument.as_str().ok_or_else(|| NotPermitted::Invalid(format!("is not {}", self.argument)))?;
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
    pub(super) fn check(
        &self,
        number: &Number,
        field: &str,
        value: Option<&ScopeValue>,
        argument: &Value,
    ) -> Result<(), NotPermitted> {
        let NumberArgument { read, show, per } = number.argument;
        let argument = read(argument).map_err(NotPermitted::Invalid)?;
        let bound = value.and_then(ScopeValue::as_number);
        if bound.is_some_and(|bound| (self.permits)(argument, bound.saturating_mul(per))) {
            return Ok(());
        }
        let add = format!("set {field} = {}", (number.value)((self.nearest)(argument, per)).plain());
        Err(match value {
            Some(bound) => NotPermitted::Outside {
                is: format!("{}{}", show(argument), self.beyond),
                granted: format!("{field} = {}", bound.plain()),
                add,
            },
            None => NotPermitted::Outside { is: show(argument), granted: format!("no {field}"), add },
        })
    }

    pub(super) fn widen(&self, number: &Number, value: Option<&ScopeValue>, argument: &Value) -> Option<ScopeValue> {
        let NumberArgument { read, per, .. } = number.argument;
        let nearest = (self.nearest)(read(argument).ok()?, per);
        let bound = value.and_then(ScopeValue::as_number).unwrap_or(nearest);
        Some((number.value)((self.widened)(bound, nearest)))
    }
}
