//! `[index]`: the index of policies that `ansai search` and `ansai info` read.

use std::path::PathBuf;

use crate::export::{MOST_TEXT, address, path};
use crate::fields::Fields;
use crate::node::Node;
use crate::problem::{Problem, Problems};

/// An index of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyIndex {
    /// An absolute path, or an address that begins with `https://`.
    pub source: String,
    /// File with the public key of its publisher, in PEM.
    pub key: PathBuf,
}

pub(crate) fn read(node: &Node, problems: &mut Problems) -> Option<PolicyIndex> {
    let fields = Fields::of(node, "`[index]`", &["source", "key"], problems)?;
    fields.require(
        &[
            ("source", "source = \"https://policies.example.org/index.json\""),
            ("key", "key = \"/etc/ansai/policies.example.org.pub\""),
        ],
        problems,
    );
    let key = path(&fields, "key", problems);
    let source = fields.text("source", MOST_TEXT, problems).zip(fields.get("source")).and_then(|(text, node)| {
        if !text.contains("://") {
            return path(&fields, "source", problems).and(Some(text));
        }
        match address(text, false) {
            Ok(_) => Some(text),
            Err((code, words, hint)) => {
                problems.add(Problem::error(code, node.span.clone(), format!("`source` {words}")).hint(hint));
                None
            }
        }
    });
    Some(PolicyIndex { source: source?.to_owned(), key: key? })
}
