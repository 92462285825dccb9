"""Uses the helpers of the SDK."""

from typing import Any

from ansai import (
    Evaluation,
    affects,
    apply,
    caused_by,
    count,
    gone,
    number,
    observation,
    part_of,
    policy,
    refusal_of,
    unhealthy,
)
from componentize_py_types import Err
from wit_world.imports import context, files_actions
from wit_world.imports.files_actions import Selection
from wit_world.imports.types import Decision, Observation, OnFailure, Refusal_NotFound, Severity, Subject, Unit

FILES = "ansai:files/files-actions"
LAST_DAY = 1_789_999_000_000


def unit(name: str = "web.service") -> Subject:
    return Subject("unit", name)


def detect(evaluation: Evaluation[Any]) -> list[Observation]:
    evaluation.recommend("too early", "only a plan can recommend")
    evaluation.look_again(90_000)
    parts = [f"{label.name}={label.value}" for label in evaluation.labels]
    for target in evaluation.targets:
        parts.append(f"{target.name} {evaluation.target_setting(target.name, 'min_age_hours')}")
    parts.append(f"{len(evaluation.history(unit(), LAST_DAY))} earlier")
    parts += context.scope_list(FILES, "roots")
    parts.append(f"{context.scope_bound(FILES, 'max_files')} files")
    web = observation(
        "web",
        unit(),
        gone,
        "; ".join(parts),
        evidence=[count("since", LAST_DAY, Unit.INSTANT), number("rate", 0.5, Unit.BYTES_PER_SECOND)],
        related=[caused_by(unit("db.service")), part_of(unit("all.slice")), affects(unit("proxy.service"))],
        distance=2.5,
    )
    return [web, observation("full", unit(), unhealthy(Severity.WARNING), "full")]


def plan(finding: Observation, evaluation: Evaluation[Any]) -> Decision:
    what = Selection("/srv", ["**"], [], 48, 0, 0, None)
    evaluation.may_fail(files_actions.remove(what, finding.summary).step)
    evaluation.recommend("a larger disk", "it grows")
    evaluation.look_again(1)
    try:
        evaluation.may_fail(7)
    except Err as error:
        if isinstance(refusal_of(error), Refusal_NotFound):
            return apply(OnFailure.UNDO_APPLIED)
    return apply(OnFailure.STOP)


WitWorld = policy(dict, detect, plan)
