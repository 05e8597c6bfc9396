"""What `--libc` costs at each start: Python of four bundles of one environment, turn by turn, against `--libc host`."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = 400
WANTED = 1.10
HOST, OWN, AUTO, AUTO_OWN = "host", "bundle", "auto, the host's chosen", "auto, its own chosen"


def made(environment: str, work: str) -> dict[str, list[str]]:
    """The bundles, packed below `work`: what starts Python of each and lets it end at once."""
    bundler = [sys.executable, "-m", "bundler"]
    commands: dict[str, list[str]] = {}
    for name, libc in ((HOST, "host"), (OWN, "bundle"), (AUTO, "auto"), (AUTO_OWN, "auto")):
        place = os.path.join(work, f"start-{len(commands)}")
        shutil.rmtree(place, ignore_errors=True)
        words = ["pack", environment, "--out", place, "--libc", libc, "--no-verify", "-q"]
        subprocess.run([*bundler, *words], check=True)
        program = os.path.realpath(os.path.join(place, "bin", "python"))
        if name == AUTO_OWN:  # no machine has such a glibc
            subprocess.run([*bundler, "patch", "-q", "--host-from", "2.9999", program], check=True)
        commands[name] = [program, "-c", "pass"]
    return commands


def milliseconds(command: list[str]) -> float:
    """One start and end of a program."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Print the medians of each, and of the ratio to the first in the same round."""
    environment, work = map(os.path.abspath, sys.argv[1:])
    commands = made(environment, work)
    times: dict[str, list[float]] = {name: [] for name in commands}
    order = list(commands)
    for number in range(ROUNDS + 5):
        random.shuffle(order)  # who comes behind whom shall not matter
        for name in order:
            taken = milliseconds(commands[name])
            if number >= 5:  # the first rounds fill the caches
                times[name].append(taken)
    for name, all_taken in times.items():
        ratio = statistics.median(all_taken) / statistics.median(times[HOST])
        rounds = statistics.median(one / other for one, other in zip(all_taken, times[HOST], strict=True))
        print(
            f"{name}: {statistics.median(all_taken):.2f} ms, least {min(all_taken):.2f}; {ratio:.3f} times {HOST}, in a round "
            f"{rounds:.3f} (wanted: at most {WANTED:.2f})"
        )


if __name__ == "__main__":
    main()
