//! Descriptions of scopes.

use ansai_core::Field;
use ansai_kit::authorize::Check;

use super::{Bound, ScopeKey};

pub(super) fn key(field: &Field) -> ScopeKey {
    ScopeKey {
        name: field.name,
        kind: field.kind(),
        about: field.about,
        default: (!field.is_set()).then(|| field.written(&field.default())),
        format: field.format(),
        meeting: field.meeting(),
    }
}

pub(super) fn bound(check: &Check) -> Bound {
    Bound { argument: check.shown(), key: check.field.name, must: check.field.must() }
}
