"""The small bundle that is spoiled: an interpreter with a few modules, and an application with one script of each kind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bundler.rewrite.templates import read_template
from tests.material.environments import SMALL, empty_environment, pack, uv
from tests.material.own_wheels import make_wheel

STARTING = ("collections", "encodings", "importlib", "json", "re")
"""Packages that Python, and what observes it, begin with."""
FEW = (
    *(*SMALL, "--exclude", "/lib/python3*/lib-dynload/"),
    *(word for name in STARTING for word in ("--include", f"/lib/python3*/{name}/")),
    *(word for name in ("_ctypes", "zlib") for word in ("--include", f"/lib/python3*/lib-dynload/{name}.*")),
)
"""Of the extension modules two: the audit reads each changed binary twice."""


def make_bundle(folder: Path) -> Path:
    """The bundle, below a new folder."""
    body = "import sys\nfrom stall import main\nsys.exit(main())\n"
    wheel = make_wheel(
        folder,
        "stall",
        {
            "stall/__init__.py": "def main():\n    print('open')\n",
            "stall/trade.py": "PRICE = 1\n",
            "stall/cacert.pem": "no certificate\n",
            "plain.py": "",
            "stall/header_of_bundler": read_template("script_header"),
            "entry_points.txt": "[console_scripts]\nstall = stall:main\n",
            "scripts/stall-doc": f'#!python\n"""The docs."""\nfrom __future__ import annotations\n{body}',
        },
    )
    environment = empty_environment(folder / "environment")
    uv(["pip", "install", "--no-index", "--no-deps", "--python", environment, wheel])
    next(environment.glob("lib/python3*/site-packages/stall")).joinpath("outbox").mkdir()
    pack(environment, folder / "bundle", *FEW, "--no-verify")
    return folder / "bundle"


def copy(bundle: Path, target: Path) -> Path:
    """A copy whose files are hard links."""
    subprocess.run(["cp", "-al", os.fspath(bundle), os.fspath(target)], check=True)
    return target
