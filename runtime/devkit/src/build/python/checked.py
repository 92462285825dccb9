"""Surrounds a policy in Python: the module that componentize-py starts.

What crosses the boundary is checked against the contract, because the glue would trap; every exception becomes a failure
with its line; and what has no meaning here says what to use instead.
"""

import builtins
import datetime
import io
import json
import os
import posix
import sys
import time
from importlib import import_module
from importlib.machinery import BuiltinImporter, FrozenImporter

import wit_world
from ansai_crossing import CROSSING
from componentize_py_types import Err

_LONGEST = 1000
_OWN = ("ansai_entry.py", "ansai.py")
_RANGES = {
    kind: (-(2 ** (bits - 1)) if kind[0] == "s" else 0, 2 ** (bits - (kind[0] == "s")) - 1)
    for bits in (8, 16, 32, 64)
    for kind in (f"u{bits}", f"s{bits}")
}
_NO_FILES = "a policy sees only what the probes of the host answer"
_NO_CLOCK = "a policy has no clock of its own; use `evaluation.now`"
_NO_WAITING = "a policy cannot wait; use `evaluation.look_again`"
_NO_RANDOM = "a policy has no random numbers"
_TO_LOG = "use `log.write` of `wit_world.imports`"
_running = False


class NotAvailable(Exception):
    """Python has it, and a policy does not."""


# --- Values ---


def _class(kind, case=None):
    interface = kind["in"].split("/")[1].split("@")[0].replace("-", "_")
    name = "".join(word.capitalize() for word in kind["name"].split("-"))
    if case is not None:
        name += "_" + "".join(word.capitalize() for word in case.split("-"))
    return getattr(import_module(f"wit_world.imports.{interface}"), name)


def _prepared(kind):
    """Finds the classes of a type while the component is built, because looking them up costs more than the check."""
    if isinstance(kind, dict):
        if "list" in kind or "option" in kind:
            _prepared(kind.get("list", kind.get("option")))
        elif "record" in kind:
            kind["class"] = _class(kind)
            kind["record"] = [(name.replace("-", "_"), _prepared(of)) for name, of in kind["record"]]
        elif "variant" in kind:
            kind["cases"] = {_class(kind, case): _prepared(of) for case, of in kind["variant"]}
        elif "enum" in kind:
            kind["class"] = _class(kind)
    return kind


def _misfit(path, value, wanted):
    if value is None or isinstance(value, (str, int, float)):
        what = repr(value) if len(repr(value)) <= 80 else repr(value)[:80] + "…"
    else:
        what = f"a {type(value).__name__}"
    raise TypeError(f"{path} is {what}; it must be {wanted}")


def _fits(kind, value, path):
    """Raises `TypeError` if a value is not of a type."""
    if kind is None:
        return
    if isinstance(kind, str):
        _fits_primitive(kind, value, path)
    elif "option" in kind:
        if value is not None:
            _fits(kind["option"], value, path)
    elif "list" in kind:
        if not isinstance(value, list):
            _misfit(path, value, "a list")
        for at, one in enumerate(value):
            _fits(kind["list"], one, f"{path}[{at}]")
    elif "record" in kind:
        if not isinstance(value, kind["class"]):
            _misfit(path, value, f"of the class {kind['class'].__name__}")
        for name, of in kind["record"]:
            _fits(of, getattr(value, name, None), f"{path}.{name}")
    elif "enum" in kind:
        if not isinstance(value, kind["class"]):
            _misfit(path, value, f"one of {', '.join(map(str, kind['class']))}")
    elif "variant" in kind:
        found = type(value)
        if found not in kind["cases"]:
            _misfit(path, value, "one of " + ", ".join(case.__name__ for case in kind["cases"]))
        _fits(kind["cases"][found], getattr(value, "value", None), f"{path}.value")


def _fits_primitive(kind, value, path):
    if kind == "bool":
        if not isinstance(value, bool):
            _misfit(path, value, "True or False")
    elif kind == "string":
        if not isinstance(value, str):
            _misfit(path, value, "a string")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise TypeError(f"{path} is {value!a:.100}; it must be valid Unicode, without lone surrogates") from None
    elif kind in ("f32", "f64"):
        # `x - x` is not 0 for infinities and for NaN.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value - value != 0:
            _misfit(path, value, "a finite number")
    else:
        least, most = _RANGES[kind]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            _misfit(path, value, f"an integer from {least} to {most}")


def _named(kind):
    return _named(kind["list"]) + "s" if "list" in kind else kind.get("name", "answer").replace("-", "_")


# --- Calls ---


def _imported(call, name, kinds):
    params = [(param.replace("-", "_"), _prepared(kind)) for param, kind in kinds["params"]]
    names = [param for param, _ in params]

    def checked(*given, **by_name):
        for (param, kind), value in zip(params, given):
            _fits(kind, value, f"{name}: {param}")
        for (param, kind) in params[len(given) :]:
            if param in by_name:
                _fits(kind, by_name[param], f"{name}: {param}")
            elif not (isinstance(kind, dict) and "option" in kind):
                raise TypeError(f"{name}: {param} is missing")
        if len(given) > len(params) or any(param not in names for param in by_name):
            raise TypeError(f"{name} takes {', '.join(names) or 'no arguments'}")
        return call(*given, *[by_name.get(param) for param in names[len(given) :]])

    checked.__name__ = name
    checked.__doc__ = call.__doc__
    return checked


