//! `approve = true` in a table of a grant: steps that this table permits need the approval of a person.

use std::collections::BTreeSet;

use ansai_core::codes;

use crate::node::{Entry, Kind, Node};
use crate::problem::{Problem, Problems};

/// The key. It is one of the operator's alone, so no interface has it as a field.
const KEY: &str = "approve";

/// Takes the key out of a grant: what is left, and the numbers of the marked tables, counted from 1.
pub(crate) fn take(node: &Node, problems: &mut Problems) -> (Node, BTreeSet<usize>) {
    let mut left = node.clone();
    let tables = match &mut left.kind {
        Kind::Array(tables) => tables.as_mut_slice(),
        _ => std::slice::from_mut(&mut left),
    };
    let mut marked = BTreeSet::new();
    for (index, table) in tables.iter_mut().enumerate() {
        let Kind::Table(entries) = &mut table.kind else { continue };
        let (own, others): (Vec<Entry>, Vec<Entry>) =
            std::mem::take(entries).into_iter().partition(|entry| entry.key == KEY);
        *entries = others;
        for entry in own {
            match entry.node.kind {
                Kind::Bool(true) => _ = marked.insert(index + 1),
                Kind::Bool(false) => {}
                _ => {
                    let message = format!("`{KEY}` must be true or false, not {}", entry.node.what());
                    problems.add(Problem::error(codes::WRONG_TYPE, entry.node.span.clone(), message));
                }
            }
        }
    }
    (left, marked)
}
