"""Tracing by strace, where it is there. Its lines are `NUMBER call(arguments) = result`; with `-y` the result names the file."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator

from bundler.machine import os
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.tracing.trace import Deed, Event
from bundler.tracing.tracer import Command, Seen, ended_with_us

# `?` for those that this machine has not; `-D` leaves the command our own child, whose end and status are ours to see.
_CALLS = "?open,?openat,?openat2,?execve,?execveat,?clone,?clone3,?fork,?vfork"
_OPTIONS = ("-D", "-f", "-qq", "-y", "-s", "4096", "-e", "signal=none", "-e", f"trace={_CALLS}")
_LINE = re.compile(r"(\d{1,10}) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)")
_UNFINISHED = " <unfinished ...>"
_OPENED = re.compile(r"= \d+<(.*)>(?: \(deleted\))?$")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NOT_READ = re.compile(r"\bO_(?:WRONLY|TRUNC|DIRECTORY|PATH)\b")
_ESCAPED = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-f]{2})|(.))")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f"}


class Strace:
    """See `tracer.Tracer`."""

    name = "strace"

    def __init__(self, program: str) -> None:
        self._program = program

    def run(self, command: Command) -> Seen:
        """Run strace, and read what it wrote when the command has ended."""
        with TemporaryFolder("bundler-trace-") as folder:
            output = os.path.join(folder, "calls")
            words = [self._program, *_OPTIONS, "-o", output, "--", *command.words]
            process = subprocess.Popen(words, stdout=2, env=command.variables)
            with ended_with_us(process):
                status = process.wait()
            with open(output, encoding="utf-8", errors="surrogateescape") as lines:
                return Seen(list(events_in(lines)), status)


def find_strace() -> Strace | None:
    """The strace of this machine; None where there is none, or it may not trace."""
    program = shutil.which("strace")
    tried = shutil.which("true")
    if program is None or tried is None:
        return None
    words = [program, *_OPTIONS, "-o", os.devnull, "--", tried]
    nothing = subprocess.DEVNULL
    done = subprocess.run(words, check=False, stdin=nothing, stdout=nothing, stderr=nothing)
    return Strace(program) if done.returncode == 0 else None


def events_in(lines: Iterable[str]) -> Iterator[Event]:
    """What lines of strace tell; a call that another thread's line divides is put together."""
    begun: dict[int, str] = {}
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        thread, call, rest = int(found[1]), found[2], found[3]
        if rest.endswith(_UNFINISHED):
            begun[thread] = rest.removesuffix(_UNFINISHED)
            continue
        event = _event(thread, call, begun.pop(thread, "") + rest)
        if event is not None:
            yield event


def _event(thread: int, call: str, rest: str) -> Event | None:
    """One call that was finished; None for one that failed, or that is of no interest."""
    if call.startswith("exec"):
        path = _STRING.search(rest)
        return Event(Deed.EXECUTED, thread, path=_started(_plain(path[1]))) if path and rest.endswith("= 0") else None
    if call.startswith("open"):
        file = _OPENED.search(rest)
        if file is None or _NOT_READ.search(_STRING.sub("", rest[: file.start()])):
            return None
        return Event(Deed.OPENED, thread, path=_plain(file[1]))
    child = rest.rpartition("= ")[2]
    return Event(Deed.STARTED, thread, child=int(child)) if child.isdigit() and child != "0" else None


def _plain(text: str) -> str:
    """A string without strace's escapes, which are those of C for bytes."""

    def letter(found: re.Match[str]) -> str:
        if found[1] or found[2]:
            return chr(int(found[1], 8) if found[1] else int(found[2], 16))
        return _LETTERS.get(found[3], found[3])

    return os.fsdecode(_ESCAPED.sub(letter, text).encode("latin-1", "replace"))


def _started(path: str) -> str:
    """The program that the kernel starts for a file: that of its first line, where it is a script."""
    for _ in range(4):  # as many as the kernel follows
        try:
            with open(path, "rb") as file:
                head = file.read(256)
        except (OSError, ValueError):  # a NUL in what it was told
            break
        words = head.partition(b"\n")[0][2:].split(None, 1) if head.startswith(b"#!") else []
        if not words:
            break
        path = os.fsdecode(words[0])
    return path
