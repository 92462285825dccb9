//! The fields of a scope that a grant for `ansai:container` sets.

use ansai_core::scope::{Count, Field, Hours, Names, PER_HOURS, Switch, Targets, TypedField};

/// The granted engines.
pub const TARGETS: TypedField<Targets> =
    TypedField::targets("targets", &[super::KIND], "container engines, by the names of their targets");

/// The granted containers.
pub const CONTAINERS: TypedField<Names> = TypedField::set("containers", "containers, by name or shell pattern");

/// The granted labels.
pub const LABELS: TypedField<Names> = TypedField::set(
    "labels",
    "labels `KEY=VALUE` or shell patterns, one of which the container must have; `*` covers containers without labels",
);

/// The most restarts.
pub const MAX_RESTARTS: TypedField<Count> = TypedField::at_most("max_restarts", 3, "restarts of one container");

/// The window of `max_restarts`, as of services: a restart does not use anything up.
const RESTARTS_PER_HOURS: TypedField<Hours> = TypedField::operator(
    PER_HOURS.field().name,
    1,
    "the bounds of a step also apply to all steps within so many hours together",
);

/// How old what is removed must be.
pub const MIN_AGE_HOURS: TypedField<Hours> =
    TypedField::at_least("min_age_hours", 168, "age of images and volumes that are removed");

/// How many tags of a repository stay.
pub const KEEP_TAGS: TypedField<Count> =
    TypedField::at_least("keep_tags", 2, "newest tagged images of a repository that stay");

/// Whether images with a tag stay.
pub const DANGLING_ONLY: TypedField<Switch> =
    TypedField::restrict("dangling_only", true, "only images without a tag may be removed");

/// Whether unnamed volumes may be removed.
pub const UNNAMED_VOLUMES: TypedField<Switch> =
    TypedField::allow("unnamed_volumes", false, "volumes without a name may be removed, with the data in them");

pub(super) const PROBE: &[Field] = &[TARGETS.field()];

pub(super) const ACTIONS: &[Field] =
    &[TARGETS.field(), CONTAINERS.field(), LABELS.field(), MAX_RESTARTS.field(), RESTARTS_PER_HOURS.field()];

pub(super) const CLEANUP: &[Field] =
    &[TARGETS.field(), MIN_AGE_HOURS.field(), KEEP_TAGS.field(), DANGLING_ONLY.field(), UNNAMED_VOLUMES.field()];
