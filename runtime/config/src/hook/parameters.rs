//! `parameters` of a hook: the values that a policy may choose.

use std::collections::BTreeMap;

use ansai_core::codes;
use ansai_core::hook::MOST_PARAMETERS;
use ansai_core::text::inert;

use crate::fields::wrong_type;
use crate::identifier;
use crate::manifest::table_of;
use crate::node::{Kind, Node};
use crate::problem::{Problem, Problems};

const MOST_VALUES: usize = 256;
const MOST_VALUE: usize = 255;

/// The values of each parameter.
pub(super) type Parameters = BTreeMap<String, Vec<String>>;

/// Reads `parameters`.
pub(super) fn read(node: &Node, problems: &mut Problems) -> Parameters {
    let entries = table_of("`parameters`", node, problems).unwrap_or_default();
    if let Some(entry) = entries.get(MOST_PARAMETERS) {
        let message = format!("{} parameters, more than {MOST_PARAMETERS}", entries.len());
        problems.add(Problem::error(codes::TOO_MANY_ENTRIES, entry.key_span.clone(), message));
    }
    let mut parameters = Parameters::new();
    for entry in entries.iter().take(MOST_PARAMETERS) {
        if !identifier::is_name(&entry.key) {
            problems.add(identifier::bad_name("a parameter", &entry.key, entry.key_span.clone()));
            continue;
        }
        // Its name is known in any case, so that a placeholder for it is no second mistake.
        let values = values(&entry.key, &entry.node, problems).unwrap_or_default();
        parameters.insert(entry.key.clone(), values);
    }
    parameters
}

fn values(name: &str, node: &Node, problems: &mut Problems) -> Option<Vec<String>> {
    let hint = format!("list the permitted values, such as parameters.{name} = [\"blue\", \"green\"]");
    let Kind::Array(list) = &node.kind else {
        problems.add(wrong_type(name, node, "a list of texts").hint(hint));
        return None;
    };
    if list.is_empty() {
        let message = format!("the parameter `{name}` has no permitted value");
        problems.add(Problem::error(codes::BAD_HOOK, node.span.clone(), message).hint(hint));
        return None;
    }
    if let Some(one) = list.get(MOST_VALUES) {
        let message = format!("the parameter `{name}` has {} values, more than {MOST_VALUES}", list.len());
        problems.add(Problem::error(codes::TOO_MANY_ENTRIES, one.span.clone(), message));
        return None;
    }
    let mut values = Vec::with_capacity(list.len());
    for one in list {
        let Kind::Text(value) = &one.kind else {
            problems.add(wrong_type(name, one, "a list of texts").hint(hint.as_str()));
            return None;
        };
        // A value becomes a part of an argument, a URL, a log line and a preview.
        if value.is_empty() || value.len() > MOST_VALUE || inert(value, MOST_VALUE) != *value {
            let message =
                format!("a value of `{name}` is empty, longer than {MOST_VALUE} bytes, or has a control character");
            problems.add(Problem::error(codes::BAD_HOOK, one.span.clone(), message).hint("write visible characters"));
            return None;
        }
        values.push(value.clone());
    }
    Some(values)
}
