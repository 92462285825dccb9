//! Labels of a host or a target: names and values that the operator chooses.

use std::collections::BTreeMap;

use ansai_core::codes;
use ansai_core::text::inert;

use crate::fields::wrong_type;
use crate::identifier;
use crate::manifest::table_of;
use crate::node::{Kind, Node};
use crate::problem::{Problem, Problems};

/// Values by name.
pub type Labels = BTreeMap<String, String>;

const MOST_LABELS: usize = 64;
const MOST_VALUE: usize = 256;

/// Reads a table of labels; `place` names it in messages.
pub(crate) fn read(node: &Node, place: &str, problems: &mut Problems) -> Labels {
    let mut labels = Labels::new();
    let entries = table_of(place, node, problems).unwrap_or_default();
    if let Some(entry) = entries.get(MOST_LABELS) {
        let message = format!("{place} has {} labels, more than {MOST_LABELS}", entries.len());
        problems.add(
            Problem::error(codes::TOO_MANY_ENTRIES, entry.key_span.clone(), message)
                .hint("delete those that nobody reads"),
        );
    }
    for entry in entries.iter().take(MOST_LABELS) {
        let shown = inert(&entry.key, 80);
        if !identifier::is_name(&entry.key) {
            problems.add(identifier::bad_name("a label", &entry.key, entry.key_span.clone()));
        }
        let Kind::Text(value) = &entry.node.kind else {
            problems.add(
                wrong_type(&shown, &entry.node, "a text").hint(format!("write the value in quotes: {shown} = \"1\"")),
            );
            continue;
        };
        match wrong(value) {
            Some(why) => problems.add(
                Problem::error(codes::BAD_LABEL, entry.node.span.clone(), format!("the label `{shown}` {why}"))
                    .hint(format!("write one line of at most {MOST_VALUE} bytes")),
            ),
            None => drop(labels.insert(entry.key.clone(), value.clone())),
        }
    }
    labels
}

/// What is wrong with a value.
fn wrong(value: &str) -> Option<String> {
    if value.trim().is_empty() {
        return Some("is empty".to_owned());
    }
    if value.len() > MOST_VALUE {
        return Some(format!("has {} bytes, more than {MOST_VALUE}", value.len()));
    }
    (inert(value, MOST_VALUE) != value).then(|| "holds a control character".to_owned())
}
