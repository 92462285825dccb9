//! The fields of a scope that a grant for `ansai:mysql` sets.

use ansai_core::scope::{Bytes, Field, Minutes, Names, Targets, TypedField};

/// The granted servers.
pub(super) const TARGETS: TypedField<Targets> =
    TypedField::targets("targets", &[super::KIND], "databases, by the names of their targets");

/// The granted databases.
pub const DATABASES: TypedField<Names> = TypedField::set("databases", "databases, by name or shell pattern");

/// The most bytes of tables.
pub const MAX_BYTES: TypedField<Bytes> = TypedField::at_most("max_bytes", 10 << 30, "bytes of the table of a step");

/// The longest step.
pub const MAX_MINUTES: TypedField<Minutes> =
    TypedField::at_most("max_minutes", 30, "time of one step, after which it is ended");

pub(super) const PROBE: &[Field] = &[TARGETS.field()];

pub(super) const ACTIONS: &[Field] = &[TARGETS.field(), DATABASES.field(), MAX_BYTES.field(), MAX_MINUTES.field()];
