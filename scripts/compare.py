"""Pack the sample application with other packers, too: a Markdown table of time, size and start-up time."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time

STARTS = 5
SCRIPT = "from stockroom.cli import main\n\nmain()\n"


def run(command: list[str], cwd: str) -> tuple[float, str]:
    """Seconds, and why it failed ("" where it did not)."""
    start = time.monotonic()
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PEX", "SHIV"))}
    env |= {name: os.path.join(cwd, name) for name in ("SHIV_ROOT", "PEX_ROOT", "XDG_CACHE_HOME")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env)
    except OSError as error:
        return 0.0, str(error)
    lines = (done.stderr or done.stdout).strip().splitlines()
    return time.monotonic() - start, "" if done.returncode == 0 else (
        lines[-1] if lines else f"status {done.returncode}"
    )


def size_of(path: str) -> int:
    """Bytes of a file, or of all files in a folder."""
    if os.path.isfile(path):
        return os.stat(path).st_size
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)


def line(name: str, whole: str, commands: list[list[str]], result: str, start: list[str], cwd: str) -> str:
    """Run the commands; the table's line for what they made."""
    seconds = 0.0
    for command in commands:
        took, failure = run(command, cwd)
        seconds += took
        if failure:
            return f"| {name} | {whole} | failed: {failure[:80]} | | | |"
    first, failure = run([*start, "report"], cwd)
    if failure:
        return f"| {name} | {whole} | {seconds:.1f} s | {size_of(result) / 1e6:.0f} MB | failed: {failure[:80]} | |"
    later = statistics.median(run([*start, "report"], cwd)[0] for _ in range(STARTS))
    return f"| {name} | {whole} | {seconds:.1f} s | {size_of(result) / 1e6:.0f} MB | {first:.2f} s | {later:.2f} s |"


def main() -> None:
    """Make an environment with the other packers in it, and use each once."""
    work, environment, project, python = sys.argv[1:]
    folder = os.path.join(work, "compare")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    tools = os.path.join(folder, "tools")
    for command in (
        [python, "-m", "venv", tools],
        [f"{tools}/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", project],
        [f"{tools}/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "setuptools", "venv-pack",
         "pyinstaller", "cx_Freeze", "shiv", "pex"],
    ):  # fmt: skip
        _, failure = run(command, folder)
        if failure:
            sys.exit(f"{command}: {failure}")
    with open(os.path.join(folder, "start.py"), "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    bundle = [sys.executable, "-m", "bundler", "pack", environment, "--no-verify", "-q", "--out"]
    at = os.path.join(folder, "unpacked")
    os.mkdir(at)
    print("| packer | takes along | time | size | first start | later starts |")
    print("|---|---|---|---|---|---|")
    all_of_it = "interpreter, stdlib, libraries"
    rows = [
        ("bundler, directory", all_of_it, [[*bundle, "bundle"]], "bundle", ["bundle/bin/stockroom"]),
        ("bundler, `.tar.zst`", all_of_it, [[*bundle, "b.tar.zst"]], "b.tar.zst", ["bundle/bin/stockroom"]),
        ("bundler, `.run`", all_of_it, [[*bundle, "b.run", "--entry", "stockroom"]], "b.run",
         ["sh", "b.run", "--target", "from-run", "--start"]),
        ("venv-pack", "packages only", [[f"{tools}/bin/venv-pack", "-q", "-p", environment, "-o", "v.tar.gz"],
         ["tar", "xzf", "v.tar.gz", "-C", at]], "v.tar.gz", [f"{at}/bin/python", "start.py"]),
        ("PyInstaller, onedir", "what it finds imported", [[f"{tools}/bin/pyinstaller", "--log-level", "ERROR", "-y",
         "--distpath", "pyinstaller", "-n", "app", "start.py"]], "pyinstaller/app", ["pyinstaller/app/app"]),
        ("cx_Freeze", "what it finds imported", [[f"{tools}/bin/cxfreeze", "build_exe", "--script=start.py",
         "--build-exe=frozen", "--silent"]], "frozen", ["frozen/start"]),
        ("shiv", "packages only", [[f"{tools}/bin/shiv", "-q", "-c", "stockroom", "-o", "s.pyz", project]], "s.pyz",
         [f"{tools}/bin/python", "s.pyz"]),
        ("pex", "packages only", [[f"{tools}/bin/pex", project, "-c", "stockroom", "-o", "p.pex"]], "p.pex",
         [f"{tools}/bin/python", "p.pex"]),
    ]  # fmt: skip
    for name, whole, commands, result, start in rows:
        made = os.path.join(folder, result)
        print(line(name, whole, commands, made, [_absolute(folder, start[0]), *start[1:]], folder), flush=True)
    shutil.rmtree(folder)


def _absolute(folder: str, program: str) -> str:
    path = os.path.join(folder, program)
    return path if os.sep in program else program


if __name__ == "__main__":
    main()
