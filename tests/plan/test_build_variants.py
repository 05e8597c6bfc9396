"""Free-threaded and debug builds: what they call their files, on trees made up for it.

Real ones are packed and run in tests/bundles/test_free_threaded.py and tests/bundles/test_debug_build.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.entries import Link, Literal
from bundler.environment import Environment, load_environment
from bundler.environment.facts import VersionInfo
from bundler.options import ContentOptions, Profile
from bundler.plan.make import make_plan
from bundler.plan.manifest_entry import foreseen
from bundler.plan.settings import PlanSettings
from bundler.systems import system_of
from tests.material.environments import run
from tests.material.interpreters import main_python


def variant(where: Path, threads: str, debug: str) -> Environment:
    """The facts of a build `3.13` with these flags, and a tree with what `make install` puts into its prefix."""
    python = main_python()
    run([python.executable, "-m", "venv", "--without-pip", where / "real"])
    real = load_environment(str(where / "real"))
    name, flags = f"python3.13{threads}", threads + debug
    base = where / "base"
    stdlib, include = base / f"lib/{name}", base / f"include/python3.13{flags}"
    config = stdlib / f"config-3.13{flags}-x86_64-linux-gnu"
    module = next((Path(real.interpreter.platstdlib) / "lib-dynload").glob("_json.*.so"))
    suffix = f".cpython-313{flags}-x86_64-linux-gnu.so"
    data = f"_sysconfigdata_{flags}_linux_x86_64-linux-gnu"
    files: Mapping[Path, str | Path] = {
        base / f"bin/python3.13{flags}": Path(real.interpreter.executable),
        base / f"bin/python3.13{flags}-config": "#!/bin/sh\n",
        base / f"bin/pydoc3.13{threads}": f"#!{base}/bin/python3.13{flags}\n",
        base / f"lib/libpython3.13{flags}.so.1.0": module,
        base / f"lib/libpython3{threads}.so": module,
        base / f"lib/pkgconfig/python-3.13{flags}.pc": f"prefix={base}\n",
        stdlib / "os.py": "",
        stdlib / f"{data}.py": f"build_time_vars = {{'prefix': '{base}',\n 'LIBDIR': '{base}/lib'}}\n",
        stdlib / "__pycache__/os.cpython-313.pyc": "",
        stdlib / f"lib-dynload/_json{suffix}": module,
        include / "Python.h": "",
        config / "Makefile": f"prefix=\t{base}\n",
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copy(content, path)
        else:
            path.write_text(content)
            path.chmod(0o755)
    packages = where / f"env/lib/{name}/site-packages"
    packages.mkdir(parents=True)
    shutil.copy(module, packages / f"fast{suffix}")
    (packages / "quick.py").write_text("")
    (where / "env/bin").mkdir()
    (where / f"env/bin/{name}").symlink_to(base / f"bin/python3.13{flags}")
    (where / f"env/bin/python3.13{flags}").unlink(missing_ok=True)
    (where / f"env/bin/python3.13{flags}").symlink_to(base / f"bin/python3.13{flags}")
    interpreter = replace(
        real.interpreter,
        version_info=VersionInfo(3, 13, 5, "final", 0),
        executable=str(base / f"bin/python3.13{flags}"),
        base_prefix=str(base),
        abiflags=flags,
        stdlib=str(stdlib),
        platstdlib=str(stdlib),
        include=str(include),
        dist_packages=False,
        extension_suffixes=(suffix, f".abi3{threads}.so", ".so"),
        cache_tag="cpython-313",
        variables={
            "INSTSONAME": f"libpython3.13{flags}.so.1.0",
            "LDVERSION": f"3.13{flags}",
            "LIBDIR": f"{base}/lib",
            "Py_GIL_DISABLED": "1" if threads else "0",
        },
    )
    return replace(
        real,
        root=str(where / "env"),
        interpreter=interpreter,
        site_packages=(str(packages),),
        distributions=(),
        scheme=system_of(real.platform.system).scheme(interpreter),
    )


@pytest.mark.parametrize(("threads", "debug"), [("t", ""), ("", "d"), ("t", "d")], ids=["t", "d", "td"])
def test_every_file_stands_under_the_name_that_this_build_looks_for(tmp_path: Path, threads: str, debug: str) -> None:
    flags = threads + debug
    plan = make_plan(variant(tmp_path, threads, debug), PlanSettings(ContentOptions(profile=Profile.FULL)))
    entries = {entry.path: entry for entry in plan.entries}
    name = f"python3.13{threads}"
    for path in (
        f"bin/{name}",
        f"bin/python3.13{flags}-config",
        f"bin/pydoc3.13{threads}",
        f"lib/libpython3.13{flags}.so.1.0",
        f"lib/libpython3{threads}.so",
        f"lib/pkgconfig/python-3.13{flags}.pc",
        f"lib/{name}/os.py",
        f"lib/{name}/lib-dynload/_json.cpython-313{flags}-x86_64-linux-gnu.so",
        f"lib/{name}/site-packages/fast.cpython-313{flags}-x86_64-linux-gnu.so",
        f"include/python3.13{flags}/Python.h",
        f"lib/{name}/config-3.13{flags}-x86_64-linux-gnu/Makefile",
    ):
        assert path in entries, path
        assert not isinstance(entries[path].content, Link)
    assert entries[f"lib/python313{threads}.zip"].content == Literal(b"")
    for alias in {"python", "python3", "python3.13", f"python3.13{flags}"} - {name}:
        assert entries[f"bin/{alias}"].content == Link(name)
    for path in (
        f"lib/{name}/_sysconfigdata_{flags}_linux_x86_64-linux-gnu.py",
        f"lib/pkgconfig/python-3.13{flags}.pc",
    ):
        assert entries[path].reason, f"{path} names the base's prefix and must be rewritten"
    assert plan.modules_without_pyc == 2  # quick.py, and the settings that were rewritten
    facts = foreseen(plan, {}).manifest.python
    assert (facts.executable, facts.stdlib) == (f"bin/{name}", f"lib/{name}")
    assert facts.site_packages == (f"lib/{name}/site-packages",)
    assert facts.extension_suffixes[0].startswith(f".cpython-313{flags}-")
    leftovers = [
        path
        for path, entry in entries.items()
        if isinstance(entry.content, Link) and os.path.isabs(entry.content.target)
    ]
    assert leftovers == []
