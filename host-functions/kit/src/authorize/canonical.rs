//! What a call leads to: the canonical name behind an alias, a link or a container. The grant must permit it too,
//! and not only what the policy wrote.

use std::sync::Arc;

use ansai_core::scope::{NotPermitted, TableInForce, TypedField};
use ansai_core::text::inert;
use ansai_core::{InstanceName, Refusal, Scope, ScopeInForce};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::places;
use crate::registry::{Function, InterfaceDef};

/// What a step really concerns, with the field of the scope that bounds it: the `Id` of a unit behind its alias, the
/// directory behind a link. It is kept with the step, so that the executor can check it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canonical {
    /// The name of the field.
    pub field: String,
    /// In the form of an argument that the field bounds.
    pub value: Value,
}

impl Canonical {
    /// Of a field.
    pub fn new<T>(field: &TypedField<T>, value: impl Into<Value>) -> Canonical {
        Canonical { field: field.field().name.to_owned(), value: value.into() }
    }
}

/// Who calls which function, and what is granted of its interface.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The instance.
    pub instance: &'a InstanceName,
    /// The interface.
    pub entry: &'a InterfaceDef,
    /// The function.
    pub function: &'a Function,
    /// What is granted.
    pub granted: Option<&'a ScopeInForce>,
}

impl Asked<'_> {
    /// The granted table of a scope in force, counted from 1; 0 if it is of none.
    pub fn table(&self, scope: &Arc<Scope>) -> usize {
        let tables = self.granted.map(ScopeInForce::tables).unwrap_or_default();
        tables.iter().find(|table| Arc::ptr_eq(&table.scope, scope)).map_or(0, TableInForce::number)
    }

    /// Refuses a call that leads to something outside a scope. The scope is one that
    /// [`authorize`](super::authorize()) returned: one table must permit the arguments and what they lead to.
    ///
    /// # Errors
    /// `denied` names the call, what it leads to, what is granted, and the line to add. What has no field or no valid
    /// form is refused too: that is a fault of the action.
    pub fn covers(&self, scope: &Arc<Scope>, canonical: &[Canonical]) -> Result<(), Refusal> {
        canonical.iter().try_for_each(|one| self.covers_one(scope, one))
    }

    fn covers_one(&self, scope: &Arc<Scope>, Canonical { field: name, value }: &Canonical) -> Result<(), Refusal> {
        let interface = &self.entry.interface;
        let call = format!("{}.{}", interface.name, self.function.name);
        let Some(field) = interface.fields.iter().find(|field| field.name == name) else {
            return Err(Refusal::Other(format!("{call}: no field `{}` bounds what it leads to", inert(name, 80))));
        };
        match scope.permits(field, value) {
            Ok(()) => Ok(()),
            Err(NotPermitted::Invalid(why)) => Err(Refusal::Other(format!("{call}: what it leads to {why}"))),
            Err(NotPermitted::Outside { is, granted, add }) => {
                let tables = self.granted.map(ScopeInForce::tables).unwrap_or_default();
                let (found, place) = places(tables.iter().find(|table| Arc::ptr_eq(&table.scope, scope)));
                let (instance, interface) = (self.instance, &interface.name);
                Err(Refusal::Denied(format!(
                    "{call}: it leads to {is}, granted is {granted}{found}; \
                     to allow it, {add} in [policy.{instance}.grant] \"{interface}\"{place}"
                )))
            }
        }
    }
}

/// The refusal of a probe whose argument leads outside its scope.
pub fn leads_outside(why: NotPermitted) -> Refusal {
    match why {
        NotPermitted::Invalid(why) => Refusal::Other(format!("what it leads to {why}")),
        NotPermitted::Outside { is, granted, add } => {
            Refusal::Denied(format!("it leads to {is}, granted is {granted}; to allow it, {add} in the grant"))
        }
    }
}
