//! Describes every setting, for `inspect` and the reference.

use serde::Serialize;
use serde_json::Value;

use ansai_core::text::inert;

use super::tree::{self, View};
use super::words;

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettingDescription {
    /// Path of the setting: `thresholds.warning`.
    pub path: String,
    /// Accepted values, in words: `whole number, 1 to 100`, `size`, `one of "a", "b"`.
    pub kind: String,
    /// Default value, as written in the schema.
    pub default: Option<Value>,
    /// The author's description, made safe for terminals; may be empty.
    pub description: String,
    /// Whether the setting has no default and must be set.
    pub required: bool,
}

pub(super) fn describe(tree: &Value) -> Vec<SettingDescription> {
    let mut found = Vec::new();
    walk(&tree::views(tree), "", true, &mut found);
    found
}

fn walk(around: &[View<'_>], prefix: &str, needed: bool, found: &mut Vec<SettingDescription>) {
    for name in tree::names(around) {
        let views = tree::property(around, name);
        let shown = inert(name, 80);
        let path = match prefix {
            "" => shown,
            prefix => format!("{prefix}.{shown}"),
        };
        let default = words::first(&views, "default").cloned();
        let required = needed && is_required(around, name) && default.is_none();
        if !tree::names(&views).is_empty() {
            walk(&views, &path, required, found);
            continue;
        }
        let description = words::first(&views, "description").and_then(Value::as_str);
        found.push(SettingDescription {
            path,
            kind: words::kind(&views),
            default,
            // One line, also where the author wrote several.
            description: inert(&one_line(description.unwrap_or_default()), 1_000),
            required,
        });
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_required(around: &[View<'_>], name: &str) -> bool {
    around
        .iter()
        .filter(|view| view.always)
        .filter_map(|view| view.schema.get("required").and_then(Value::as_array))
        .flatten()
        .any(|required| required == name)
}
