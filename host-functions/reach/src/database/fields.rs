//! The fields of a scope that a grant for `ansai:database` sets.

use ansai_core::scope::{Field, Minutes, Names, Targets, TypedField};

use crate::{mysql, postgresql};

/// The granted servers.
pub(crate) const TARGETS: TypedField<Targets> =
    TypedField::targets("targets", &[postgresql::KIND, mysql::KIND], "databases, by the names of their targets");

/// Whose sessions may be ended.
pub const USERS: TypedField<Names> = TypedField::set("users", "roles of the database, by name or shell pattern");

/// Sessions of which programs may be ended.
pub const APPLICATIONS: TypedField<Names> = TypedField::set(
    "applications",
    "names that clients give themselves, or shell patterns; `*` covers clients without one",
);

/// How old a transaction or statement must be.
pub const MIN_MINUTES: TypedField<Minutes> =
    TypedField::at_least("min_minutes", 5, "age of the transaction of a session that is cancelled or ended");

pub(super) const PROBE: &[Field] = &[TARGETS.field()];

pub(super) const SESSIONS: &[Field] = &[TARGETS.field(), USERS.field(), APPLICATIONS.field(), MIN_MINUTES.field()];
