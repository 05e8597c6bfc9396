"""Libraries that no header names, and those that two requesters find in two places: right where the source is hidden.

Cases A1 to A6.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from bundler.binaries.elf import Edits, read_image
from tests.binaries.elf.programs import compile_c
from tests.material.environments import SLIM, bundler, empty_environment, pack
from tests.material.interpreters import Python, main_python, pyenv_pythons
from tests.material.isolation import hidden, in_root
from tests.material.standalone import installation
from tests.plan.binaries.linux.kit import edited

ANSWER = "int {name}(void) {{ return {number}; }}"
MODULE = """
#include <Python.h>
#include <dlfcn.h>
{before}
static PyObject *answer(PyObject *self, PyObject *none) {{ (void)self; (void)none; return PyLong_FromLong({expression}); }}
static PyMethodDef methods[] = {{{{"answer", answer, METH_NOARGS, ""}}, {{0}}}};
static struct PyModuleDef definition = {{PyModuleDef_HEAD_INIT, "{name}", 0, -1, methods, 0, 0, 0, 0}};
PyMODINIT_FUNC PyInit_{name}(void) {{ return PyModule_Create(&definition); }}
"""
OPENING = """
static long opened(void) {{
    void *library = dlopen("{name}", RTLD_NOW);
    int (*function)(void) = library ? (int (*)(void))dlsym(library, "{function}") : 0;
    return function ? function() : -1;
}}
"""


def library(out: Path, function: str, number: int, *flags: str | Path) -> Path:
    """A library whose function returns a number; its SONAME is its name."""
    return compile_c(
        ANSWER.format(name=function, number=number),
        out,
        "-shared",
        "-fPIC",
        f"-Wl,-soname,{out.name}",
        *map(str, flags),
    )


def module(environment: Path, name: str, before: str, expression: str, *flags: str | Path) -> Path:
    """An extension module of an environment, in no package; `name` may have folders."""
    python = main_python()
    (site,) = environment.glob("lib/python3*/site-packages")
    text = MODULE.format(name=os.path.basename(name), before=before, expression=expression)
    include = f"-I{python.prefix}/include/python{python.version}"
    out = site / f"{name}.cpython-{python.version.replace('.', '')}-x86_64-linux-gnu.so"
    return compile_c(text, out, "-shared", "-fPIC", include, "-Wl,--no-as-needed", *map(str, flags))


def site_of(bundle: Path) -> Path:
    (site,) = bundle.glob("lib/python3*/site-packages")
    return site


def answers(bundle: Path, places: list[Path | str], code: str, env: Mapping[str, str] | None = None) -> str:
    """What a bundle's Python prints where `places` are hidden."""
    variables = {"PATH": "/usr/bin:/bin", **(env or {})}
    done = hidden(places, [bundle / "bin/python", "-c", code], env=variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    return empty_environment(tmp_path / "env")


IMAGE = (*SLIM, "--no-verify", "--base", "scratch", "--level", "1", "--pyc", "none")
JOINED = "import threading; t = threading.Thread(target=lambda: None); t.start(); t.join()"
BUSY = """
import threading, time
def busy():
    while True: sum(range(1000))
threading.Thread(target=busy, daemon=True).start()
time.sleep(0.05)
"""


def oldest_python() -> Python:
    """The one that ends each thread with pthread_exit, if it is there."""
    return next(iter(pyenv_pythons()), main_python())


@pytest.mark.parametrize("python", [oldest_python(), main_python()], ids=str)
def test_threads_end_where_the_machine_has_no_libgcc(python: Python, tmp_path: Path, root: Path) -> None:
    """(cases A1)"""
    environment = empty_environment(tmp_path / "env", python)
    pack(environment, tmp_path / "app", *SLIM)
    assert not list(root.rglob("libgcc_s*"))
    for code in (JOINED, BUSY):
        done = in_root(root, tmp_path / "app", ["/opt/app/bin/python", "-c", code])
        assert (done.returncode, done.stderr) == (0, "")
    manifest = json.loads((tmp_path / "app/bundle.json").read_text())
    found = {item["path"]: item["needed_by"] for item in manifest["libraries"]["bundled"]}
    assert f"bin/python{python.version}" in found["lib/bundled/libgcc_s.so.1"]


def test_threads_end_in_an_image_from_scratch(tmp_path: Path) -> None:
    environment = empty_environment(tmp_path / "env", oldest_python())
    pack(environment, tmp_path / "app.oci.tar", *IMAGE)
    root = tmp_path / "root"
    unpack(tmp_path / "app.oci.tar", root)
    (root / "proc").mkdir(exist_ok=True)
    (root / "opt").mkdir(exist_ok=True)
    assert not [path for path in root.rglob("libgcc_s*") if "app/lib/bundled" not in str(path)]
    for code in (JOINED, BUSY):
        done = in_root(root, root / "app", ["/opt/app/bin/python", "-c", code])
        assert (done.returncode, done.stderr) == (0, "")


def unpack(image: Path, root: Path) -> None:
    """The root directory of an OCI image."""
    folder = root.with_name("image")
    shutil.unpack_archive(image, folder, "tar")

    def blob(digest: str) -> Path:
        return folder / "blobs" / digest.replace(":", "/")

    index = json.loads((folder / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]["digest"]).read_text())
    root.mkdir()
    for layer in manifest["layers"]:
        kind = "zstd" if layer["mediaType"].endswith("zstd") else "gzip"
        subprocess.run(["tar", f"--{kind}", "-xf", blob(layer["digest"]), "-C", root], check=True)


