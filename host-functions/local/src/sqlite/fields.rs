//! The fields of a scope that a grant for `ansai:sqlite` sets.

use ansai_core::scope::{Bytes, Field, PER_HOURS, Roots, TypedField};

/// The directories with databases, and for copies of them.
pub const ROOTS: TypedField<Roots> = TypedField::set("roots", "directories with databases, and with all that is below");

/// The most bytes of databases that steps rewrite or copy, with their `-wal` files.
pub const MAX_BYTES: TypedField<Bytes> =
    TypedField::at_most("max_bytes", 10 << 30, "bytes of the databases that steps rewrite or copy");

/// All fields of `sqlite-probe`.
pub(super) const PROBE: &[Field] = &[ROOTS.field()];

/// All fields of `sqlite-actions`.
pub(super) const ACTIONS: &[Field] = &[ROOTS.field(), MAX_BYTES.field(), PER_HOURS.field()];
