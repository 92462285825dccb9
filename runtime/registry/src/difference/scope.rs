//! What a policy asks for within an interface: tables of fields, of which one must cover a call.

use std::collections::HashSet;

use ansai_core::scope::Field;
use ansai_core::{Scope, ScopeTables, ScopeValue};

use super::{Difference, Effect, What};

/// A field that a request leaves out.
const OPEN: &str = "what you choose";
/// The most pairs of members that are compared within one interface. With more, the difference counts as wider.
const MOST_COMPARISONS: usize = 200_000;

/// How many comparisons are left.
struct Budget(usize);

impl Budget {
    /// Whether one value permits everything that another one permits. What is too much work does not.
    fn covers(&mut self, field: &Field, inner: &ScopeValue, outer: &ScopeValue) -> bool {
        if inner == outer {
            return true;
        }
        let members = |value: &ScopeValue| match value {
            ScopeValue::Set(set) => set.len(),
            ScopeValue::Bound(_) | ScopeValue::Switch(_) => 1,
        };
        match self.0.checked_sub(members(inner).saturating_mul(members(outer))) {
            Some(left) => {
                self.0 = left;
                field.covers(inner, outer)
            }
            None => false,
        }
    }

    /// Whether one table asks for nothing that another one does not ask for.
    fn is_within(&mut self, fields: &[Field], inner: &Scope, outer: &Scope) -> bool {
        bounding(fields).all(|field| match (inner.get(field), outer.get(field)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(inner), Some(outer)) => self.covers(field, inner, outer),
        })
    }
}

/// What the operator alone chooses is no matter of requests.
fn bounding(fields: &[Field]) -> impl Iterator<Item = &Field> {
    fields.iter().filter(|field| !field.is_of_the_operator())
}

pub(super) fn compare(name: &str, fields: &[Field], (old, new): (&ScopeTables, &ScopeTables), found: &mut Difference) {
    if old == new {
        return;
    }
    let mut budget = Budget(MOST_COMPARISONS);
    if let (Some(was), Some(is)) = (old.only(), new.only()) {
        bounding(fields).for_each(|field| one_field(name, field, (was.get(field), is.get(field)), &mut budget, found));
        return;
    }
    for table in new {
        if !old.iter().any(|outer| budget.is_within(fields, table, outer)) {
            found.push(Effect::Wider, What::Scope, name, None, Some(words(fields, table)));
        }
    }
    for table in old {
        if !new.iter().any(|outer| budget.is_within(fields, table, outer)) {
            found.push(Effect::Narrower, What::Scope, name, Some(words(fields, table)), None);
        }
    }
}

fn one_field(
    name: &str,
    field: &Field,
    (was, is): (Option<&ScopeValue>, Option<&ScopeValue>),
    budget: &mut Budget,
    found: &mut Difference,
) {
    let shown = |value: Option<&ScopeValue>| Some(format!("{}: {}", field.name, show(field, value)));
    match (was, is) {
        (None, None) => {}
        (None, Some(_)) => found.push(Effect::Narrower, What::Scope, name, shown(was), shown(is)),
        (Some(_), None) => found.push(Effect::Wider, What::Scope, name, shown(was), shown(is)),
        (Some(ScopeValue::Set(old)), Some(ScopeValue::Set(new))) => {
            let mut beyond = |these: &[String], those: &[String]| -> Vec<String> {
                // What is in both is not compared with all others.
                let same: HashSet<&String> = those.iter().collect();
                let those = ScopeValue::Set(those.to_vec());
                let mut is_covered = |one: &String| budget.covers(field, &ScopeValue::Set(vec![one.clone()]), &those);
                these.iter().filter(|&one| !same.contains(&one) && !is_covered(one)).cloned().collect()
            };
            if old == new {
                return;
            }
            let (added, gone) = (beyond(new, old), beyond(old, new));
            if !added.is_empty() {
                found.push(Effect::Wider, What::Scope, name, None, shown(Some(&ScopeValue::Set(added))));
            }
            if !gone.is_empty() {
                found.push(Effect::Narrower, What::Scope, name, shown(Some(&ScopeValue::Set(gone))), None);
            }
        }
        (Some(old), Some(new)) => {
            let effect = match (budget.covers(field, new, old), budget.covers(field, old, new)) {
                (true, true) => return,
                (true, false) => Effect::Narrower,
                (false, _) => Effect::Wider,
            };
            found.push(effect, What::Scope, name, shown(was), shown(is));
        }
    }
}

/// A table in words: `roots: /var/log; max_files: at most 5`.
pub(super) fn words(fields: &[Field], table: &Scope) -> String {
    let word = |field: &Field| match (table.get(field), field.is_set()) {
        (None, false) => None,
        (value, _) => Some(format!("{}: {}", field.name, show(field, value))),
    };
    bounding(fields).filter_map(word).collect::<Vec<_>>().join("; ")
}

fn show(field: &Field, value: Option<&ScopeValue>) -> String {
    match value {
        None => OPEN.to_owned(),
        Some(value) if value.is_empty() => "nothing".to_owned(),
        Some(value) => field.show(value),
    }
}
