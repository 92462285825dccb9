from dataclasses import dataclass

from ansai import (
    Evaluation,
    apply,
    could_not_tell,
    count,
    give_up,
    gone,
    healthy,
    number,
    observation,
    percent,
    policy,
    recommend,
    recommendation,
    refusal_of,
    unhealthy,
)
from componentize_py_types import Err
from wit_world.imports import disk_probe, files_actions
from wit_world.imports.disk_probe import Filesystem, Filesystems
from wit_world.imports.files_actions import Selection
from wit_world.imports.types import Decision, Observation, OnFailure, Severity, Status, Unit


@dataclass(frozen=True)
class Settings:
    """The settings of settings.schema.json."""

    warning_percent: float
    critical_percent: float
    directory: str
    min_age_hours: int


REARM_POINTS = 5
"""An incident ends this many percentage points below the warning threshold."""


def detect(evaluation: Evaluation[Settings]) -> list[Observation]:
    listed = filesystems()
    watched = [
        observe(filesystem, evaluation)
        for filesystem in listed.entries
        if not filesystem.read_only and not filesystem.remote and usable(filesystem) > 0
    ]
    return watched + unmounted(listed, evaluation)


def plan(finding: Observation, evaluation: Evaluation[Settings]) -> Decision:
    if evaluation.attempts:
        return give_up(f"removing old temporary files did not bring {finding.key} down")
    directory = evaluation.settings.directory
    what = Selection(
        root=directory,
        globs=["**"],
        exclude=[],
        min_age_hours=evaluation.settings.min_age_hours,
        min_bytes=0,
        max_files=0,
        enough_bytes=0,
        cursor=None,
    )
    try:
        preview = files_actions.remove(what, finding.summary)
    except Err as error:
        return give_up(f"old files in {directory} cannot be removed: {refusal_of(error).value}")
    if preview.items > 0:
        return apply(OnFailure.STOP)
    return recommend(recommendation(f"make {finding.key} larger", f"nothing old is left in {directory}"))


def filesystems() -> Filesystems:
    try:
        return disk_probe.list_filesystems()
    except Err as error:
        raise could_not_tell(f"the file systems could not be listed: {refusal_of(error).value}")


def unmounted(listed: Filesystems, evaluation: Evaluation[Settings]) -> list[Observation]:
    """Closes the incidents of file systems that are no longer mounted. An incomplete list does not prove that."""
    if listed.skipped > 0:
        return []
    mounts = {filesystem.mount for filesystem in listed.entries}
    return [
        observation(incident.key, incident.about, gone, f"{incident.key} is no longer mounted")
        for incident in evaluation.open_incidents
        if incident.key not in mounts
    ]


def usable(filesystem: Filesystem) -> int:
    """The number of bytes that an unprivileged process can have."""
    return filesystem.total_bytes - filesystem.reserved_bytes


def observe(filesystem: Filesystem, evaluation: Evaluation[Settings]) -> Observation:
    mount, available = filesystem.mount, filesystem.available_bytes
    most = usable(filesystem)
    used = (most - min(available, most)) / most
    return observation(
        key=mount,
        about=filesystem.about,
        status=judge(mount, used * 100, evaluation),
        summary=f"{mount} is {percent(used)} full",
        evidence=[number("used", used, Unit.RATIO), count("available", available, Unit.BYTES)],
    )


def judge(mount: str, used_percent: float, evaluation: Evaluation[Settings]) -> Status:
    settings = evaluation.settings
    if used_percent >= settings.critical_percent:
        return unhealthy(Severity.CRITICAL)
    warning = evaluation.threshold(mount, settings.warning_percent, REARM_POINTS)
    return unhealthy(Severity.WARNING) if used_percent >= warning else healthy


WitWorld = policy(Settings, detect, plan)
