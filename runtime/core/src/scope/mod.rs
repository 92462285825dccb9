//! Scopes: the fields that an interface declares, a manifest requests and the operator grants.
//!
//! A [`Scope`] is one table. Request and grant are one table or a list of them ([`ScopeTables`]). In force is the
//! intersection of each granted table with each requested one, with every field filled in ([`ScopeInForce`]): of two
//! bounds, the stricter one applies; of two sets, what both cover. One table in force must permit a whole call.
//!
//! A [`Field`] knows how its values are written, shown and intersected: its type is in [`types`], its rule in `rule`. A
//! domain declares each field once, as a constant with its type, and reads scopes through it:
//!
//! ```
//! use ansai_core::Scope;
//! use ansai_core::scope::{Bytes, Roots, TypedField};
//!
//! const ROOTS: TypedField<Roots> = TypedField::set("roots", "directories that it may act in");
//! const MAX_BYTES: TypedField<Bytes> = TypedField::at_most("max_bytes", 10 << 30, "bytes in one step");
//!
//! let granted = Scope::default().with_set(&ROOTS, ["/var/log"]);
//! let scope = Scope::in_force(&[ROOTS.field(), MAX_BYTES.field()], &Scope::default(), &granted);
//! assert_eq!(scope.roots(&ROOTS), ["/var/log"]);
//! assert_eq!(scope.bytes(&MAX_BYTES), 10 << 30);
//! ```
//!
//! A field of another type does not compile:
//!
//! ```compile_fail
//! use ansai_core::Scope;
//! use ansai_core::scope::{Hours, TypedField};
//!
//! const MIN_AGE: TypedField<Hours> = TypedField::at_least("min_age_hours", 24, "");
//! Scope::default().bytes(&MIN_AGE);
//! ```

mod endpoint;
mod error;
mod field;
mod in_force;
mod number;
mod path;
mod permits;
mod rule;
mod set;
mod tables;
mod toml;
pub mod types;
mod value;
mod window;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use endpoint::canonical_endpoint;
pub use error::ScopeError;
pub use field::{Field, Reach, TypedField};
pub use in_force::{MOST_IN_FORCE, ScopeInForce, TableInForce, TooManyInForce};
pub use number::{Number, NumberArgument, NumberType, whole};
pub use path::{is_plain_absolute, is_within};
pub use permits::NotPermitted;
pub use set::{Set, SetType};
pub use tables::{MOST_TABLES, ScopeTables, TableCountError};
pub use types::{Bytes, Count, Endpoints, Hooks, Hours, Minutes, Names, Percent, Roots, Switch, Targets, Words};
pub use value::ScopeValue;
pub use window::PER_HOURS;

/// One table of scope fields for an interface: in a manifest's request, in a grant, or in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(BTreeMap<String, ScopeValue>);

impl Scope {
    /// Parses a table. In a request, the text `"operator"` leaves a field to the operator.
    pub fn parse(
        interface: &str,
        fields: &[Field],
        table: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Scope, ScopeError> {
        let mut scope = BTreeMap::new();
        for (name, value) in table {
            let Some(field) = fields.iter().find(|field| field.name == name) else {
                return Err(ScopeError::UnknownField {
                    interface: interface.to_owned(),
                    field: name.clone(),
                    known: fields.iter().map(|field| field.name).collect(),
                });
            };
            if value == "operator" {
                continue;
            }
            let value =
                field.parse(value).map_err(|problem| ScopeError::Value { field: field.name.to_owned(), problem })?;
            scope.insert(name.clone(), value);
        }
        Ok(Scope(scope))
    }

    /// The scope in force: the grant, narrowed by the request, with defaults filled in.
    pub fn in_force(fields: &[Field], asked: &Scope, granted: &Scope) -> Scope {
        let meet = |field: &Field| (field.name.to_owned(), field.meet(asked.get(field), granted.get(field)));
        Scope(fields.iter().map(meet).collect())
    }

    /// The value of a field; `None` if it is absent.
    pub fn get(&self, field: &Field) -> Option<&ScopeValue> {
        self.0.get(field.name)
    }

    /// All fields and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ScopeValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Adds or replaces the fields of another scope.
    #[must_use]
    pub fn merged(mut self, other: Scope) -> Scope {
        self.0.extend(other.0);
        self
    }

    /// Adds or replaces a set.
    #[must_use]
    pub fn with_set<T: SetType>(
        self,
        field: &TypedField<T>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Scope {
        self.with(&field.field(), ScopeValue::Set(values.into_iter().map(Into::into).collect()))
    }

    /// Adds or replaces a number.
    #[must_use]
    pub fn with_number<T: NumberType>(self, field: &TypedField<T>, number: u64) -> Scope {
        let field = field.field();
        self.with(&field, field.value_of(number))
    }

    /// Adds or replaces a switch.
    #[must_use]
    pub fn with_switch(self, field: &TypedField<Switch>, is_on: bool) -> Scope {
        self.with_number(field, u64::from(is_on))
    }

    fn with(mut self, field: &Field, value: ScopeValue) -> Scope {
        self.0.insert(field.name.to_owned(), value);
        self
    }

    /// The value of a set field; empty if it is absent.
    fn members<T: SetType>(&self, field: &TypedField<T>) -> &[String] {
        self.get(&field.field()).and_then(ScopeValue::as_set).unwrap_or_default()
    }

    /// The value of a number field; if it is absent, the one that permits least.
    fn number<T: NumberType>(&self, field: &TypedField<T>) -> u64 {
        let field = field.field();
        self.get(&field).and_then(ScopeValue::as_number).unwrap_or_else(|| field.strictest())
    }
}

#[cfg(test)]
mod tests;