def _exported(name, policy, kinds):
    ok, err = _prepared(kinds["ok"]), _prepared(kinds["err"])

    def checked(*given):
        global _running
        _running = True
        sys.meta_path[:] = [BuiltinImporter, FrozenImporter, _NoFiles]
        try:
            answer = policy(*given)
            if hasattr(answer, "__await__"):
                answer.close()
                raise TypeError(f"{name} is asynchronous: remove `async`; host functions answer at once")
            _fits(ok, answer, _named(ok))
            return answer
        except Err as error:
            raise Err(_failure(error, err)) from None
        except BaseException as error:
            raise Err(_other(err, _described(error))) from None

    return checked


def _failure(error, err):
    """The failure of an `Err`: the policy's own one, or the refusal of a call."""
    kind = type(error.value)
    if kind not in err["cases"]:
        if not isinstance(getattr(error.value, "value", None), str):
            return _other(err, f"Err: a {kind.__name__} is no failure")
        return _class(err, "could-not-tell")(_text(f"the host answered {_word(kind)}: {error.value.value}"))
    return kind(_text(str(error.value.value)))


def _other(err, why):
    return _class(err, "other")(_text(why[:_LONGEST]))


def _text(text):
    return text.encode(errors="backslashreplace").decode()


def _word(kind):
    """Returns the name of a refusal as in the contract: `not-found`."""
    name = kind.__name__.removeprefix("Refusal_")
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def _described(error):
    place, at = error.__traceback__, ""
    while place is not None:
        code = place.tb_frame.f_code
        file = code.co_filename.rsplit("/", 1)[-1]
        # Skip this module, the SDK, the glue and Python's import machinery.
        if file not in _OWN and not file.startswith("<") and "wit_world" not in code.co_filename:
            at = f" ({code.co_name}, {file} line {place.tb_lineno})"
        place = place.tb_next
    return f"{type(error).__name__}: {error}{at}"


class _NoFiles:
    """Replaces the import from files, which would trap."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        raise ModuleNotFoundError(f"{name} is imported too late: import it at the top of the file")


# --- What a policy does not have. While the component is built, imports still need it. ---


def _absent(name, original, instead, only=lambda given: True):
    def absent(*given, **by_name):
        if _running and only(given):
            raise NotAvailable(f"{name} is not available: {instead}")
        return original(*given, **by_name)

    return absent


class _NoOutput(io.TextIOBase):
    def __init__(self, name, original):
        self.named, self.original = name, original

    def write(self, text):
        if _running:
            raise NotAvailable(f"{self.named} is not available: {_TO_LOG}")
        return self.original.write(text)

    def flush(self):
        if not _running:
            self.original.flush()


def _without_system():
    # Those that only compute with their arguments.
    pure = {"fspath", "strerror", "waitstatus_to_exitcode"}
    function = type(posix.stat)
    for name in dir(posix):
        one = getattr(posix, name)
        if type(one) is function and name not in pure and not name.startswith("_"):
            instead = _NO_RANDOM if name in ("urandom", "getrandom") else _NO_FILES
            guarded = _absent(f"os.{name}", one, instead)
            setattr(posix, name, guarded)
            if getattr(os, name, None) is one:
                setattr(os, name, guarded)
    builtins.open = io.open = _absent("open", builtins.open, _NO_FILES)
    builtins.input = _absent("input", builtins.input, "a policy has no terminal")
    builtins.print = _absent("print", builtins.print, _TO_LOG)
    sys.stdout, sys.stderr = _NoOutput("sys.stdout", sys.stdout), _NoOutput("sys.stderr", sys.stderr)


def _without_clock():
    for name in dir(time):
        if name.removesuffix("_ns") in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
            setattr(time, name, _absent(f"time.{name}", getattr(time, name), _NO_CLOCK))
    for name, needs in (("gmtime", 1), ("localtime", 1), ("ctime", 1), ("asctime", 1), ("strftime", 2)):
        instead, of = f"{_NO_CLOCK}, and pass it", getattr(time, name)
        setattr(time, name, _absent(f"time.{name}", of, instead, lambda given, needs=needs: len(given) < needs))
    time.sleep = _absent("time.sleep", time.sleep, _NO_WAITING)

    class Datetime(datetime.datetime):
        pass

    for name in ("now", "utcnow", "today"):
        of = getattr(datetime.datetime, name)
        setattr(Datetime, name, staticmethod(_absent(f"datetime.{name}", of, _NO_CLOCK)))
    Datetime.__name__ = Datetime.__qualname__ = "datetime"
    datetime.datetime = Datetime


_without_system()
_without_clock()
_crossing = json.loads(CROSSING)
for _interface, _functions in _crossing["imports"].items():
    _module = import_module(f"wit_world.imports.{_interface.split('/')[1].split('@')[0].replace('-', '_')}")
    for _name, _kinds in _functions.items():
        _name = _name.replace("-", "_")
        setattr(_module, _name, _imported(getattr(_module, _name), _name, _kinds))

# Only now, so that the policy imports the checked functions.
_policy = import_module("policy").WitWorld()


def _method(function):
    return lambda self, *given: function(*given)


WitWorld = type(
    "WitWorld",
    (wit_world.WitWorld,),
    {
        _name: _method(_exported(_name, getattr(_policy, _name), _kinds))
        for _name, _kinds in _crossing["exports"].items()
    },
)
