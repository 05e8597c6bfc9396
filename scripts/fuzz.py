"""Fuzz the targets of `tests/fuzzing`, one after the other, each in a process of its own, in rounds; then tell of each.

What is found lies in `.work/fuzz/TARGET`: `corpus` has inputs that reached new code, `found` one input for each place at which
something went wrong, with what was raised.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fuzzing.corpus import CORPORA

_HERE = Path(__file__).parents[1]
_WORK = _HERE / ".work/fuzz"
_WORKER = "--of-one-target"
_SLICE = 60
"""Seconds of a target in one round, unless there are too few."""
_MEMORY = 3 << 30
_BATCH = 200
_SLOWER = 4
"""Code that is watched takes longer; so does a machine that has something else to do."""


@dataclass
class Tally:
    """What was done with one target, in all rounds."""

    executions: int = 0
    seconds: float = 0.0
    ended: int = 0
    """How often its process ended before its time: out of memory, or in one input for a minute."""


class Watch:
    """Runs a target, counts, and keeps what goes wrong."""

    def __init__(self, name: str) -> None:
        from tests.fuzzing.target import is_taken
        from tests.fuzzing.targets import target_named

        self.target = target_named(name)
        self._is_taken = is_taken
        self._folder = _WORK / name
        self._seen: set[str] = set()
        self._told = self._start = time.monotonic()
        self._before = read_tally(name)
        self._executions = 0
        (self._folder / "found").mkdir(parents=True, exist_ok=True)
        (self._folder / "corpus").mkdir(exist_ok=True)

    def look(self, data: bytes) -> None:
        """Try one input. Nothing is raised."""
        started = time.process_time()
        self._executions += 1
        try:
            self._is_taken(self.target, data)
            taken = time.process_time() - started
            if taken > _SLOWER * self.target.seconds:
                self._keep(f"slow {len(data)}", f"{taken:.1f} s for {len(data)} bytes", data)
        except Exception as error:
            self._keep(_place(error), "".join(traceback.format_exception(error)), data)
        if time.monotonic() - self._told > 1:
            self.tell()

    def tell(self) -> None:
        """Write down how much was done."""
        self._told = time.monotonic()
        before, seconds = self._before, self._told - self._start
        tally = Tally(before.executions + self._executions, before.seconds + seconds, before.ended)
        write_tally(self.target.name, tally)

    def _keep(self, place: str, text: str, data: bytes) -> None:
        name = hashlib.sha256(place.encode()).hexdigest()[:12]
        file = self._folder / "found" / name
        if name in self._seen or file.exists():
            self._seen.add(name)
            return
        self._seen.add(name)
        file.write_bytes(data)
        file.with_suffix(".txt").write_text(f"{place}\n\n{text}", errors="backslashreplace")


def _place(error: BaseException) -> str:
    """The kind of an error and the last line of bundler's that it came through: what is one fault, most likely."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(_HERE) in frame.filename]
    last = next((frame for frame in reversed(frames) if "/bundler/" in frame.filename), frames[-1])
    return f"{type(error).__name__} at {Path(last.filename).relative_to(_HERE)}:{last.lineno}"


def found_of(name: str) -> list[Path]:
    """The inputs of a target that something went wrong with."""
    return [path for path in sorted((_WORK / name / "found").glob("*")) if path.suffix != ".txt"]


def _first_line(path: Path) -> str:
    told = path.with_suffix(".txt")
    return told.read_text(errors="replace").partition("\n")[0] if told.exists() else "its process ended"


def read_tally(name: str) -> Tally:
    try:
        return Tally(**json.loads((_WORK / name / "tally.json").read_text()))
    except FileNotFoundError:
        return Tally()


def write_tally(name: str, tally: Tally) -> None:
    (_WORK / name).mkdir(parents=True, exist_ok=True)
    (_WORK / name / "tally.json").write_text(json.dumps(asdict(tally)))


