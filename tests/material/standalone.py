"""Installations that stand by themselves, put together from one that this machine has: they differ in where their parts look.

python-build-standalone is not to be had here; its tree is imitated after its published build scripts (reference: interpreters 1.1).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.material.environments import run
from tests.material.interpreters import Python
from tests.material.programs import need

# What takes long to copy and matters to none of the tests; of the packages pip alone stays.
_LEFT_OUT = shutil.ignore_patterns("test", "__pycache__", "idlelib", "turtledemo", "*.a")
_KEPT_PACKAGES = ("pip", "pip-*.dist-info")


def installation(python: Python, where: Path) -> Path:
    """A copy of an installation, with its standard library and pip, and without the packages that this machine has in it."""
    if python.prefix == "/usr":
        pytest.skip("needs a Python with a prefix of its own (pyenv)")

    def left_out(folder: str, names: list[str]) -> set[str]:
        if os.path.basename(folder) != "site-packages":
            return _LEFT_OUT(folder, names)
        return {name for name in names if not any(fnmatchcase(name, kept) for kept in _KEPT_PACKAGES)}

    return Path(shutil.copytree(python.prefix, where, symlinks=True, ignore=left_out))


def python_build_standalone(python: Python, where: Path) -> Path:
    """A tree like `uv python install` makes: DT_RPATH, `$ORIGIN` inside of NEEDED, `/install` where uv edits nothing."""
    root = _copy(python, where)
    library = f"libpython{python.version}.so.1.0"
    for name in (f"python{python.version}",):
        run(["patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/../lib", root / "bin" / name])
        run(["patchelf", "--replace-needed", library, f"$ORIGIN/../lib/{library}", root / "bin" / name])
    for path in (root / "lib" / library, *(root / f"lib/python{python.version}/lib-dynload").glob("*.so")):
        run(["patchelf", "--remove-rpath", path])
    run(["patchelf", "--remove-rpath", root / "lib/libpython3.so"])
    run(["patchelf", "--replace-needed", library, f"$ORIGIN/../lib/{library}", root / "lib/libpython3.so"])
    stdlib = root / f"lib/python{python.version}"
    for data in stdlib.glob("_sysconfigdata*.py"):  # edited by uv: the real prefix, and a mark of its own
        _edit(data, lambda text: text.replace(python.prefix, str(root)))
        _edit(
            data,
            lambda text: re.sub(
                r"build_time_vars = \{", "build_time_vars = {'PYTHON_BUILD_STANDALONE': 1,", text, count=1
            ),
        )
    for makefile in stdlib.glob("config-*/Makefile"):  # not edited
        _edit(makefile, lambda text: text.replace(python.prefix, "/install"))
    for file in (root / "lib/pkgconfig").glob("*.pc"):
        _edit(
            file,
            lambda text: re.sub(r"(?m)^prefix=.*$", "prefix=${pcfiledir}/../..", text).replace(
                python.prefix, "${prefix}"
            ),
        )
    for name in ("pip3", f"pydoc{python.version}"):
        command = f"""'''exec' "$(dirname -- "$(realpath -- "$0")")/python{python.version}" "$0" "$@"\n' '''"""
        script = root / "bin" / name
        script.write_text(f"#!/bin/sh\n{command}\n" + script.read_text().split("\n", 1)[1])
    (stdlib / "EXTERNALLY-MANAGED").write_text(
        "[externally-managed]\nError=This Python installation is managed by uv.\n"
    )
    (root / "BUILD").write_text("20260101\n")
    return root


def as_usr_local(python: Python, where: Path) -> Path:
    """A tree like the one under /usr/local in docker's images: no search path in any file, ldconfig finds libpython.

    It is only whole inside of `with_usr_local`.
    """
    root = _copy(python, where)
    names = [root / f"bin/python{python.version}", *(root / "lib").glob("libpython*.so*")]
    for path in (*names, *(root / f"lib/python{python.version}/lib-dynload").glob("*.so")):
        if not path.is_symlink():
            run(["patchelf", "--remove-rpath", path])
    texts = (
        *root.glob("lib/python*/_sysconfigdata*.py"),
        *root.glob("lib/python*/config-*/Makefile"),
        *root.glob("lib/pkgconfig/*.pc"),
    )
    for path in (
        *texts,
        *(path for path in (root / "bin").iterdir() if path.is_file() and path.read_bytes()[:2] == b"#!"),
    ):
        if not path.is_symlink():
            _edit(path, lambda text: text.replace(python.prefix, "/usr/local"))
    (root / "share/other-software").mkdir(parents=True)
    (root / "share/other-software/data").write_text("not Python's\n")
    (root / "bin/other-software").write_text("#!/bin/sh\n")
    return root


def with_usr_local(root: Path, opt: Path, hide: Sequence[str | Path], script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script where `root` is /usr/local, known to the loader, and `opt` is /opt; other places are hidden."""
    need("unshare")
    need("ldconfig")
    if os.geteuid() != 0:
        pytest.skip("needs root, to put a Python under /usr/local")
    opt.mkdir(exist_ok=True)
    cache = opt / "ld.so.cache"
    lines = ["set -e", f"mount --bind {root} /usr/local", f"mount --bind {opt} /opt", f"ldconfig -C {cache}"]
    lines += [f"mount --bind {cache} /etc/ld.so.cache", *(f"mount -t tmpfs none {place}" for place in hide), script]
    env = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    passed = {
        key: value
        for key, value in os.environ.items()
        if key.startswith(("PIP_", "SSL_", "UV_")) or key.endswith("_proxy")
    }
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=False,
        env={**passed, **env},
    )


def _copy(python: Python, where: Path) -> Path:
    need("patchelf")
    return installation(python, where)


def _edit(path: Path, change: Callable[[str], str]) -> None:
    """Change a text and keep its mode."""
    path.write_text(change(path.read_text()))
