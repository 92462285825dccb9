//! What a grant can narrow.

use ansai_core::scope::{Bytes, Count, Field, Hours, Percent, Roots, TypedField};

/// Of both interfaces.
pub const ROOTS: TypedField<Roots> = TypedField::set("roots", "directories, with all that is below them");

/// Of actions.
pub const MIN_AGE_HOURS: TypedField<Hours> =
    TypedField::at_least("min_age_hours", 24, "younger files are never touched (by mtime, atime and ctime)");

/// Of actions.
pub const MAX_FILES: TypedField<Count> = TypedField::at_most("max_files", 10_000, "files in one step");

/// Of actions.
pub const MAX_BYTES: TypedField<Bytes> = TypedField::at_most("max_bytes", 10 << 30, "bytes in one step");

/// Of actions.
pub const UNDO_HOURS: TypedField<Hours> = TypedField::operator(
    "undo_hours",
    24,
    "how long removed files wait in quarantine where the level allows; 0 for never",
);

/// Of actions.
pub const HOLD_BELOW_PERCENT: TypedField<Percent> = TypedField::operator(
    "hold_below_percent",
    90,
    "removed files are unlinked at once where the file system would stay fuller than this",
);

/// All of actions.
pub(super) const ACTIONS: &[Field] = &[
    ROOTS.field(),
    MIN_AGE_HOURS.field(),
    MAX_FILES.field(),
    MAX_BYTES.field(),
    UNDO_HOURS.field(),
    HOLD_BELOW_PERCENT.field(),
];
