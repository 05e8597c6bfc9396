"""Time `bundler pack` (audit not counted) against `cp -a` of the same bundle, alternating, and print the ratios."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = 5


def timed(command: list[str]) -> float:
    """Seconds of wall clock, from a disk that has nothing left to write."""
    os.sync()
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - start


def measure(work: str, environment: str) -> None:
    """One environment: medians of alternating rounds."""
    bundle, copy = os.path.join(work, "bundle"), os.path.join(work, "copy")
    pack = [sys.executable, "-m", "bundler", "pack", environment, "--out", bundle, "--no-verify", "-q"]
    packs, copies = [], []
    for number in range(ROUNDS + 1):
        for path in (bundle, copy):
            shutil.rmtree(path, ignore_errors=True)
        packed = timed(pack)
        copied = timed(["cp", "-a", bundle, copy])
        if number:  # the first round fills the page cache
            packs.append(packed)
            copies.append(copied)
    size = sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(bundle) for name in names)
    files = sum(len(names) for _, _, names in os.walk(bundle))
    ratio = statistics.median(packs) / statistics.median(copies)
    print(
        f"{os.path.basename(environment)}: {size / 1e6:.0f} MB in {files} files; pack {statistics.median(packs):.2f} s,"
        f" cp -a {statistics.median(copies):.2f} s, ratio {ratio:.2f} (wanted: at most 1.50)"
    )
    for path in (bundle, copy):
        shutil.rmtree(path, ignore_errors=True)


def main() -> None:
    """Measure each environment, then tell the largest memory of any pack."""
    work, *environments = sys.argv[1:]
    for environment in environments:
        measure(work, environment)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(f"largest memory of a child process: {memory:.0f} MB (wanted: at most 300)")


if __name__ == "__main__":
    main()
