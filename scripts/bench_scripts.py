"""What a bundle's scripts cost at their start, against a plain shebang to the same Python and `python script`; in one run."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time

from bundler.binaries.elf.launchers import launcher_for
from bundler.rewrite.native_scripts import NativeStart
from bundler.rewrite.scripts import rewrite_script

ROUNDS = 300
WANTED = 2.0
WANTED_RATIO = 1.02
PYTHON, LAUNCHER = "python script", "native launcher"
SHELLS = ("dash", "bash", "busybox", "zsh")


def milliseconds(command: list[str]) -> float:
    """One start and end of a program."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def with_side_file(folder: str) -> bytes:
    """A script with a docstring, whose body therefore lies in a side file."""
    script = rewrite_script(b'#!python\n"""Docs."""\n', is_ours=lambda _: True, to_bin=".", side_file="bench-side")
    assert script is not None and script.side_data is not None
    with open(os.path.join(folder, "bench-side"), "wb") as file:
        file.write(script.side_data)
    return script.data


def header_for(shell: str) -> bytes:
    """An empty script with bundler's header, run by this shell."""
    script = rewrite_script(b"#!python\n", is_ours=lambda _: True, to_bin=".", side_file="")
    assert script is not None
    path = shutil.which(shell) or shell
    line = f"#!{path} sh\n" if shell == "busybox" else f"#!{path}\n"
    return line.encode() + script.data.partition(b"\n")[2]


def with_launcher(folder: str) -> bytes:
    """An empty script with a launcher, whose text therefore lies in a side file; nothing where there is no launcher."""
    launcher = launcher_for(os.uname().machine)
    if launcher is None:
        return b""
    native = NativeStart(launcher, "bin/bench-native", "bin/bench-text")
    script = rewrite_script(b"#!python\n", is_ours=lambda _: True, to_bin=".", side_file="", native=native)
    assert script is not None and script.side_data is not None
    with open(os.path.join(folder, "bench-text"), "wb") as file:
        file.write(script.side_data)
    return script.data


def main() -> None:
    """Write the scripts into the bundle's `bin`, measure them, and remove them."""
    bundle = os.path.abspath(sys.argv[1])
    scripts = {"shebang": f"#!{bundle}/bin/python\n".encode()}
    scripts |= {shell: header_for(shell) for shell in SHELLS if shutil.which(shell)}
    scripts["body in a side file"] = with_side_file(os.path.join(bundle, "bin"))
    if launcher := with_launcher(os.path.join(bundle, "bin")):
        scripts[LAUNCHER] = launcher
    paths = {name: os.path.join(bundle, "bin", f"bench-{name}") for name in scripts}
    link = os.path.join(bundle, "bin", "bench-link")
    try:
        for name, data in scripts.items():
            with open(paths[name], "wb") as file:
                file.write(data)
            os.chmod(paths[name], 0o755)
        os.symlink("bench-" + SHELLS[0], link)
        commands = {name: [path] for name, path in paths.items()} | {"through a link": [link]}
        measure({**commands, PYTHON: [f"{bundle}/bin/python", paths["shebang"]]})
    finally:
        for name in os.listdir(os.path.join(bundle, "bin")):
            if name.startswith("bench-"):
                os.unlink(os.path.join(bundle, "bin", name))


def measure(commands: dict[str, list[str]]) -> None:
    """Print the medians, and what each costs over the plain shebang: the median of the differences in a round."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(ROUNDS + 3):
        for name, command in commands.items():
            taken = milliseconds(command)
            if number >= 3:  # the first rounds fill the caches
                times[name].append(taken)
    plain = times.pop("shebang")
    direct = statistics.median(times.pop(PYTHON))
    print(f"absolute shebang: {statistics.median(plain):.2f} ms; {PYTHON}: {direct:.2f} ms")
    if native := times.pop(LAUNCHER, []):
        ratio = statistics.median(native) / direct
        print(
            f"{LAUNCHER}: {statistics.median(native):.2f} ms, {ratio:.3f} times {PYTHON} (wanted: at most {WANTED_RATIO:.2f})"
        )
    for name, all_taken in times.items():
        more = statistics.median(one - other for one, other in zip(all_taken, plain, strict=True))
        print(f"header, {name}: {statistics.median(all_taken):.2f} ms, {more:+.2f} ms (wanted: at most +{WANTED:.1f})")


if __name__ == "__main__":
    main()
