//! The tables in force for one interface: each granted table, narrowed by each requested one.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{Field, Scope, ScopeTables, ScopeValue};

/// The most tables that can be in force for one interface.
pub const MOST_IN_FORCE: usize = 256;

/// The most pairs of members that are compared to find tables that another one covers. Such a table is harmless, so a
/// long list does not have to be searched to its end.
const MOST_COMPARISONS: usize = 10_000;

/// The scope in force of one interface: at least one table, in the operator's order. A call is permitted if one table
/// permits all of it. As JSON it is the list of its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeInForce {
    tables: Vec<TableInForce>,
    together: Arc<Scope>,
}

/// One table in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInForce {
    /// With every field filled in.
    pub scope: Arc<Scope>,
    /// The granted table that it comes from, counted from 1.
    number: usize,
    /// How many tables are granted.
    of: usize,
}

/// Request and grant have more than [`MOST_IN_FORCE`] tables in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("request and grant have more than {MOST_IN_FORCE} tables in common")]
pub struct TooManyInForce;

impl TableInForce {
    /// The granted table that it comes from, counted from 1. Several requested tables share it.
    pub fn number(&self) -> usize {
        self.number
    }

    /// `table 2 of 3`, as the operator counts; `None` if only one table is granted.
    pub fn place(&self) -> Option<String> {
        (self.of > 1).then(|| format!("table {} of {}", self.number, self.of))
    }
}

impl ScopeInForce {
    /// The intersection of each granted table with each requested one, in the operator's order. Leaves out what permits
    /// nothing (every set is empty) and what an earlier table covers. If all permit nothing, the first one stays, so
    /// that refusals can name it.
    ///
    /// # Errors
    /// More than [`MOST_IN_FORCE`] tables remain.
    pub fn of(fields: &[Field], asked: &ScopeTables, granted: &ScopeTables) -> Result<Self, TooManyInForce> {
        let (mut tables, mut without_effect) = (Vec::<TableInForce>::new(), None);
        // With covered tables too: a root below another root may have a quarantine of its own.
        let mut all: Vec<Arc<Scope>> = Vec::new();
        let mut comparisons = MOST_COMPARISONS;
        let of = granted.count();
        for (index, grant) in granted.iter().enumerate() {
            for request in asked {
                let scope = Arc::new(Scope::in_force(fields, request, grant));
                let table = TableInForce { scope, number: index + 1, of };
                if permits_nothing(fields, &table.scope) {
                    without_effect.get_or_insert(table);
                    continue;
                }
                all.push(table.scope.clone());
                // Only an earlier table: it is chosen for every call that both permit.
                if tables.iter().any(|earlier| covers(fields, &earlier.scope, &table.scope, &mut comparisons)) {
                    continue;
                }
                if tables.len() == MOST_IN_FORCE {
                    return Err(TooManyInForce);
                }
                tables.push(table);
            }
        }
        if tables.is_empty() {
            all.extend(without_effect.iter().map(|table| table.scope.clone()));
            tables.extend(without_effect);
        }
        let together = match all.as_slice() {
            [only] => only.clone(),
            several => Arc::new(union(fields, several)),
        };
        Ok(ScopeInForce { tables, together })
    }

    /// The tables, in the operator's order.
    pub fn tables(&self) -> &[TableInForce] {
        &self.tables
    }

    /// What all tables permit together: all members of sets, the widest bounds, and the first table's value of what the
    /// operator alone chooses. It mixes tables, so it bounds what is read, never what is changed.
    pub fn together(&self) -> &Arc<Scope> {
        &self.together
    }
}

/// One table, granted as it is.
impl From<Scope> for ScopeInForce {
    fn from(scope: Scope) -> Self {
        let scope = Arc::new(scope);
        ScopeInForce { together: scope.clone(), tables: vec![TableInForce { scope, number: 1, of: 1 }] }
    }
}

impl Serialize for ScopeInForce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.tables.iter().map(|table| &*table.scope))
    }
}

/// Whether the interface has sets, and the scope has no member of any.
fn permits_nothing(fields: &[Field], scope: &Scope) -> bool {
    let mut sets = fields.iter().filter(|field| field.is_set()).peekable();
    sets.peek().is_some() && sets.all(|field| scope.get(field).is_none_or(ScopeValue::is_empty))
}

/// Whether one scope permits everything that another one permits, as far as the comparisons that are left can tell.
fn covers(fields: &[Field], outer: &Scope, inner: &Scope, comparisons: &mut usize) -> bool {
    if outer == inner {
        return true;
    }
    let members = |scope: &Scope, field| scope.get(field).and_then(ScopeValue::as_set).map_or(1, <[String]>::len);
    let pairs = fields.iter().map(|field| members(outer, field).saturating_mul(members(inner, field)));
    let pairs = pairs.fold(0_usize, usize::saturating_add);
    match comparisons.checked_sub(pairs) {
        Some(left) => *comparisons = left,
        None => return false,
    }
    fields.iter().all(|field| match (inner.get(field), outer.get(field)) {
        (Some(inner), Some(outer)) => field.covers(inner, outer),
        _ => false,
    })
}

fn union(fields: &[Field], tables: &[Arc<Scope>]) -> Scope {
    let joined = |field: &Field| {
        let values = tables.iter().filter_map(|table| table.get(field));
        let value = match field.is_set() {
            true => {
                let mut seen = HashSet::new();
                let members = values.filter_map(ScopeValue::as_set).flatten();
                Some(ScopeValue::Set(members.filter(|member| seen.insert(*member)).cloned().collect()))
            }
            false => values
                .filter_map(ScopeValue::as_number)
                .reduce(|a, b| field.wider(a, b))
                .map(|number| field.value_of(number)),
        };
        Some((field.name.to_owned(), value?))
    };
    Scope(fields.iter().filter_map(joined).collect())
}
