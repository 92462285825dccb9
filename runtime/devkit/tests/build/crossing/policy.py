import datetime
import os
import pathlib
import sys
import time
from dataclasses import dataclass, replace
from time import time as imported_time

from ansai import Evaluation, count, give_up, healthy, number, observation, policy, unhealthy
from wit_world.imports import disk_probe, log
from wit_world.imports.types import Decision, Observation, Subject, Unit


@dataclass(frozen=True)
class Settings:
    warning_percent: float
    critical_percent: float
    directory: str
    min_age_hours: int


# The line of this function is in the test.
def boom(error):
    raise error


def base(summary, evidence=(), **other):
    made = observation("k", Subject("filesystem", "/"), healthy, summary, evidence)
    return [replace(made, **other)]


def deep(n):
    return deep(n + 1) + 1


async def late():
    return base("x")


CASES = {
    "/surrogate": lambda: base(b"/mnt/\xff\xfe".decode("utf-8", "surrogateescape")),
    "/negative": lambda: base("x", [count("c", -1, Unit.BYTES)]),
    "/fraction": lambda: base("x", [count("c", 1.5, Unit.BYTES)]),
    "/two64": lambda: base("x", [count("c", 2**64, Unit.BYTES)]),
    "/truth": lambda: base("x", [count("c", True, Unit.BYTES)]),
    "/nan": lambda: base("x", [number("c", float("nan"), Unit.RATIO)]),
    "/distance": lambda: base("x", distance=float("inf")),
    "/none-summary": lambda: base(None),
    "/int-summary": lambda: base(42),
    "/bad-status": lambda: base("x", status="sick"),
    "/bad-severity": lambda: base("x", status=unhealthy("critical")),
    "/none": lambda: None,
    "/tuple": lambda: tuple(base("x")),
    "/generator": lambda: (one for one in base("x")),
    "/dict": lambda: [{"key": "k"}],
    "/async": lambda: late(),
    "/exit": lambda: sys.exit(3),
    "/keyboard": lambda: boom(KeyboardInterrupt()),
    "/raise-surrogate": lambda: boom(ValueError("boo \ud800")),
    "/deep": lambda: deep(0),
    "/argument": lambda: disk_probe.list_filesystems(1),
    "/bad-argument": lambda: log.write("loud", "x"),
    "/missing-argument": lambda: log.write(log.Level.INFO),
    "/open": lambda: open("/etc/hostname"),
    "/path": lambda: pathlib.Path("/etc/hostname").read_text(),
    "/print": lambda: print("x"),
    "/stderr": lambda: sys.stderr.write("x"),
    "/input": lambda: input(),
    "/time": lambda: base(str(time.time())),
    "/from-time": lambda: base(str(imported_time())),
    "/sleep": lambda: time.sleep(1),
    "/localtime": lambda: base(str(time.localtime())),
    "/datetime": lambda: base(str(datetime.datetime.now())),
    "/today": lambda: base(str(datetime.date.today())),
    "/listdir": lambda: os.listdir("/"),
    "/exists": lambda: os.path.exists("/"),
    "/urandom": lambda: os.urandom(1),
}


def detect(evaluation: Evaluation[Settings]) -> list[Observation]:
    return CASES[evaluation.settings.directory]()


def plan(finding: Observation, evaluation: Evaluation[Settings]) -> Decision:
    return give_up("no")


WitWorld = policy(Settings, detect, plan)
