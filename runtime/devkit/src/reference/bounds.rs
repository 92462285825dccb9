//! Descriptions of scopes.

use ansai_core::{Field, FieldKind};
use ansai_kit::authorize::{Check, Rule};

use super::{Bound, ScopeKey};

pub(super) fn key(field: &Field) -> ScopeKey {
    let default = match field.kind {
        FieldKind::Roots | FieldKind::Names => None,
        _ => Some(ansai_config::scope_value_example(field)),
    };
    ScopeKey { name: field.name, kind: field.kind, about: field.about, default }
}

impl ScopeKey {
    /// Format of a value.
    pub fn written(&self) -> &'static str {
        match self.kind {
            FieldKind::Roots => "list of absolute directories",
            FieldKind::Names => "list of names or shell patterns",
            FieldKind::MostCount => "whole number, at most",
            FieldKind::MostBytes => "size, at most",
            FieldKind::LeastHours => "hours, at least",
            FieldKind::LeastBytes => "size, at least",
            FieldKind::OperatorHours => "hours",
            FieldKind::OperatorPercent => "whole percent, 0 to 100",
        }
    }

    /// How the scope in force results if request and grant both set the key.
    pub fn meeting(&self) -> &'static str {
        match self.kind {
            FieldKind::Roots => "directories that both cover",
            FieldKind::Names => "names that both cover",
            FieldKind::MostCount | FieldKind::MostBytes => "the smaller value",
            FieldKind::LeastHours | FieldKind::LeastBytes => "the larger value",
            FieldKind::OperatorHours | FieldKind::OperatorPercent => "the value of the grant",
        }
    }
}

pub(super) fn bound(check: &Check) -> Bound {
    let argument = check.argument.trim_start_matches('/').replace('/', ".");
    let (key, must) = match check.rule {
        Rule::Within(key) => (key, format!("at or below one of `{key}`")),
        Rule::Named(key) => (key, format!("a name that one of `{key}` covers")),
        Rule::AtLeast(key) => (key, format!("at least `{key}`")),
        Rule::AtMost(key) => (key, format!("at most `{key}`")),
    };
    Bound { argument, key, must }
}