def has_atheris() -> bool:
    return importlib.util.find_spec("atheris") is not None


def work(name: str, seconds: int) -> None:
    """Fuzz one target in this process."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, most))
    (_with_atheris if has_atheris() else _with_hypothesis)(name, seconds)


def _with_hypothesis(name: str, seconds: int) -> None:
    from tests.fuzzing.mutation import try_damaged

    watch = Watch(name)
    end, number = time.monotonic() + seconds, read_tally(name).executions
    while time.monotonic() < end:
        number += 1
        try_damaged(watch.target.seeds, watch.target.words, watch.look, _BATCH, number)
    watch.tell()


def _with_atheris(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["bundler"]):
        watch = Watch(name)
        for data in watch.target.seeds:  # what is imported where it is used comes now, and is watched as well
            watch.look(data)
    folder = _WORK / name
    dictionary = folder / "words"
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in watch.target.words if word))
    kept = [CORPORA / each for each in (name, *watch.target.folders)]
    words = [
        *("fuzz", str(folder / "corpus"), *(str(each) for each in kept if each.is_dir())),
        *(f"-dict={dictionary}", f"-artifact_prefix={folder}/found/"),
        *(f"-max_total_time={seconds}", "-timeout=120", f"-rss_limit_mb={(_MEMORY >> 20) * 3 // 4}", "-max_len=200000"),
        *("-verbosity=0", "-detect_leaks=0"),
    ]
    atheris.Setup(words, watch.look)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def run_rounds(names: Sequence[str], minutes: float) -> None:
    """Give each target its share, in rounds of a minute each."""
    left = minutes * 60
    while left >= len(names):
        share = max(1, min(_SLICE, int(left / len(names))))
        for name in names:
            before = set(found_of(name))
            words = [sys.executable, "-m", "scripts.fuzz", _WORKER, name, str(share)]
            (_WORK / name).mkdir(parents=True, exist_ok=True)
            with (_WORK / name / "log").open("w") as log:
                done = subprocess.run(words, cwd=_HERE, check=False, stdout=log, stderr=log)
            for path in set(found_of(name)) - before:
                print(f"{name}: {_first_line(path)} ({path.relative_to(_HERE)})", file=sys.stderr, flush=True)
            if done.returncode != 0:
                tally = read_tally(name)
                tally.ended += 1
                write_tally(name, tally)
        left -= share * len(names)


def table(names: Iterable[str]) -> str:
    """Markdown: of each target what was done, and how many places were found."""
    lines = ["| target | executions | minutes | inputs that reach new code | found |", "|---|---|---|---|---|"]
    for name in names:
        tally, folder = read_tally(name), _WORK / name
        corpus = len(list((folder / "corpus").glob("*"))) if folder.exists() else 0
        ended = f", ended early {tally.ended} times" if tally.ended else ""
        lines.append(
            f"| {name} | {tally.executions} | {tally.seconds / 60:.1f} | {corpus} | {len(found_of(name))}{ended} |"
        )
    return "\n".join(lines)


def main() -> int:
    if sys.argv[1:2] == [_WORKER]:  # before anything of bundler's is imported: it would not be watched
        work(sys.argv[2], int(sys.argv[3]))
        return 0
    from tests.fuzzing.targets import TARGETS

    known = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one of {', '.join(known)} (default: all)")
    parser.add_argument("--minutes", type=float, default=10, help="for all of them together (10)")
    parser.add_argument("--table", action="store_true", help="tell of what was done before, and do nothing")
    words = parser.parse_args()
    unknown = set(words.targets) - set(known)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    names = words.targets or known
    if not words.table:
        by = "atheris" if has_atheris() else "hypothesis, which does not see what code an input reaches"
        print(f"{len(names)} targets, {words.minutes:g} minutes, by {by}", file=sys.stderr)
        run_rounds(names, words.minutes)
    print(table(names))
    return 1 if any(map(found_of, names)) else 0


if __name__ == "__main__":
    sys.exit(main())
