//! The fields of a scope that a grant for `ansai:hook` sets.

use ansai_core::scope::{Count, Field, Hooks, PER_HOURS, TypedField};

/// The granted hooks, for probes and actions.
pub(super) const HOOKS: TypedField<Hooks> = TypedField::set("hooks", "hooks, by the names of their tables [hook.NAME]");

/// The most runs.
pub(super) const MAX_RUNS: TypedField<Count> = TypedField::at_most("max_runs", 3, "runs of one hook");

/// All fields of `hook-probe`.
pub(super) const PROBE: &[Field] = &[HOOKS.field()];

/// All fields of `hook-actions`.
pub(super) const ACTIONS: &[Field] = &[HOOKS.field(), MAX_RUNS.field(), PER_HOURS.field()];
