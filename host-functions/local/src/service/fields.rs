//! The fields of a scope that a grant for `ansai:service` sets.

use ansai_core::scope::{Count, Field, Hours, Names, PER_HOURS, TypedField};

/// The granted services, for probes and actions.
pub const UNITS: TypedField<Names> = TypedField::set("units", "services, by name or shell pattern");

/// The most starts and restarts.
pub const MAX_RESTARTS: TypedField<Count> =
    TypedField::at_most("max_restarts", 3, "starts and restarts of one service");

/// The window of `max_restarts`: shorter than that of other bounds, because a restart does not use anything up.
const RESTARTS_PER_HOURS: TypedField<Hours> = TypedField::operator(
    PER_HOURS.field().name,
    1,
    "the bounds of a step also apply to all steps within so many hours together",
);

/// All fields of `service-probe`.
pub(super) const PROBE: &[Field] = &[UNITS.field()];

/// All fields of `service-actions`.
pub(super) const ACTIONS: &[Field] = &[UNITS.field(), MAX_RESTARTS.field(), RESTARTS_PER_HOURS.field()];
