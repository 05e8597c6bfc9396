"""Time `bundler pack` as it is typed, audit, compiled modules and digests included; print Markdown tables.

A first pack knows nothing, and is timed beside an earlier build of bundler (a checkout of it). A later one packs the environment
after every module of one package has changed, and is timed beside the floor over the same bytes. All alternate. On a machine that
others work on, too, the seconds of processors tell more than the clock.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from scripts.measure import PACK, ROUNDS, Bench, Taken

HEAD = """\
| `--out` | first | earlier build | | wanted | one package changed | floor | | wanted | the same, `--update` | | wanted |
|---|---|---|---|---|---|---|---|---|---|---|---|"""


@dataclass
class Format:
    """A format, its floor (a command that reads the tree in `$1` and writes the file or folder `$2`), and the wanted ratios."""

    suffix: str
    floor: str
    first: float
    """Of the earlier build's first pack."""
    again: float | None
    """Of the floor, for a pack after one package has changed."""
    update: float
    """The same with `--update`; where there is no floor, of its own first pack."""
    times: dict[str, list[Taken]] = field(default_factory=dict)

    def note(self, what: str, taken: Taken) -> None:
        """Count one time."""
        self.times.setdefault(what, []).append(taken)

    def line(self, seconds: Callable[[Taken], float]) -> str:
        """A line of a table of these seconds, the median of all rounds."""

        def median(what: str) -> float | None:
            return statistics.median(map(seconds, self.times[what])) if self.times.get(what) else None

        first, before, again, floor, update = map(median, ("first", "before", "again", "floor", "update"))
        against = floor if self.again is not None else first
        cells = [
            f"`{self.suffix or 'directory'}`",
            _seconds(first),
            _seconds(before),
            _ratio(first, before),
            f"{self.first:.2f}",
        ]
        wanted = "" if self.again is None else f"{self.again:.2f}"
        cells += [_seconds(again), _seconds(floor), _ratio(again, floor), wanted]
        cells += [_seconds(update), _ratio(update, against), f"{self.update:.2f}"]
        return "| " + " | ".join(cells) + " |"


TAR = 'tar -C "$1" -cf - . | {} > "$2"'
FORMATS = (
    Format("", 'cp -a "$1" "$2"', 0.5, 1.3, 1.3),
    Format(".tar.zst", TAR.format("zstd -T0 -3 -q"), 0.4, 0.6, 0.35),
    Format(".tar.gz", TAR.format("pigz -6"), 0.45, 0.5, 0.12),
    Format(".oci.tar", "", 0.5, None, 0.2),
    Format(".run", "", 0.5, None, 0.2),
    Format(".zip", "", 0.5, None, 0.2),
)


def _seconds(time: float | None) -> str:
    return "" if time is None else f"{time:.1f} s"


def _written(taken: Taken) -> float:
    return taken.written


def _processors(taken: Taken) -> float:
    return taken.processors


def _ratio(time: float | None, floor: float | None) -> str:
    return "" if time is None or not floor else f"**{time / floor:.2f}**"


@contextlib.contextmanager
def changed(environment: str, package: str, number: int) -> Iterator[None]:
    """Every module of a package is another one for a while."""
    modules = glob.glob(f"{environment}/lib/python3*/site-packages/{package}/**/*.py", recursive=True)
    assert modules, f"{environment} has no package {package}: name one in BENCH_PACKAGE"
    before = {path: open(path, "rb").read() for path in modules}
    try:
        _put({path: data + b"# version %d\n" % number for path, data in before.items()})
        yield
    finally:
        _put(before)


def _put(files: dict[str, bytes]) -> None:
    """As an installer does: a new file in the place of each."""
    for path, data in files.items():
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.replace(path + ".new", path)


class TypedBench:
    """One environment, whole bundles of it, and where an earlier build of bundler is ("" for none)."""

    def __init__(self, bench: Bench, environment: str, before: str, package: str) -> None:
        self._bench = bench
        self._environment = environment
        self._before = before
        self._package = package
        self._trees = tempfile.mkdtemp(dir=bench.trees)

    def run(self) -> None:
        """Every format in each round, in the opposite order every other time."""
        self._pack(os.path.join(self._trees, "app"))  # also the floor's source; it fills the page cache
        for number in range(1, ROUNDS + 1):
            for form in FORMATS if number % 2 else FORMATS[::-1]:
                for what, taken in self._round(form, number):
                    form.note(what, taken)
                    said = f"{number} {form.suffix or 'directory'} {what} {taken.written:.1f} {taken.processors:.1f}"
                    print(said, file=sys.stderr, flush=True)

    def _round(self, form: Format, number: int) -> Iterator[tuple[str, Taken]]:
        out = os.path.join(self._trees, f"app{form.suffix}")
        tree = os.path.join(self._trees, "app")
        if self._before:
            yield "before", self._pack(f"{out}.before{form.suffix}", "--force", first=True, folder=self._before)
        yield "first", self._pack(f"{out}.first{form.suffix}", "--force", first=True)
        self._pack(out, "--force")
        with changed(self._environment, self._package, 2 * number):
            yield "again", self._pack(out, "--force")
        with changed(self._environment, self._package, 2 * number + 1):
            yield "update", self._pack(out, "--update")
        if form.floor:
            target = os.path.join(self._trees, f"floor{form.suffix}")
            shutil.rmtree(target, ignore_errors=True)
            yield "floor", self._bench.timed(["sh", "-c", form.floor, "sh", tree, target])

    def _pack(self, out: str, *options: str, first: bool = False, folder: str | None = None) -> Taken:
        cache = tempfile.mkdtemp(dir=self._bench.trees, prefix="cache-") if first else self._bench.cache
        taken = self._bench.timed([*PACK, self._environment, "--out", out, "-q", *options], cache, folder)
        if first:
            shutil.rmtree(cache)
        return taken


def main() -> None:
    """Measure one environment. BENCH_BEFORE names a checkout of an earlier build, BENCH_PACKAGE the package that changes."""
    work, environment = sys.argv[1:]
    before, package = os.environ.get("BENCH_BEFORE", ""), os.environ.get("BENCH_PACKAGE", "cycler")
    bench = Bench(work)
    TypedBench(bench, environment, before, package).run()
    for name, seconds in (("Until it is on the disk", _written), ("Seconds of processors", _processors)):
        print(f"\n{name}:\n\n{HEAD}")
        print("\n".join(form.line(seconds) for form in FORMATS))
    print(
        f"\nMedians of {ROUNDS} rounds; `{shlex.quote(package)}` changes. Largest memory of a pack: "
        f"{bench.largest / 1000:.0f} MB (wanted: at most 300).",
        flush=True,
    )
    shutil.rmtree(bench.trees)


if __name__ == "__main__":
    main()