def test_each_module_finds_its_own_of_two_libraries_of_one_name(environment: Path, tmp_path: Path) -> None:
    """(cases A2) `host` stands for the host's folder."""
    host = tmp_path / "host"
    libc = library(host / "libC.so.1", "c", 1)
    libb = compile_c(
        "int c(void); int b(void) { return c(); }",
        host / "libB.so.1",
        "-shared",
        "-fPIC",
        "-Wl,-soname,libB.so.1",
        str(libc),
    )
    library(site_of(environment) / "libs/libC.so.1", "c", 2)
    module(environment, "a1", "int b(void);", "b()", libb)
    module(environment, "a2", "int b(void);", "b()", libb, "-Wl,--enable-new-dtags,-rpath,$ORIGIN/libs")
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app"], {"LD_LIBRARY_PATH": str(host)})
    assert done.returncode == 0, done.stderr
    assert "means two" not in done.stderr
    for order in ("a2", "a1, a2", "a2, a1"):
        code = f"import {order}; print(a2.answer())"
        assert answers(tmp_path / "app", [environment, host], code) == "1"


@pytest.mark.parametrize("tag", ["--disable-new-dtags", "--enable-new-dtags"])
def test_what_a_module_opens_from_a_search_path_that_leads_out(environment: Path, tmp_path: Path, tag: str) -> None:
    """(cases A3) What an audit finds is given by hand here."""
    vendor = tmp_path / "vendor"
    opened = library(vendor / "libvendor.so.1", "vendor", 42)
    text = OPENING.format(name="libvendor.so.1", function="vendor")
    module(environment, "user", text, "opened()", f"-Wl,{tag},-rpath,{vendor}")
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--include-lib", opened])
    assert done.returncode == 0, done.stderr
    assert answers(tmp_path / "app", [environment, vendor], "import user; print(user.answer())") == "42"


