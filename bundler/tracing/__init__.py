"""Run commands of the user's in the environment, and see what they use: what no header names and no import opens."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable

from bundler.environment import Environment, EnvironmentKind
from bundler.errors import BadOption, BundlerError
from bundler.machine import os
from bundler.progress import Progress
from bundler.systems import system_of
from bundler.tracing.ptrace import Ptrace
from bundler.tracing.strace import find_strace
from bundler.tracing.trace import Trace, joined, programs_of
from bundler.tracing.tracer import Command, TraceFailed, Tracer

__all__ = ["Trace", "TraceFailed", "trace_commands"]


def trace_commands(commands: Iterable[str], environment: Environment, progress: Progress) -> Trace:
    """What the commands do, one after the other, each in the working directory and as if the environment were active.

    Raises BadOption for what is no command, and BundlerError where one fails, or cannot be traced here.
    """
    commands = tuple(commands)
    if not commands:
        return Trace()
    parsed = [(text, _parsed(text, environment)) for text in commands]
    if not environment.probed:
        raise BundlerError(
            f"--trace runs a command with {environment.python}, and nothing of this environment is run here",
            "trace it on its own machine: --trace-save keeps what was learned for packs elsewhere",
        )
    if not system_of(environment.platform.system).traces:
        raise TraceFailed(
            f"commands cannot be traced on {environment.platform.system.shown}", "name what they need: --include-lib"
        )
    tracer: Tracer = find_strace() or Ptrace()
    traces = []
    for text, command in parsed:
        progress.phase(f"running {text}")
        seen = tracer.run(command)
        if seen.status != 0:
            raise TraceFailed(
                f"--trace {text}: the command {_ending(seen.status)}; nothing was packed",
                "what a command needs shows when it works: it is run in the working directory, by no shell",
            )
        traces.append(Trace(programs_of(seen.events), (text,), tracer.name))
    return joined(traces)


def _parsed(text: str, environment: Environment) -> Command:
    """The command that a text means: words as a shell has them, and variables as `activate` sets them. Raises BadOption."""
    folder = os.path.dirname(environment.python)
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    variables["PATH"] = os.pathsep.join(filter(None, (folder, variables.get("PATH", os.defpath))))
    variables["PYTHONDONTWRITEBYTECODE"] = "1"  # the source is left alone
    if environment.kind is EnvironmentKind.VENV:
        variables["VIRTUAL_ENV"] = environment.root
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadOption(f"--trace {text}: {error}", "write it as for a shell: --trace 'app --check \"a b\"'") from error
    program = shutil.which(words[0], path=variables["PATH"]) if words else None
    if program is None:
        raise BadOption(
            f"--trace {text}: there is no program {words[0]}" if words else "--trace: there is no command",
            f"it is looked for in {folder}, then in PATH",
        )
    return Command((os.path.abspath(program), *words[1:]), variables)


def _ending(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
