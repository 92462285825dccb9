//! The fields of a scope that a grant for `ansai:certificate` sets.

use ansai_core::scope::{Count, Endpoints, Field, Hours, Names, PER_HOURS, Roots, Targets, TypedField};

/// The directories with certificates and keys that the probe may look at.
pub const ROOTS: TypedField<Roots> = TypedField::set("roots", "directories with certificates and keys");

/// The lineages that may be renewed and installed.
pub const LINEAGES: TypedField<Names> = TypedField::set("lineages", "lineages of certbot, by name or shell pattern");

/// The targets that certificates may be installed for.
pub const TARGETS: TypedField<Targets> =
    TypedField::targets("targets", &["certificate"], "servers of this host, as targets");

/// The servers that may be looked at after an installation.
pub const ENDPOINTS: TypedField<Endpoints> = TypedField::set("endpoints", "servers that it may check");

/// The most renewals.
pub const MAX_RENEWALS: TypedField<Count> = TypedField::at_most("max_renewals", 2, "renewals of one lineage");

/// The most reloads of one server without an installation: one a day within the window.
pub const MAX_RELOADS: TypedField<Count> = TypedField::at_most("max_reloads", 7, "reloads of one server");

/// The window of `max_renewals` and `max_reloads`: authorities count by the week.
const BOUNDS_PER_HOURS: TypedField<Hours> = TypedField::operator(
    PER_HOURS.field().name,
    168,
    "the bounds of a step also apply to all steps within so many hours together",
);

/// All fields of `certificate-probe`.
pub(super) const PROBE: &[Field] = &[ROOTS.field()];

/// All fields of `certificate-actions`.
pub(super) const ACTIONS: &[Field] = &[
    LINEAGES.field(),
    TARGETS.field(),
    ENDPOINTS.field(),
    MAX_RENEWALS.field(),
    MAX_RELOADS.field(),
    BOUNDS_PER_HOURS.field(),
];
