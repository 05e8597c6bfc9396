"""The facts of an interpreter from files alone: what the probe tells, where nothing may or can be run."""

from __future__ import annotations

from bundler.environment.discovery import LocatedEnvironment
from bundler.environment.facts import Interpreter
from bundler.platforms import OperatingSystem


def read_interpreter(located: LocatedEnvironment) -> Interpreter:
    """The facts of the base interpreter of an environment.

    Raises BaseInterpreterMissing where there is no standard library, UnsupportedEnvironment for another implementation than
    CPython or a version before 3.8, InterpreterFailed where its configuration or its version cannot be read.
    """
    match located.platform.system:
        case OperatingSystem.LINUX | OperatingSystem.MACOS:
            from bundler.environment.from_files.posix import read_interpreter as read
        case OperatingSystem.WINDOWS:
            from bundler.environment.from_files.windows import read_interpreter as read
    return read(located)
