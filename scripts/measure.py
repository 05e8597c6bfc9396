"""Time `bundler pack` (audit not counted) against `cp -a` of the same bundle, alternating, and print the ratios."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = 4


def timed(command: list[str]) -> float:
    """Seconds of wall clock, from a disk that has nothing left to write."""
    os.sync()
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - start


def measure(work: str, environment: str) -> None:
    """One environment: medians of alternating rounds.

    Nothing is removed in between: ext4 passes over inodes that were freed in the last minutes, at a cost to whoever is next.
    """
    trees = os.path.join(work, "trees")
    shutil.rmtree(trees, ignore_errors=True)
    os.mkdir(trees)
    packs: list[float] = []
    copies: list[float] = []
    bundle_before = os.path.join(trees, "bundle-0")
    for number in range(ROUNDS + 1):
        bundle, copy = os.path.join(trees, f"bundle-{number}"), os.path.join(trees, f"copy-{number}")
        pack = [sys.executable, "-m", "bundler", "pack", environment, "--out", bundle, "--no-verify", "-q"]
        steps = [(pack, packs), (["cp", "-a", bundle_before, copy], copies)]
        for command, times in steps if number % 2 == 0 else reversed(steps):
            seconds = timed(command)
            if number:  # the first round fills the page cache
                times.append(seconds)
        bundle_before = bundle
    size = sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(bundle) for name in names)
    files = sum(len(names) for _, _, names in os.walk(bundle))
    ratio = statistics.median(packs) / statistics.median(copies)
    print(
        f"{os.path.basename(environment)}: {size / 1e6:.0f} MB in {files} files; pack {statistics.median(packs):.2f} s,"
        f" cp -a {statistics.median(copies):.2f} s, ratio {ratio:.2f} (wanted: at most 1.50)"
    )
    shutil.rmtree(trees)


def main() -> None:
    """Measure each environment, then tell the largest memory of any pack."""
    work, *environments = sys.argv[1:]
    for environment in environments:
        measure(work, environment)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(f"largest memory of a child process: {memory:.0f} MB (wanted: at most 300)")


if __name__ == "__main__":
    main()
