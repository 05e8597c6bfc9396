"""Pages of docs/ that are followed as a reader would: what they say to write is written, what they say to type is run.

A comment before a fenced block says what is done with it; a block without one is not run:

    <!-- file etc/app.service -->    the block is the whole text of that file, below the folder in which the page is followed
    <!-- run -->                     each line behind `$ ` or `# ` is run there; what stands below it must be what it says
    <!-- run server -->              the same at another place, of which the test says what it is

In what a command says, `…` stands for anything, also for several lines.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^<!-- (file|run)(?: (\S+))? -->\n+```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^[$#] ")


@dataclass(frozen=True, slots=True)
class Text:
    """A file that the page says to write, by its path below the folder."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A line that the page says to type, where (empty: the reader's own machine), and what comes of it."""

    place: str
    words: str
    said: str


Place = Callable[[str], "subprocess.CompletedProcess[str]"]
"""Runs one line of a shell, with standard error in its standard output."""


def steps(page: str) -> Iterator[Text | Command]:
    """What a page, named by its path in docs/, says to do, in its order."""
    for kind, word, block in _BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if kind == "file":
            yield Text(word, block)
        else:
            yield from _commands(word, block)


def _commands(place: str, block: str) -> Iterator[Command]:
    words: list[str] = []
    said: list[str] = []
    for line in block.splitlines():
        if words and words[-1].endswith("\\") and not said:
            words.append(line)
        elif _PROMPT.match(line):
            if words:
                yield Command(place, "\n".join(words), "\n".join(said))
            words, said = [line[2:]], []
        else:
            said.append(line)
    if words:
        yield Command(place, "\n".join(words), "\n".join(said))


def here(folder: Path, env: Mapping[str, str]) -> Place:
    """A place: a shell in a folder, with these variables and no others."""

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=folder,
            env=env,
        )

    return run


def follow(page: str, folder: Path, places: Mapping[str, Place]) -> int:
    """Do what a page says, in `folder`; the number of commands. Each must succeed, and say what the page says."""
    count = 0
    for step in steps(page):
        match step:
            case Text():
                path = folder / step.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step.text, encoding="utf-8")
            case Command():
                done = places[step.place](step.words)
                assert done.returncode == 0, f"{page}: $ {step.words}\n{done.stdout[-4000:]}\n{done.stderr or ''}"
                assert is_said(step.said, done.stdout), (
                    f"{page}: $ {step.words}\n{done.stdout[-4000:]}\nis not\n{step.said}"
                )
                count += 1
    return count


def is_said(wanted: str, said: str) -> bool:
    """Whether a text is the one that is wanted, in which `…` stands for anything. A page that shows nothing wants nothing."""
    if not wanted.strip():
        return True
    pattern = ".*".join(re.escape(part) for part in wanted.strip().split("…"))
    return re.fullmatch(pattern, said.strip(), re.DOTALL) is not None
