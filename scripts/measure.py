"""Time `bundler pack` (audit not counted) against the floor over the same bytes, alternating; print Markdown tables of ratios.

A pack remembers digests and patches of the files: each is timed with nothing remembered ("first") and with all ("again").
Each time is taken until the command ends, when what it wrote is in memory, and until the disk has it.
"""

from __future__ import annotations

import glob
import os
import shlex
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "4"))
PACK = [sys.executable, "-m", "bundler", "pack"]
HEAD = """\
| environment | bundler | first | again | floor | | first / floor | again / floor | wanted | reached |
|---|---|---|---|---|---|---|---|---|---|"""


class Taken(NamedTuple):
    """Seconds of wall clock: until the command ended, and until the disk had what it wrote; and those of processors."""

    ended: float
    written: float
    processors: float


@dataclass
class Row:
    """What is measured, its floor, and the ratio that is wanted; what was taken by round."""

    name: str
    floor_name: str
    wanted: float
    first: list[Taken] = field(default_factory=list)
    again: list[Taken] = field(default_factory=list)
    floor: list[Taken] = field(default_factory=list)

    def lines(self, environment: str) -> list[str]:
        """Two lines of the table."""
        return [
            self._line(f"{environment}{until}", which) for which, until in enumerate(("", ", until it is on the disk"))
        ]

    def _line(self, environment: str, which: int) -> str:
        floor = statistics.median(taken[which] for taken in self.floor)
        first, again = (
            statistics.median(taken[which] for taken in times) if times else None for times in (self.first, self.again)
        )
        reached = [time is not None and time / floor <= self.wanted for time in (first, again)]
        verdict = "yes" if all(reached) or (first is None and reached[1]) else "again" if reached[1] else "no"
        cells = [environment, self.name, _seconds(first), _seconds(again), self.floor_name, _seconds(floor)]
        cells += [_ratio(first, floor), _ratio(again, floor), f"{self.wanted:.2f}", verdict]
        return "| " + " | ".join(cells) + " |"


def _seconds(time: float | None) -> str:
    return "" if time is None else f"{time:.2f} s"


def _ratio(time: float | None, floor: float) -> str:
    return "" if time is None else f"**{time / floor:.2f}**"


class Bench:
    """The folder of one run, its cache, and the largest resident set of any pack, in kilobytes."""

    def __init__(self, work: str) -> None:
        self.trees = os.path.join(work, "trees")
        self.cache = os.path.join(work, "cache")
        self.largest = 0
        for folder in (self.trees, self.cache):
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)

    def pack(self, environment: str, out: str, *options: str, first: bool = False) -> Taken:
        """One pack; the `first` knows nothing."""
        cache = tempfile.mkdtemp(dir=self.trees, prefix="cache-") if first else self.cache
        taken = self.timed([*PACK, environment, "--out", out, "--no-verify", "-q", *options], cache)
        forget(out)
        return taken

    def copy(self, bundle: str, out: str) -> Taken:
        """The floor."""
        taken = self.timed(["cp", "-a", bundle, out])
        forget(out)
        return taken

    def timed(self, command: list[str], cache: str = "", folder: str | None = None) -> Taken:
        """What a command takes in a folder, from a disk that has nothing left to write."""
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        os.sync()
        start = time.monotonic()
        variables |= {"XDG_CACHE_HOME": cache}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=variables, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.monotonic() - start
        os.sync()
        written = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{shlex.join(command)} ended with {process.returncode}")
        if command[: len(PACK)] == PACK:
            self.largest = max(self.largest, usage.ru_maxrss)
        return Taken(ended, written, usage.ru_utime + usage.ru_stime)


