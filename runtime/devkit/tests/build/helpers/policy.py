"""Uses the helpers of the SDK."""

from typing import Any

from ansai import (
    Evaluation,
    affects,
    apply,
    caused_by,
    count,
    depends_on,
    gone,
    improvement,
    may_go_away,
    number,
    observation,
    part_of,
    policy,
    refusal_of,
    same_as,
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


def earlier(evaluation: Evaluation[Any]) -> str:
    """The one attempt: what it achieved, and whether its step was refused for a reason that may go away."""
    (attempt,) = evaluation.history(unit(), LAST_DAY)
    (step,) = attempt.steps
    assert step.reason is not None and may_go_away(step.reason)
    better = improvement(attempt)
    assert better is not None
    try:
        evaluation.history(evaluation.host, LAST_DAY)
    except Err as error:
        assert not may_go_away(refusal_of(error))
        return f"1 earlier, {better:.0f} better, busy; no history"
    return "wrong"


def detect(evaluation: Evaluation[Any]) -> list[Observation]:
    evaluation.recommend("too early", "only a plan can recommend")
    evaluation.look_again(90_000)
    parts = [f"{label.name}={label.value}" for label in evaluation.labels]
    for target in evaluation.targets:
        parts.append(f"{target.name} {evaluation.target_setting(target.name, 'min_age_hours')}")
    parts.append(earlier(evaluation))
    parts += context.scope_list(FILES, "roots")
    parts.append(f"{context.scope_bound(FILES, 'max_files')} files")
    web = observation(
        "web",
        unit(),
        gone,
        "; ".join(parts),
        evidence=[count("since", LAST_DAY, Unit.INSTANT), number("rate", 0.5, Unit.BYTES_PER_SECOND)],
        related=[
            caused_by(unit("db.service")),
            *(depends_on(target.about) for target in evaluation.targets),
            part_of(unit("all.slice")),
            affects(unit("proxy.service")),
            same_as(unit("www.service")),
        ],
        distance=2.5,
    )
    return [web, observation("full", evaluation.host, unhealthy(Severity.WARNING), "full", distance=-1)]


def plan(finding: Observation, evaluation: Evaluation[Any]) -> Decision:
    what = Selection("/srv", ["**"], [], 48, 0, 0, 0, None)
    evaluation.may_fail(files_actions.remove(what, finding.summary).step)
    evaluation.recommend("a larger disk", "it grows", evaluation.host)
    evaluation.look_again(1)
    try:
        evaluation.may_fail(7)
    except Err as error:
        if isinstance(refusal_of(error), Refusal_NotFound):
            return apply(OnFailure.UNDO_APPLIED)
    return apply(OnFailure.STOP)


WitWorld = policy(dict, detect, plan)
