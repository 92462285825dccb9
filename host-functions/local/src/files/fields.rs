//! The fields of a scope that a grant for `ansai:files` sets.

use ansai_core::scope::{Bytes, Count, Field, Hours, PER_HOURS, Percent, Roots, Switch, TypedField};
use ansai_kit::action::Amount;

/// The granted directories, for probes and actions.
pub const ROOTS: TypedField<Roots> = TypedField::set("roots", "directories, with all that is below them");

/// The least age of a file that an action may touch, in hours.
pub const MIN_AGE_HOURS: TypedField<Hours> =
    TypedField::at_least("min_age_hours", 24, "younger files are never touched (by mtime, atime and ctime)");

/// The most files of one step.
pub const MAX_FILES: TypedField<Count> = TypedField::at_most("max_files", 10_000, "files in one step");

/// The most allocated bytes of one step.
pub const MAX_BYTES: TypedField<Bytes> = TypedField::at_most("max_bytes", 10 << 30, "bytes in one step");

/// Whether a rotation may delete what it drops, although removed files have a quarantine.
pub const PERMANENT: TypedField<Switch> = TypedField::allow(
    "permanent",
    false,
    "a rotation may delete the files beyond `keep` for good; without it, only where `undo_hours` is 0",
);

/// How long removed files stay in quarantine, in hours; 0 for no quarantine.
pub const UNDO_HOURS: TypedField<Hours> = TypedField::operator(
    "undo_hours",
    24,
    "how long removed files wait in quarantine where the level allows; 0 for never",
);

/// The usage of a file system up to which removed files go to quarantine, in percent.
pub const HOLD_BELOW_PERCENT: TypedField<Percent> = TypedField::operator(
    "hold_below_percent",
    90,
    "removed files are unlinked at once where the file system would stay fuller than this",
);

/// All fields of `quarantine-actions`.
pub(super) const QUARANTINE: &[Field] = &[ROOTS.field(), MAX_FILES.field(), MAX_BYTES.field(), PER_HOURS.field()];

/// All fields of `files-actions`.
pub(super) const ACTIONS: &[Field] = &[
    ROOTS.field(),
    MIN_AGE_HOURS.field(),
    MAX_FILES.field(),
    MAX_BYTES.field(),
    PER_HOURS.field(),
    UNDO_HOURS.field(),
    HOLD_BELOW_PERCENT.field(),
    PERMANENT.field(),
];

/// What files of these allocated sizes use of a grant.
pub(super) fn amounts(sizes: impl Iterator<Item = u64>) -> Vec<Amount> {
    let (files, bytes) = sizes.fold((0_u64, 0_u64), |(files, bytes), size| (files + 1, bytes.saturating_add(size)));
    vec![Amount::of(&MAX_FILES, files), Amount::of(&MAX_BYTES, bytes)]
}
