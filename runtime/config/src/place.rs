//! Finds the place of a setting in the tree of a file.

use crate::node::{Kind, Node};
use crate::problem::{Problem, Problems};
use crate::schema::SettingProblem;
use crate::source::Span;

/// The deepest part of a path that is in the file.
pub(crate) struct Place {
    /// Its value.
    pub(crate) value: Span,
    /// Its key.
    pub(crate) key: Span,
    /// How many parts of the path are missing.
    pub(crate) missing: usize,
}

impl Place {
    /// Of a path below a node; of `table` if there is no node.
    pub(crate) fn of(node: Option<&Node>, table: &Span, path: &[String]) -> Place {
        let Some(mut node) = node else {
            return Place { value: table.clone(), key: table.clone(), missing: path.len() };
        };
        let mut key = node.span.clone();
        for (index, part) in path.iter().enumerate() {
            let next = match &node.kind {
                Kind::Array(list) => {
                    part.parse::<usize>().ok().and_then(|at| list.get(at)).map(|node| (node, node.span.clone()))
                }
                _ => node.get(part).map(|entry| (&entry.node, entry.key_span.clone())),
            };
            let Some((next, next_key)) = next else {
                return Place { value: node.span.clone(), key, missing: path.len() - index };
            };
            (node, key) = (next, next_key);
        }
        Place { value: node.span.clone(), key, missing: 0 }
    }
}

/// Problems of settings, each at its place.
pub(crate) fn placed(node: Option<&Node>, table: &Span, problems: &[SettingProblem]) -> Problems {
    let mut found = Problems::default();
    for problem in problems {
        let place = Place::of(node, table, &problem.path);
        let span = if problem.about_key || place.missing > 0 { place.key } else { place.value };
        found.add(Problem::error(problem.code, span, &problem.message).maybe_hint(problem.hint.clone()));
    }
    found
}
