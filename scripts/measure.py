"""Time `bundler pack` (audit not counted) against the floor over the same bytes, alternating; print a Markdown table of ratios."""

from __future__ import annotations

import glob
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "4"))
PACK = [sys.executable, "-m", "bundler", "pack"]


@dataclass
class Row:
    """What is measured, its floor, and the ratio that is wanted; seconds of wall clock by round."""

    name: str
    floor_name: str
    wanted: float
    seconds: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    def line(self, environment: str) -> str:
        """One line of the table."""
        mine, floor = statistics.median(self.seconds), statistics.median(self.floor)
        verdict = "yes" if mine / floor <= self.wanted else "no"
        return (
            f"| {environment} | {self.name} | {mine:.2f} s | {self.floor_name} | {floor:.2f} s"
            f" | **{mine / floor:.2f}** | {self.wanted:.2f} | {verdict} |"
        )


class Memory:
    """The largest resident set of any pack, in kilobytes."""

    largest = 0


def timed(command: list[str]) -> float:
    """Seconds of wall clock, from a disk that has nothing left to write."""
    os.sync()
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{shlex.join(command)} ended with {process.returncode}")
    if command[: len(PACK)] == PACK:
        Memory.largest = max(Memory.largest, usage.ru_maxrss)
    return seconds


def pack(environment: str, out: str, *options: str) -> list[str]:
    """The command."""
    return [*PACK, environment, "--out", out, "--no-verify", "-q", *options]


def alternate(number: int, *steps: tuple[Callable[[], float], list[float]]) -> None:
    """Take the steps of a round, in the opposite order every other time; the first round fills the page cache."""
    for step, times in steps if number % 2 == 0 else reversed(steps):
        seconds = step()
        if number:
            times.append(seconds)


def measure(work: str, environment: str) -> list[str]:
    """The lines of one environment.

    Nothing is removed in between: ext4 passes over inodes that were freed in the last minutes, at a cost to whoever is next.
    """
    trees = os.path.join(work, "trees")
    shutil.rmtree(trees, ignore_errors=True)
    os.mkdir(trees)
    copies = Row("directory", "`cp -a`", 1.15)
    links = Row("directory, `--link hardlink`", "`cp -a`", 0.35)
    update = Row("`--update` of one package", "the whole pack", 0.15)
    zst = Row("`.tar.zst --pyc keep`", "`tar \\| zstd -T0 -3`", 1.10)
    gz = Row("`.tar.gz --pyc keep`", "`tar \\| pigz -6`", 1.00)
    bundle = os.path.join(trees, "first")
    timed(pack(environment, bundle))
    for number in range(ROUNDS + 1):
        new, copy, linked = (os.path.join(trees, f"{name}-{number}") for name in ("bundle", "copy", "linked"))
        alternate(
            number,
            (lambda new=new: timed(pack(environment, new)), copies.seconds),
            (lambda copy=copy: timed(["cp", "-a", bundle, copy]), copies.floor),
            (lambda linked=linked: timed(pack(environment, linked, "--link", "hardlink")), links.seconds),
        )
    links.floor = update.floor = copies.floor
    update.floor = copies.seconds
    # The same bytes for the archives' floor: what `--pyc keep` takes with the times of the sources.
    for row, suffix, floor in ((zst, "tar.zst", "zstd -T0 -3 -q"), (gz, "tar.gz", "pigz -6")):
        if shutil.which(floor.split(maxsplit=1)[0]) is None:
            print(f"{floor}: not installed, not measured", file=sys.stderr)
            continue
        archive = os.path.join(trees, f"app.{suffix}")
        pipe = f"tar -C {shlex.quote(bundle)} -cf - . | {floor} > {shlex.quote(archive)}.floor"
        for number in range(ROUNDS + 1):
            alternate(
                number,
                (lambda: timed(pack(environment, archive, "--pyc", "keep", "--force")), row.seconds),  # noqa: B023
                (lambda: timed(["sh", "-c", pipe]), row.floor),  # noqa: B023
            )
    measure_updates(environment, bundle, update)
    name = os.path.basename(environment)
    size = sum(os.lstat(os.path.join(folder, item)).st_size for folder, _, items in os.walk(bundle) for item in items)
    files = sum(len(items) for _, _, items in os.walk(bundle))
    print(f"{name}: {size / 1e6:.0f} MB in {files} files", file=sys.stderr)
    shutil.rmtree(trees)
    return [
        row.line(f"{name} ({size / 1e6:.0f} MB, {files} files)")
        for row in (copies, links, update, zst, gz)
        if row.seconds
    ]


def measure_updates(environment: str, bundle: str, row: Row) -> None:
    """Change every module of one package, and update."""
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
            seconds = timed(pack(environment, bundle, "--update"))
            if number:
                row.seconds.append(seconds)
    finally:
        for path, (data, facts) in before.items():
            with open(path, "wb") as file:
                file.write(data)
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def main() -> None:
    """Measure each environment, then tell the largest memory of any pack."""
    work, *environments = sys.argv[1:]
    lines = [line for environment in environments for line in measure(work, environment)]
    print("| environment | bundler | | floor | | ratio | wanted | reached |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(lines))
    print(
        f"\nMedians of {ROUNDS} alternating rounds. Largest memory of a pack: {Memory.largest / 1000:.0f} MB (wanted: at most 300)."
    )


if __name__ == "__main__":
    main()