def test_what_a_library_of_the_host_opens_from_a_folder_beside_it(environment: Path, tmp_path: Path) -> None:
    """(cases A4)"""
    host = tmp_path / "host"
    plugin = library(host / "plugins/libplug.so.1", "plug", 42)
    text = (
        "#include <dlfcn.h>\n"
        + OPENING.format(name="libplug.so.1", function="plug")
        + "long host(void) { return opened(); }"
    )
    flags = ("-shared", "-fPIC", "-Wl,-soname,libhost.so.1", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/plugins")
    opener = compile_c(text, host / "libhost.so.1", *flags)
    module(environment, "user", "long host(void);", "host()", opener)
    variables = {"LD_LIBRARY_PATH": str(host)}
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--include-lib", plugin], variables)
    assert done.returncode == 0, done.stderr
    wrong = library(tmp_path / "wrong/libplug.so.1", "plug", 7)
    variables = {"LD_LIBRARY_PATH": str(wrong.parent)}
    code = "import user; print(user.answer())"
    assert answers(tmp_path / "app", [environment, host], code, variables) == "42"


PROGRAM = 'int own(void); int printf(const char *, ...); int main(void) { printf("%d", own()); return 0; }'


@pytest.fixture
def tool(environment: Path) -> Path:
    """A package with a program that finds its library by a script; the folder of the package."""
    folder = site_of(environment) / "tool"
    own = library(folder / "lib/libown.so.1", "own", 2)
    compile_c(PROGRAM, folder / "bin/prog", str(own))
    script = folder / "run.sh"
    script.write_text('#!/bin/sh\nd=$(dirname "$0")\nLD_LIBRARY_PATH=$d/lib exec "$d/bin/prog"\n')
    script.chmod(0o755)
    return folder


def test_a_program_of_a_package_has_the_packages_library_wherever_it_is_packed(
    environment: Path, tmp_path: Path, tool: Path
) -> None:
    """(cases A5) `host` stands for the host's folder, which has another libown."""
    host = library(tmp_path / "host/libown.so.1", "own", 1).parent
    archives = []
    for name, variables in (("with", {"LD_LIBRARY_PATH": str(host)}), ("without", {})):
        archives.append(tmp_path / f"{name}.tar")
        done = bundler(["pack", *SLIM, environment, "--out", archives[-1]], variables)
        assert done.returncode == 0, done.stderr
        bundle = tmp_path / name
        shutil.unpack_archive(archives[-1], bundle)
        assert not list(bundle.glob("lib/bundled/**/libown*"))
        for program in ("run.sh", "bin/prog"):
            for wrong in ({}, variables):
                env = {"PATH": "/usr/bin:/bin", **wrong}
                assert hidden([environment], [site_of(bundle) / "tool" / program], env=env).stdout == "2"
        assert bundler(["verify", bundle]).returncode == 0
    assert archives[0].read_bytes() == archives[1].read_bytes()


def test_of_several_libraries_in_a_package_its_script_chooses(environment: Path, tmp_path: Path, tool: Path) -> None:
    """Then the program is left alone: what the script says counts."""
    library(tool / "fast/libown.so.1", "own", 3)
    fast = tool / "fast.sh"
    fast.write_text((tool / "run.sh").read_text().replace("$d/lib", "$d/fast"))
    fast.chmod(0o755)
    host = library(tmp_path / "host/libown.so.1", "own", 1).parent
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app"], {"LD_LIBRARY_PATH": str(host)})
    assert done.returncode == 0, done.stderr
    packed = site_of(tmp_path / "app") / "tool"
    assert (packed / "bin/prog").read_bytes() == (tool / "bin/prog").read_bytes()
    assert hidden([environment, host], [packed / "run.sh"]).stdout == "2"
    assert hidden([environment, host], [packed / "fast.sh"]).stdout == "3"


def with_loader(path: Path, loader: Path) -> None:
    """Give a program another PT_INTERP."""
    data = edited(path.read_bytes(), Edits(interpreter=str(loader)))
    path.unlink()  # another program may be running from it
    path.write_bytes(data)
    path.chmod(0o755)


def loader_of(path: Path) -> str:
    with open(path, "rb") as file:
        return read_image(file).interpreter or ""


@pytest.fixture
def brewed(tmp_path: Path) -> Path:
    """A Python, and a program, that a loader of their own starts; its folder."""
    folder = tmp_path / "brew"
    folder.mkdir()
    python = main_python()
    shutil.copy(loader_of(Path(os.path.realpath(python.executable))), folder / "ld.so")
    installation(python, tmp_path / "base")
    with_loader(tmp_path / f"base/bin/python{python.version}", folder / "ld.so")
    return folder


def test_the_systems_loader_starts_what_named_one_of_its_own(brewed: Path, tmp_path: Path, root: Path) -> None:
    """(cases A6)"""
    python = main_python()
    base = Python(str(tmp_path / f"base/bin/python{python.version}"), python.version, "brew", str(tmp_path / "base"))
    environment = empty_environment(tmp_path / "env", base)
    program = compile_c(
        'int puts(const char *); int main(void) { return puts("here") < 0; }', site_of(environment) / "p/prog"
    )
    with_loader(program, brewed / "ld.so")
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app"])
    assert done.returncode == 0, done.stderr
    assert "of its own libc" in done.stderr
    bundle = tmp_path / "app"
    places: list[Path | str] = [environment, tmp_path / "base", brewed]
    assert hidden(places, [bundle / "bin/python", "-c", "import ssl; print('runs')"]).stdout == "runs\n"
    assert hidden(places, [site_of(bundle) / "p/prog"]).stdout == "here\n"
    assert in_root(root, bundle, ["/opt/app/bin/python", "-c", "print('runs')"]).stdout == "runs\n"
    changed = {item["path"]: item["reason"] for item in json.loads((bundle / "bundle.json").read_text())["changed"]}
    for path in (f"bin/python{python.version}", str((site_of(bundle) / "p/prog").relative_to(bundle))):
        assert "names a loader" in changed[path]


def test_an_image_from_scratch_has_the_libc_that_the_interpreter_had(brewed: Path, tmp_path: Path) -> None:
    python = main_python()
    base = Python(str(tmp_path / f"base/bin/python{python.version}"), python.version, "brew", str(tmp_path / "base"))
    environment = empty_environment(tmp_path / "env", base)
    pack(environment, tmp_path / "app.oci.tar", *IMAGE)
    root = tmp_path / "root"
    unpack(tmp_path / "app.oci.tar", root)
    assert (root / "lib64/ld-linux-x86-64.so.2").read_bytes() == (brewed / "ld.so").read_bytes()
    for folder in ("proc", "opt"):
        (root / folder).mkdir(exist_ok=True)
    done = in_root(root, root / "app", ["/opt/app/bin/python", "-c", "print('runs')"])
    assert done.stdout == "runs\n", done.stderr
