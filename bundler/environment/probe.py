"""Ask an interpreter for its facts by running it once, isolated."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bundler.environment.executable import real_executable
from bundler.environment.facts import Interpreter, VersionInfo
from bundler.environment.variables import CONFIGURATION_VARIABLES
from bundler.errors import InterpreterFailed, UnsupportedEnvironment
from bundler.machine import os
from bundler.parsing import parse_json
from bundler.sysroot import HOST

_SCRIPT = os.path.join(os.path.dirname(__file__), "probe_script.py")
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Answer:
    """The JSON object of the probe script, read with types."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name)
        return tuple(str(item) for item in value) if isinstance(value, list) else ()


def probe(python: str, meanwhile: Callable[[], object] = lambda: None) -> Interpreter:
    """The facts of the interpreter that `python` starts; `meanwhile` is called while it runs.

    Raises InterpreterFailed where it does not start or answer, UnsupportedEnvironment for another implementation
    than CPython or a version before 3.8.
    """
    answer = _Answer(_run(python, meanwhile))
    implementation = answer.text("implementation")
    if implementation != "cpython":
        raise UnsupportedEnvironment(
            f"{python} is {implementation or 'no CPython'}; bundler packs CPython only",
            "make the environment with CPython 3.8 or later",
        )
    version = answer.values.get("version_info")
    if not isinstance(version, list) or len(version) != 5:
        raise InterpreterFailed(f"{python} gave no version")
    major, minor, micro, level, serial = version
    if (major, minor) < (3, 8):
        raise UnsupportedEnvironment(f"{python} is Python {major}.{minor}; bundler packs 3.8 and later")
    values = answer.values.get("variables")
    variables = (
        {key: str(value) for key, value in values.items() if value is not None} if isinstance(values, dict) else {}
    )
    base_prefix = os.path.realpath(answer.text("base_prefix"))
    return Interpreter(
        version_info=VersionInfo(major, minor, micro, str(level), serial),
        executable=real_executable(
            HOST,
            base_prefix,
            (f"python{variables.get('LDVERSION', '')}", f"python{major}.{minor}"),
            [answer.text("base_executable") or python, python],
        ),
        base_prefix=base_prefix,
        platlibdir=answer.text("platlibdir") or "lib",
        abiflags=answer.text("abiflags"),
        stdlib=os.path.realpath(answer.text("stdlib")),
        platstdlib=os.path.realpath(answer.text("platstdlib")),
        include=os.path.realpath(answer.text("include")),
        dist_packages=answer.values.get("dist_packages") is True,
        extension_suffixes=answer.texts("extension_suffixes"),
        cache_tag=answer.text("cache_tag"),
        variables=variables,
    )


def _run(python: str, meanwhile: Callable[[], object]) -> dict[str, object]:
    """Run the probe script; its environment holds no PYTHON* variable, its working directory is /."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [python, "-I", "-S", "-B", "-X", "utf8", _SCRIPT, *CONFIGURATION_VARIABLES]
    try:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=variables, cwd="/", stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise _does_not_run(python, error) from error
    with process:
        try:
            meanwhile()
            answered, complaint = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise _does_not_run(python, error) from error
        finally:
            process.kill()
    if process.returncode != 0:
        said = complaint.decode(errors="replace").strip().splitlines()
        raise InterpreterFailed(
            f"{python} failed with status {process.returncode}: {said[-1] if said else 'it said nothing'}",
            "the environment's interpreter must start where it is packed",
        )
    try:
        answer = parse_json(answered)
    except ValueError as error:
        raise InterpreterFailed(f"{python} did not answer the probe: {answered[:200]!r}") from error
    return answer if isinstance(answer, dict) else {}


def _does_not_run(python: str, error: Exception) -> InterpreterFailed:
    return InterpreterFailed(f"{python} could not be run: {error}", "is it built for this machine?")
