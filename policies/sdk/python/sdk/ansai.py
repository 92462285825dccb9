"""The SDK for policies in Python: a thin layer over the host's interfaces.

Import those directly (`from wit_world.imports import disk_probe`). Put all imports at the top of a file: when the
policy runs, there are no files to import from.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from math import floor
from typing import Any, Generic, TypeVar, get_type_hints

import wit_world
from componentize_py_types import Err
from wit_world.imports import advice, context, log
from wit_world.imports.context import Label, Target
from wit_world.imports.types import (
    Attempt,
    Decision,
    Decision_Apply,
    Decision_ApplyThenReplan,
    Decision_GiveUp,
    Decision_Recommend,
    Decision_Wait,
    Failure,
    Failure_CouldNotTell,
    Failure_InvalidSettings,
    Failure_Other,
    Measure,
    Observation,
    OnFailure,
    Recommendation,
    Refusal,
    Refusal_Busy,
    Refusal_Changed,
    Relation,
    Relationship,
    Severity,
    Status,
    Status_Gone,
    Status_Healthy,
    Status_Unhealthy,
    Status_Unknown,
    Subject,
    Unit,
    Value_Count,
    Value_Flag,
    Value_Number,
    Value_Text,
)

S = TypeVar("S")

_FAILURES = (Failure_CouldNotTell, Failure_InvalidSettings, Failure_Other)
# Milliseconds: the shortest and the longest time until a follow-up.
_SOONEST, _LATEST = 1_000, 86_400_000


class Evaluation(Generic[S]):
    """The host during one evaluation."""

    settings: S
    """The operator's settings, with defaults filled in. Sizes are bytes, durations are milliseconds."""

    def __init__(self, settings: S) -> None:
        self.settings = settings
        self._open: dict[str, Observation] | None = None

    @property
    def now(self) -> int:
        """The current time in milliseconds since the Unix epoch. There is no other clock."""
        return context.now()

    @property
    def attempts(self) -> list[Attempt]:
        """In `plan`: earlier attempts at this finding, oldest first. Empty in `detect`."""
        return context.attempts()

    def history(self, about: Subject, since: int) -> list[Attempt]:
        """The attempts of this instance at findings about a thing since an instant, oldest first.

        `since` is in milliseconds since the Unix epoch. The incidents of these attempts may be closed. Raises the host's
        refusal if the history cannot be read; see `refusal_of`.
        """
        return context.history(about, since)

    @property
    def host(self) -> Subject:
        """This host as a whole, for observations that are about no smaller thing.

        Other subjects come from the answers of probes and from `targets`; a policy never builds one.
        """
        return context.host()

    @property
    def labels(self) -> list[Label]:
        """The labels that the operator gave this host."""
        return context.labels()

    @property
    def targets(self) -> list[Target]:
        """The targets that this instance may use, such as database servers.

        Each has its subject as `about`, for observations also while it cannot be reached.
        """
        return context.targets()

    def target_setting(self, target: str, path: str) -> str | None:
        """One setting by its dotted path, with the value that the operator set for this target if there is one.

        A string is returned as it is, every other value as JSON.
        """
        return context.target_setting(target, path)

    @property
    def open_incidents(self) -> list[Observation]:
        """The open incidents."""
        return list(self._open_by_key().values())

    def open_incident(self, key: str) -> Observation | None:
        """The open incident with this key, if there is one."""
        return self._open_by_key().get(key)

    def _open_by_key(self) -> dict[str, Observation]:
        if self._open is None:
            self._open = {incident.key: incident for incident in context.open_incidents()}
        return self._open

    def threshold(self, key: str, at: float, points: float) -> float:
        """Hysteresis: returns `at`, reduced by `points` while an incident with this key is open."""
        return at if self.open_incident(key) is None else at - points

    def recommend(
        self, summary: str, detail: str, about: Subject | None = None, measures: Iterable[Measure] = ()
    ) -> None:
        """In `plan`: recommends something to a person, in addition to the decision.

        `about` is the thing to change, if it is not that of the finding.
        """
        what = recommendation(summary, detail, about, measures)
        _advised("the recommendation is lost", lambda: advice.recommend(what))

    def look_again(self, milliseconds: int) -> None:
        """Asks for another evaluation this long after this one ended, between a second and a day.

        It takes place if nothing else causes an evaluation before; then that evaluation must ask again.
        """
        after = min(max(milliseconds, _SOONEST), _LATEST)
        _advised("there is no follow-up", lambda: advice.look_again(after))

    def may_fail(self, step: int) -> None:
        """In `plan`: lets the plan go on if this step fails or is refused.

        For a step that only captures evidence or prepares something. Raises the refusal `not-found` if this call of
        `plan` has not proposed the step.
        """
        advice.may_fail(step)


def policy(
    settings: type[S],
    detect: Callable[[Evaluation[S]], list[Observation]],
    plan: Callable[[Observation, Evaluation[S]], Decision],
) -> type[wit_world.WitWorld]:
    """Returns the policy's class: write `WitWorld = policy(Settings, detect, plan)` at the end of policy.py.

    `settings` is a dataclass with a field for each setting, or `dict`. Each call of a function starts a fresh component,
    which remembers nothing from earlier calls. `ansai build` makes a failure of every exception, and of every value that
    the contract cannot hold.
    """

    # Runs while the component is built, because inspecting types takes longer than the rest of an evaluation.
    typed = _reader(settings)

    def evaluation() -> Evaluation[S]:
        return Evaluation(typed(json.loads(context.settings())))

    class Policy(wit_world.WitWorld):
        def detect(self) -> list[Observation]:
            return detect(evaluation())

        def plan(self, finding: Observation) -> Decision:
            return plan(finding, evaluation())

    return Policy


