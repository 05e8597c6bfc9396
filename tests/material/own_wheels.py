"""Wheels made by hand: small, without a build back end, with every kind of script that a wheel can have."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_wheel(folder: Path, name: str, files: Mapping[str, bytes | str], version: str = "1.0") -> Path:
    """A wheel with these files; `entry_points.txt` and `scripts/…` go where they belong."""
    info, data = f"{name}-{version}.dist-info", f"{name}-{version}.data"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    contents = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    } | {
        (
            f"{info}/{path}"
            if path == "entry_points.txt"
            else f"{data}/{path}"
            if path.startswith("scripts/")
            else path
        ): text
        for path, text in files.items()
    }
    with zipfile.ZipFile(wheel, "w") as file:
        for path, text in contents.items():
            member = zipfile.ZipInfo(path)
            member.external_attr = (0o100755 if "/scripts/" in path else 0o100644) << 16
            file.writestr(member, text)
        file.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in (*contents, f"{info}/RECORD")))
    return wheel


def scripts_wheel(folder: Path, name: str, version: str = "1.0") -> Path:
    """A wheel whose scripts `NAME-console`, `-gui`, `-data`, `-doc` and `-latin` tell in JSON how they were called."""
    body = f"import sys\nfrom {name} import main\nmain()\n"
    docstring = '"""The docs."""\nfrom __future__ import annotations\nassert __doc__ == "The docs.", __doc__\n'
    latin = '# -*- coding: latin-1 -*-\nassert "\xe9" == chr(233)\n'
    return make_wheel(
        folder,
        name,
        {
            f"{name}/__init__.py": "import json, os, sys\n\ndef main():\n"
            "    print(json.dumps([os.path.basename(sys.argv[0]), sys.argv[1:], os.getcwd(), sys.prefix]))\n",
            f"{name}/__main__.py": f"from {name} import main\nmain()\n",
            "entry_points.txt": f"[console_scripts]\n{name}-console = {name}:main\n[gui_scripts]\n{name}-gui = {name}:main\n",
            f"scripts/{name}-data": f"#!python\n{body}",
            f"scripts/{name}-doc": f"#!python\n{docstring}{body}",
            f"scripts/{name}-latin": f"#!pythonw\n{latin}{body}".encode("latin-1"),
        },
        version,
    )
