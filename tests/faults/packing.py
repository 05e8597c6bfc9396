"""Packs of one small environment that are disturbed, and what must be so whatever disturbs them."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.layer import UNDISTURBED, Disturbance, What
from tests.faults.server import SMALL_SHARES, Outcome, PackServer
from tests.material.environments import clean
from tests.material.programs import need
from tests.material.snapshots import Facts, snapshot
from tests.material.tiny import tiny_base, tiny_environment

ARCHIVES = ("tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip", "squashfs", "oci.tar", "run")
UPDATED_ARCHIVES = ("tar", "tar.gz", "tar.zst", "zip", "oci.tar", "run")
KINDS = (
    *("directory", "directory --force", "directory --update", "in place", "directory --verify", "directory --children"),
    *ARCHIVES,
    *(f"{name} --update" for name in UPDATED_ARCHIVES),
)
_FAULTS_FOUND = 3
_AGAIN = 8
"""Of so many packs that failed one is repeated, where nothing tells that it would make a difference."""
_LOOKING = ("access", "stat", "lstat", "fstat", "fstatat", "readlink")
"""Calls whose errors may be told as what they mean: it is no folder, it may not be executed."""
_ANSWERS = (errno.EACCES, errno.ENOENT, errno.ELOOP)
"""Errors that say something of a file: it is not there for this user, and what is packed may be another environment."""
_TEMPORARY = (".bundler-", ".new-", "tmp", "bundler-")
Content = dict[str, tuple[object, ...]]


@dataclass(frozen=True)
class Result:
    """A disturbed pack, and what was wrong about it."""

    disturbance: Disturbance
    outcome: Outcome
    problems: tuple[str, ...]

    def __str__(self) -> str:
        what = f"{self.disturbance.what.name} at {self.disturbance.at}: {self.outcome.hit}"
        return "\n".join([f"{what}, status {self.outcome.status}, said {self.outcome.said!r}", *self.problems])


class Packing:
    """Packs of one kind, in a folder of their own, each from the same state."""

    def __init__(self, folder: Path, kind: str, server: PackServer) -> None:
        """`server` is started anew for them."""
        if kind.startswith("squashfs"):
            need("mksquashfs")
        self.kind = kind
        self._folder = folder
        self._form, _, self._mode = kind.partition(" --")
        is_directory = self._form in ("directory", "in place")
        self.out = folder / "dist" / ("app" if is_directory else f"app.{self._form}")
        self._base = tiny_base(folder / "base", audited=self._mode == "verify")
        self._environment = tiny_environment(folder / "env", self._base)
        for name in ("dist", "cache", "tmp", "home", "kept"):
            (folder / name).mkdir()
        self._server = server
        self._prepare()

    def _prepare(self) -> None:
        """Make what a pack finds, and what it shall make."""
        extra = self._environment / "extra.txt"
        if self._form == "in place":
            shutil.copytree(self._environment, self.out, symlinks=True)
        self._server.start(self._variables, self._words)
        if self._form != "in place":
            self._remove(self.out)
        if self._mode in ("force", "update"):
            extra.write_text("old")
            self._succeed([word for word in self._words if word not in ("--force", "--update")])
        extra.write_text("new")
        (self._environment / "newer").mkdir()
        (self._environment / "newer/file.py").write_text("new = 1\n")
        if self._form == "in place":
            self._remove(self.out)
            shutil.copytree(self._environment, self.out, symlinks=True)
        self._copy("dist", "kept/dist")
        self._copy("cache", "kept/cache")
        self.old = content(self.out)
        self._succeed(self._words)
        self.new = content(self.out)
        self.restore()
        self._server.start(self._variables, self._words)  # with what an update imports
        self.restore()
        self._source = self._source_now()

    def restore(self) -> None:
        """Be as before the first pack."""
        self._copy("kept/dist", "dist")
        self._copy("kept/cache", "cache")
        for name in ("tmp", "home"):
            self._remove(self._folder / name)
            (self._folder / name).mkdir()

    def seconds(self) -> float:
        """How long an undisturbed pack takes."""
        self.restore()
        return self._server.run(self._words).seconds

    def sites(self) -> dict[int, str]:
        """From where each of them is made."""
        self.restore()
        return self._server.sites(self._words)

    def disturb(self, disturbance: Disturbance) -> Result:
        """Pack, disturbed, and look; then pack again, undisturbed."""
        self.restore()
        outcome = self._server.run(self._words, disturbance)
        return Result(disturbance, outcome, tuple(self._problems(disturbance, outcome)))

    def kill_after(self, seconds: float) -> Result:
        """Pack, and kill it after some seconds; then pack again."""
        self.restore()
        outcome = self._server.run(self._words, kill_after=seconds)
        return Result(UNDISTURBED, outcome, tuple(self._problems(UNDISTURBED, outcome)))

    def _problems(self, disturbance: Disturbance, outcome: Outcome) -> Iterator[str]:
        """What is wrong about a pack."""
        killed = outcome.status == -signal.SIGKILL
        if not killed and outcome.status < 0 and -outcome.status != disturbance.signal:  # else it came before all
            yield f"it was ended by {signal.Signals(-outcome.status).name}"
        if outcome.left:
            yield "a process that it started was still there"
        found = content(self.out)
        may_be = [self.new] if outcome.status in (0, _FAULTS_FOUND) else [self.old, self.new] if killed else [self.old]
        is_mixed = killed and self.kind == "directory --update"  # till the next pack: docs/delivery.md
        is_answer = outcome.hit is not None and outcome.hit.error in _ANSWERS
        if found not in may_be and not is_mixed and not (outcome.status == 0 and is_answer and self._is_sound()):
            yield f"the output is neither the old nor the new: {_differing(found, may_be)}"
        yield from self._said(outcome, disturbance) if 0 < outcome.status != _FAULTS_FOUND else ()
        left = [] if killed else list(self._left())
        told = outcome.hit.path if outcome.hit is not None else ""
        # What cannot be removed, or looked at, the next pack removes.
        is_removing = disturbance.what is What.ERROR
        yield from (
            f"left: {path}"
            for path in left
            if not (is_removing and (path.startswith("tmp/") or os.path.basename(path) in told))
        )
        yield from self._changed_source()
        in_cache = told.startswith(str(self._folder / "cache"))
        if not (killed or left or in_cache or disturbance.at % _AGAIN == 0):
            return  # the next pack begins as this one did
        if killed or left:
            self._age()
        again = self._server.run(self._words)
        if self.kind == "in place" and (found == self.new or outcome.status == 0):
            return  # it is a bundle by now, which is no environment that this small base could be packed from again
        if again.status != 0 or content(self.out) != self.new:
            wrong = _differing(content(self.out), [self.new])
            yield f"the next pack ended with {again.status}, said {again.said!r}, and made something else: {wrong}"
        yield from (f"left after the next pack: {path}" for path in self._left() if not self._is_for_later(path))

    def _is_sound(self) -> bool:
        """Whether what is at the output agrees with its own list."""
        return self._server.run(["verify", str(self.out), "--no-run"]).status == 0

    def _said(self, outcome: Outcome, disturbance: Disturbance) -> Iterator[str]:
        """What is wrong about a message."""
        said = outcome.said
        if "Traceback" in said or not said.strip():
            yield "it gave no message but a traceback" if said.strip() else "it said nothing"
        elif outcome.status < 128 and not said.startswith(("error: ", "Usage: ")):
            yield "its message is no error"
        elif outcome.status < 128 and "/" not in said:
            yield "its message names no path"
        hit = outcome.hit
        if hit is not None and hit.call not in _LOOKING and disturbance.what in (What.ERROR, What.FULL):
            reason = os.strerror(hit.error)[1:]
            if reason not in said and hit.error not in _ANSWERS and "No usable temporary directory" not in said:
                yield f"its message does not say {reason!r}"

    def _left(self) -> Iterator[str]:
        """What should not be there: beside the output, in the folders for a while and of the user, in the caches."""
        for place in ("dist", "tmp", "home"):
            for name in sorted({*os.listdir(self._folder / place)} - {self.out.name}):
                yield f"{place}/{name}"
        for folder, folders, files in os.walk(self._folder / "cache"):
            for name in (*folders, *files):
                if name.startswith(_TEMPORARY) and name != "bundler":
                    yield f"{folder}/{name}"

    def _is_for_later(self, path: str) -> bool:
        """Whether something may stay: `tempfile` made it, to see where it may write; or a later audit removes it."""
        name = os.path.basename(path)
        return path.startswith("tmp/") and (self._mode == "verify" or not name.startswith(_TEMPORARY))

    def _age(self) -> None:
        """Let what was left be as old as what nobody is about to use."""
        then = time.time() - 2 * 3600
        for place in ("tmp", "cache"):
            for folder, folders, files in os.walk(self._folder / place):
                for name in (*folders, *files):
                    os.utime(os.path.join(folder, name), (then, then), follow_symlinks=False)

    def _changed_source(self) -> Iterator[str]:
        found = self._source_now()
        if found != self._source:
            yield f"the source was changed: {_differing(found, [self._source])}"

    def _source_now(self) -> dict[str, Facts]:
        return snapshot(self._folder / "base", self._environment)

    def _succeed(self, words: list[str]) -> None:
        done = self._server.run(words)
        assert done.status == 0, done.said

    @property
    def _variables(self) -> dict[str, str]:
        places = {"XDG_CACHE_HOME": "cache", "TMPDIR": "tmp", "HOME": "home"}
        more = {SMALL_SHARES: "1"} if self._mode == "children" else {}
        return clean() | {name: str(self._folder / place) for name, place in places.items()} | more

    @property
    def _words(self) -> list[str]:
        if self._form == "in place":
            words = [str(self.out), "--in-place"]
        else:
            words = [str(self._environment), "--out", str(self.out)]
        if self._mode in ("force", "update"):
            words.append(f"--{self._mode}")
        elif self._form != "in place":
            words.append("--force")  # for the pack after the disturbed one
        if self._mode != "verify":
            words.append("--no-verify")
        if self._form in ("tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip", "squashfs", "oci.tar", "run"):
            words += ["--level", "1"]
        return ["pack", *words, "-q", "-j", "3" if self._mode == "children" else "1"]

    def _copy(self, source: str, target: str) -> None:
        self._remove(self._folder / target)
        shutil.copytree(self._folder / source, self._folder / target, symlinks=True)

    def _remove(self, path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def content(out: Path) -> Content:
    """What is at an output, to the byte: of files and links with the times, of all with the modes."""
    if not out.is_dir():
        return {"": (out.read_bytes(),)} if out.exists() else {}
    found: Content = {}
    for path, facts in snapshot(out).items():
        below = os.path.relpath(path, out)
        if below != ".":
            found[below] = (facts.mode, facts.modified, facts.content)
    return found


def _differing(found: Content | dict[str, Facts], wanted: list[Content] | list[dict[str, Facts]]) -> list[str]:
    """For each state that would be right the paths that differ from it, a few of them."""
    return [str([path for path in {**found, **one} if found.get(path) != one.get(path)][:5]) for one in wanted]