def could_not_tell(why: str) -> Err[Failure]:
    """Returns an exception; raise it to end the evaluation, because something could not be read."""
    return Err(Failure_CouldNotTell(why))


def invalid_settings(why: str) -> Err[Failure]:
    """Returns an exception; raise it to end the evaluation, because the settings are invalid."""
    return Err(Failure_InvalidSettings(why))


def refusal_of(error: Err[Any]) -> Refusal:
    """Returns the host's refusal of a call; raises any other error again."""
    if isinstance(error.value, _FAILURES):
        raise error
    return error.value


def may_go_away(refusal: Refusal) -> bool:
    """Whether the reason of a refusal may go away by itself.

    Another process holds a lock, or the target changed since it was examined: wait, or plan again. Any other refusal
    stays until a person does something.
    """
    return isinstance(refusal, (Refusal_Busy, Refusal_Changed))


def improvement(attempt: Attempt) -> float | None:
    """How much nearer to healthy the thing was after the attempt, negative if it was farther away.

    `None` if one of the distances is unknown.
    """
    if attempt.distance_before is None or attempt.distance_after is None:
        return None
    return attempt.distance_before - attempt.distance_after


healthy: Status = Status_Healthy()


def unhealthy(severity: Severity) -> Status:
    return Status_Unhealthy(severity)


def unknown(why: str) -> Status:
    return Status_Unknown(why)


gone: Status = Status_Gone()
"""For a thing that no longer exists: it was looked for and not found. It closes the incident."""


def observation(
    key: str,
    about: Subject,
    status: Status,
    summary: str,
    evidence: Iterable[Measure] = (),
    related: Iterable[Relation] = (),
    distance: float | None = None,
) -> Observation:
    """Returns an observation. The evidence has the most important measure first.

    `distance` is how far the thing is from healthy, in any unit that stays the same for this key: smaller is better, 0 is
    healthy, and a negative number counts as 0.
    """
    if distance is not None and distance < 0:
        distance = 0.0
    return Observation(key, about, status, summary, list(evidence), list(related), distance)


def caused_by(about: Subject) -> Relation:
    """For an established cause only: while that thing has an open incident, the host may hold this finding back."""
    return Relation(Relationship.CAUSED_BY, about)


def depends_on(about: Subject) -> Relation:
    """For a thing that it needs to work: the database of a web server."""
    return Relation(Relationship.DEPENDS_ON, about)


def part_of(about: Subject) -> Relation:
    return Relation(Relationship.PART_OF, about)


def affects(about: Subject) -> Relation:
    return Relation(Relationship.AFFECTS, about)


def same_as(about: Subject) -> Relation:
    """For another name of the same thing: the unit of a container."""
    return Relation(Relationship.SAME_AS, about)


def percent(share: float) -> str:
    """A share in percent, rounded down to tenths: "85.9 %" of 0.859. ansai shows evidence in the same way."""
    # The sum makes up for what a share lost as a float: 0.29 is 28.999… %.
    return f"{floor(share * 1000 + 1e-6) / 10:.12g} %"


def count(name: str, value: int, unit: Unit = Unit.NONE) -> Measure:
    return Measure(name, Value_Count(value), unit)


def number(name: str, value: float, unit: Unit = Unit.NONE) -> Measure:
    return Measure(name, Value_Number(value), unit)


def text(name: str, value: str) -> Measure:
    return Measure(name, Value_Text(value), Unit.NONE)


def flag(name: str, value: bool) -> Measure:
    return Measure(name, Value_Flag(value), Unit.NONE)


def apply(on_failure: OnFailure) -> Decision:
    return Decision_Apply(on_failure)


def apply_then_replan(on_failure: OnFailure) -> Decision:
    return Decision_ApplyThenReplan(on_failure)


def wait(for_what: str) -> Decision:
    return Decision_Wait(for_what)


def recommendation(
    summary: str, detail: str, about: Subject | None = None, measures: Iterable[Measure] = ()
) -> Recommendation:
    """Returns advice for a person. `about` is the thing to change, if it is not that of the finding."""
    return Recommendation(about, summary, detail, list(measures))


def recommend(*recommendations: Recommendation) -> Decision:
    return Decision_Recommend(list(recommendations))


def give_up(why: str) -> Decision:
    return Decision_GiveUp(why)


def _advised(lost: str, advise: Callable[[], None]) -> None:
    """Advice that the host refuses is lost, but the evaluation keeps its answer."""
    try:
        advise()
    except Err as error:
        log.write(log.Level.WARN, f"{lost}: {_case(error.value)}: {refusal_of(error).value}")


def _case(refusal: Refusal) -> str:
    """Returns the name of a refusal as in the contract: `not-found`."""
    name = type(refusal).__name__.removeprefix("Refusal_")
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def _reader(kind: Any) -> Callable[[Any], Any]:
    """Returns a function that converts JSON to a dataclass and its nested dataclasses."""
    if not is_dataclass(kind):
        return lambda value: value
    make: Any = kind
    hints = get_type_hints(make)
    readers = {field.name: _reader(hints[field.name]) for field in fields(make)}

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return make(**{name: reader(value[name]) for name, reader in readers.items()})

    return read