def forget(out: str) -> None:
    """Take what was written out of the page cache, so that none of the next finds the memory full. Shared files stay."""
    for folder, _, names in os.walk(out):
        for name in names:
            path = os.path.join(folder, name)
            facts = os.lstat(path)
            if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1:
                with open(path, "rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def alternate(number: int, *steps: tuple[Callable[[], Taken], list[Taken]]) -> None:
    """Take the steps of a round, in the opposite order every other time; the first round fills the page cache."""
    for step, times in steps if number % 2 == 0 else reversed(steps):
        taken = step()
        if number:
            times.append(taken)


def measure(bench: Bench, environment: str) -> list[str]:
    """The lines of one environment.

    Nothing is removed in between: ext4 passes over inodes that were freed in the last minutes, at a cost to whoever is next.
    Hard links come last: each changes the `ctime` of every source.
    """
    trees = tempfile.mkdtemp(dir=bench.trees)
    bundle = os.path.join(trees, "bundle")
    bench.pack(environment, bundle)
    copies = measure_copies(bench, environment, trees, bundle)
    update = measure_updates(bench, environment, bundle)
    update.floor = copies.again
    archives = list(measure_archives(bench, environment, trees, bundle))
    links = measure_links(bench, environment, trees, bundle)
    name = os.path.basename(environment)
    size = sum(os.lstat(os.path.join(folder, item)).st_size for folder, _, items in os.walk(bundle) for item in items)
    files = sum(len(items) for _, _, items in os.walk(bundle))
    print(f"{name}: {size / 1e6:.0f} MB in {files} files", file=sys.stderr)
    title = f"{name} ({size / 1e6:.0f} MB, {files} files)"
    return [line for row in (copies, links, update, *archives) for line in row.lines(title)]


def measure_copies(bench: Bench, environment: str, trees: str, bundle: str) -> Row:
    """A directory with copies."""
    row = Row("directory", "`cp -a`", 1.15)
    for number in range(ROUNDS + 1):
        out = os.path.join(trees, f"copies-{number}-")
        alternate(
            number,
            (partial(bench.pack, environment, out + "first", first=True), row.first),
            (partial(bench.copy, bundle, out + "cp"), row.floor),
            (partial(bench.pack, environment, out + "again"), row.again),
        )
    return row


def measure_links(bench: Bench, environment: str, trees: str, bundle: str) -> Row:
    """A directory with hard links: first with nothing known, then with what the one before learned."""
    row = Row("directory, `--link hardlink`", "`cp -a`", 0.35)
    link = ("--link", "hardlink")
    for number in range(ROUNDS + 1):
        out = os.path.join(trees, f"links-{number}-")
        alternate(
            number,
            (partial(bench.pack, environment, out + "first", *link, first=True), row.first),
            (partial(bench.copy, bundle, out + "cp"), row.floor),
        )
    for number in range(ROUNDS + 1):
        out = os.path.join(trees, f"links-{number}-")
        taken = bench.pack(environment, out + "again", *link)
        if number:
            row.again.append(taken)
    return row


def measure_archives(bench: Bench, environment: str, trees: str, bundle: str) -> list[Row]:
    """Archives of the same bytes: what `--pyc keep` takes with the times of the sources."""
    rows = []
    for suffix, name, floor, wanted in (
        ("tar.zst", "`tar \\| zstd -T0 -3`", "zstd -T0 -3 -q", 1.10),
        ("tar.gz", "`tar \\| pigz -6`", "pigz -6", 1.00),
    ):
        row = Row(f"`.{suffix} --pyc keep`", name, wanted)
        program = floor.split(maxsplit=1)[0]
        if shutil.which(program) is None:
            print(f"{program} is not installed: .{suffix} is not measured", file=sys.stderr)
            continue
        archive = os.path.join(trees, f"app.{suffix}")
        pipe = f"tar -C {shlex.quote(bundle)} -cf - . | {floor} > {shlex.quote(archive)}.floor"
        keep = ("--pyc", "keep", "--force")
        for number in range(ROUNDS + 1):
            alternate(
                number,
                (partial(bench.pack, environment, archive, *keep, first=True), row.first),
                (partial(bench.timed, ["sh", "-c", pipe]), row.floor),
                (partial(bench.pack, environment, archive, *keep), row.again),
            )
        rows.append(row)
    return rows


def measure_updates(bench: Bench, environment: str, bundle: str) -> Row:
    """Change every module of one package, and update; what is left alone is known by its stamp."""
    row = Row("`--update` of one package", "the whole pack", 0.15)
    for package in ("requests", "packaging", "pip"):
        modules = glob.glob(f"{environment}/lib/python3*/site-packages/{package}/*.py")
        if modules:
            break
    before = {path: (open(path, "rb").read(), os.stat(path)) for path in modules}
    try:
        for number in range(ROUNDS + 1):
            for path, (data, _) in before.items():
                with open(path + ".new", "wb") as file:
                    file.write(data + b"# version %d\n" % number)
                os.replace(path + ".new", path)
            taken = bench.pack(environment, bundle, "--update")
            if number:
                row.again.append(taken)
    finally:
        for path, (data, facts) in before.items():
            with open(path, "wb") as file:
                file.write(data)
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    bench.pack(environment, bundle, "--update")
    return row


def main() -> None:
    """Measure each environment, then tell the largest memory of any pack."""
    work, *environments = sys.argv[1:]
    bench = Bench(work)
    lines = [line for environment in environments for line in measure(bench, environment)]
    print(HEAD)
    print("\n".join(lines))
    print(
        f'\nMedians of {ROUNDS} rounds. "first" is a pack with an empty cache, "again" one that knows digests and patches.'
        f" Largest memory of a pack: {bench.largest / 1000:.0f} MB (wanted: at most 300).",
        flush=True,
    )
    shutil.rmtree(bench.trees)  # minutes, on a disk that others use


if __name__ == "__main__":
    main()
