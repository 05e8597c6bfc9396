"""A real Python that holds hardly more than it starts with, and an environment over it: packed in a tenth of a second."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.material.environments import run
from tests.material.interpreters import Python, main_python
from tests.material.programs import find

_MODULES = ("json", "sysconfig", "site", "importlib.util", "encodings.ascii", "encodings.latin_1")
_AUDIT = ("importlib.metadata", "email.parser", "ctypes", "fcntl", "_socket", "resource", "zipimport")
_FOUND = """
import importlib, json, os, sys, sysconfig
for name in sys.argv[1:]:
    importlib.import_module(name)
getattr(sysconfig, "get_config_vars")()
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps([sorted({os.path.realpath(file) for file in files if file}), sysconfig.get_path("stdlib")]))
"""
_PACKAGE = "small"


def tiny_base(where: Path, *, audited: bool = False) -> Path:
    """An installation with the modules that a pack runs, and those of the audit; gives its interpreter."""
    python = main_python()
    modules = (*_MODULES, *(_AUDIT if audited else ()))
    found, stdlib = json.loads(run([python.executable, "-I", "-S", "-c", _FOUND, *modules]).stdout)
    library = where / "lib" / f"python{python.version}"
    for file in [*found, os.path.join(stdlib, "os.py")]:
        # Debian's modules of the system lie elsewhere; what they are called by is enough.
        below = os.path.relpath(file, stdlib)
        _copy(file, library / (below if not below.startswith("..") else os.path.basename(file)))
    (library / "lib-dynload").mkdir(exist_ok=True)
    executable = where / "bin" / f"python{python.version}"
    _copy(os.path.realpath(python.executable), executable)
    for name in _libraries(python):
        _copy(name, where / "lib" / os.path.basename(name))
    return executable


def tiny_environment(where: Path, base: Path) -> Path:
    """An environment over a tiny base, with a package, its script, links and a file that is larger than most."""
    version = base.name.removeprefix("python")
    packages = where / "lib" / f"python{version}" / "site-packages"
    package, facts = packages / _PACKAGE, packages / f"{_PACKAGE}-1.0.dist-info"
    package.mkdir(parents=True)
    facts.mkdir()
    (where / "bin").mkdir()
    (where / "bin/python").symlink_to(base)
    for name in ("python3", f"python{version}"):
        (where / "bin" / name).symlink_to("python")
    (where / "pyvenv.cfg").write_text(f"home = {base.parent}\nversion = {version}.0\n")
    (package / "__init__.py").write_text("def main():\n    print('small')\n")
    (package / "data.bin").write_bytes(bytes(range(256)) * 4096)
    (package / "link.bin").symlink_to("data.bin")
    (package / "empty").mkdir()
    script = where / "bin" / _PACKAGE
    script.write_text(f"#!{where}/bin/python\nfrom {_PACKAGE} import main\nmain()\n")
    script.chmod(0o755)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {_PACKAGE}\nVersion: 1.0\n")
    files = ("__init__.py", "data.bin", "link.bin")
    rows = [*(f"{_PACKAGE}/{name}" for name in files), f"../../../bin/{_PACKAGE}"]
    rows += [f"{facts.name}/{name}" for name in ("METADATA", "RECORD")]
    (facts / "RECORD").write_text("".join(f"{row},,\n" for row in rows))
    return where


def _copy(source: str, target: Path) -> None:
    """Copy a file; a binary without what only debuggers read, where there is a `strip`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    with open(source, "rb") as file:
        is_elf = file.read(4) == b"\x7fELF"
    strip = find("strip")
    if is_elf and strip is not None:
        target.chmod(0o755)
        subprocess.run([strip, str(target)], check=True)


def _libraries(python: Python) -> list[str]:
    """The libpython that an installation has, if it has one."""
    folder = Path(python.prefix) / "lib"
    return [str(path) for path in folder.glob(f"libpython{python.version}*.so.1.0")]
