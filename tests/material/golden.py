"""Three small environments of which every byte is made here or committed, so that their archives are the same on every machine.

Nothing of them runs: an ELF program of the fixtures stands for the interpreter, and is read as a foreign root is.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.material.elf_fixtures import lay_out, set_of
from tests.material.own_wheels import make_wheel, scripts_wheel

VERSION = "3.12"
_STDLIB = f"usr/lib/python{VERSION}"
_SITE = f"app/.venv/lib/python{VERSION}/site-packages"


def plain(root: Path) -> None:
    """Scripts of every kind, packages in Python, data."""
    _machine(root, "x86_64", "x86_64-linux-gnu")
    _install(root, scripts_wheel(root, "tool"))
    _install(root, make_wheel(root, "data", {"data/__init__.py": "", "data/rows.csv": "a,b\n" * 5000}))


def with_libraries(root: Path) -> None:
    """An extension module with libraries of its own beside it and one of the system, for aarch64."""
    _machine(root, "aarch64-4k", "aarch64-linux-gnu")
    libraries = {path.name: path.read_bytes() for path in set_of("aarch64-4k").libraries()}
    files: dict[str, bytes | str] = {"fast/__init__.py": "from fast import core\n"}
    files["fast/core.cpython-312-aarch64-linux-gnu.so"] = libraries.pop("libextra.so")
    files |= {f"fast.libs/{name}": data for name, data in sorted(libraries.items())}
    _install(root, make_wheel(root, "fast", files))


def with_links(root: Path) -> None:
    """Links, long names, names beyond ASCII, empty folders, modes."""
    _machine(root, "x86_64", "x86_64-linux-gnu")
    long = "deep/" * 30 + "n" * 120
    _install(
        root, make_wheel(root, "odd", {"odd/__init__.py": "", f"odd/{long}": "x", "odd/gr\xfc\xdfe.txt": "hallo\n"})
    )
    share = root / "app/.venv/share/odd"
    (share / "empty").mkdir(parents=True)
    (share / "link").symlink_to("gone/../empty")
    (share / "run").write_text("#!/bin/sh\nexit 0\n")
    (share / "run").chmod(0o755)


ENVIRONMENTS: Mapping[str, Callable[[Path], None]] = {
    function.__name__: function for function in (plain, with_libraries, with_links)
}


def _machine(root: Path, elf: str, triplet: str) -> None:
    """A root with a Python that is no more than what is read of it, and an empty virtual environment."""
    (root / "usr/bin").mkdir(parents=True)
    os.replace(lay_out(set_of(elf), "pie", root / "usr/bin"), root / f"usr/bin/python{VERSION}")
    loader = set_of(elf).interpreter
    for path in (loader.lstrip("/"), f"lib/{triplet}/libc.so.6"):  # these stay where they are
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(set_of(elf).folder / "libextra.so", root / path)
    files = {
        f"{_STDLIB}/os.py": "# the landmark\n",
        f"{_STDLIB}/site.py": "# nothing\n",
        f"{_STDLIB}/_sysconfigdata__linux_{triplet}.py": f"build_time_vars = {{'EXT_SUFFIX': '.cpython-312-{triplet}.so', "
        f"'MULTIARCH': '{triplet}', 'SOABI': 'cpython-312-{triplet}', 'prefix': '/usr', 'VERSION': '3.12'}}\n",
        f"usr/include/python{VERSION}/patchlevel.h": '#define PY_VERSION "3.12.4"\n',
        "app/.venv/pyvenv.cfg": "home = /usr/bin\nversion = 3.12.4\n",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / _STDLIB / "lib-dynload").mkdir()
    (root / _SITE).mkdir(parents=True)
    (root / "app/.venv/bin").mkdir()
    (root / "app/.venv/bin/python").symlink_to(f"/usr/bin/python{VERSION}")


def _install(root: Path, wheel: Path) -> None:
    """As an installer does, without a Python to be asked: the files, the scripts that it names, a RECORD with digests."""
    with zipfile.ZipFile(wheel) as file:
        file.extractall(root / _SITE)
    wheel.unlink()
    name = wheel.name.split("-")[0]
    info = f"{name}-1.0.dist-info"
    for script in sorted((root / _SITE / f"{name}-1.0.data/scripts").glob("*")):
        target = root / "app/.venv/bin" / script.name
        target.write_bytes(script.read_bytes().replace(b"#!python", b"#!/app/.venv/bin/python", 1))
        target.chmod(0o755)
    shutil.rmtree(root / _SITE / f"{name}-1.0.data", ignore_errors=True)
    (root / _SITE / info / "INSTALLER").write_text("pip\n")
    paths = [path for part in (name, f"{name}.libs", info) for path in sorted((root / _SITE / part).rglob("*"))]
    lines = []
    for path in paths:
        if path.is_file() and path.name != "RECORD":
            digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
            lines.append(f"{path.relative_to(root / _SITE)},sha256={digest},{path.stat().st_size}\n")
    (root / _SITE / info / "RECORD").write_text("".join(lines) + f"{info}/RECORD,,\n")
