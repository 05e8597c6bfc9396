"""A bundle of a dozen files, as entries: it is written as a directory or in any format in no time. Its binaries are real ones.

`app` requires `middle[fast]`, that `wheels` and by its extra `zebra`; the extension module of `wheels` needs a library of the host,
and that one another one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from bundler.binaries.elf import Edits, plan_patch, read_image
from bundler.entries import Deferred, Digests, Entry, Layer, Link, Literal
from bundler.floor import Floor
from bundler.manifest import (
    ChangedFile,
    FileFact,
    LibraryFact,
    Manifest,
    PythonFacts,
    RecordedOptions,
    write_manifest,
)
from bundler.scheme import BundleScheme
from tests.material.elf_fixtures import FOLDER
from tests.material.schemes import POSIX_312
from tests.sinks.samples import TIME

BINARIES = FOLDER / "x86_64"
STDLIB, SITE = "lib/python3.12", "lib/python3.12/site-packages"
EXTENSION = f"{SITE}/wheels/_wheels.cpython-312-x86_64-linux-gnu.so"
WHICH, INNER = "lib/bundled/libwhich.so", "lib/bundled/deep/libinner.so"
SUFFIXES = (".cpython-312-x86_64-linux-gnu.so", ".abi3.so", ".so")


def scheme_of(python: str) -> BundleScheme:
    """The layout of a Python `3.N` under POSIX."""
    short = python.replace(".", "")

    def named(text: str) -> str:
        return text.replace("python3.12", f"python{python}").replace("python312", f"python{short}")

    return replace(
        POSIX_312,
        executable=named(POSIX_312.executable),
        stdlib=named(POSIX_312.stdlib),
        dynload=named(POSIX_312.dynload),
        stdlib_zip=named(POSIX_312.stdlib_zip),
        site_packages=named(POSIX_312.site_packages),
        system_site=named(POSIX_312.system_site),
        include=named(POSIX_312.include),
        libpython=tuple(map(named, POSIX_312.libpython)),
    )


def metadata(name: str, version: str, *lines: str) -> bytes:
    return "\n".join(("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, "", "text")).encode()


def distribution(
    name: str, version: str, files: Mapping[str, bytes], *lines: str, requested: bool = False
) -> dict[str, bytes]:
    """A distribution's files below the folder of packages, by their paths in it."""
    info = f"{name}-{version}.dist-info"
    of_it = {**files, f"{info}/METADATA": metadata(name, version, *lines)}
    if requested:
        of_it[f"{info}/REQUESTED"] = b""
    rows = [f"{path},sha256=x,{len(data)}" for path, data in of_it.items()]
    return {**of_it, f"{info}/RECORD": "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()}


@cache
def program(layout: str, rpath: str) -> bytes:
    """A program that needs `libwhich.so` and `libextra.so`, with a search path."""
    data = (BINARIES / layout).read_bytes()
    plan = plan_patch(io.BytesIO(data), read_image(io.BytesIO(data)), Edits(rpath=rpath))
    assert plan is not None
    return plan.patch.apply(data)


def packages(wheels: str = "1.0") -> dict[str, bytes]:
    return {
        **distribution(
            "app", "2.0", {"app/__init__.py": b"import middle\n"}, "Requires-Dist: middle[fast]>=1", requested=True
        ),
        **distribution(
            "middle",
            "1.5",
            {"middle.py": b"import wheels\n"},
            "Provides-Extra: fast",
            "Provides-Extra: slow",
            "Requires-Dist: wheels (>=1)",
            "Requires-Dist: zebra; extra == 'fast'",
            "Requires-Dist: app; sys_platform == 'win32'",
            "Requires-Dist: wheels; extra == 'slow' and python_version < '3'",
        ),
        **distribution(
            "wheels",
            wheels,
            {
                "wheels/__init__.py": f"version = {wheels!r}\n".encode(),
                "wheels/_wheels.cpython-312-x86_64-linux-gnu.so": program("pie", "$ORIGIN/../../../bundled"),
                "wheels/data.bin": bytes(5000),
            },
        ),
        **distribution("zebra", "0.1", {"zebra.py": b"stripes = 3\n"}),
    }


def files_of(python: str = "3.12", wheels: str = "1.0") -> dict[str, bytes]:
    """All files but `bundle.json`, by bundle path."""
    scheme = scheme_of(python)
    return {
        scheme.executable: program("fixed", "$ORIGIN/../lib/bundled"),
        f"{scheme.stdlib}/os.py": b"import sys\n",
        f"{scheme.stdlib}/__pycache__/os.cpython-{python.replace('.', '')}.pyc": bytes(40),
        f"{scheme.include}/Python.h": b"int x;\n",
        "bin/app": b"#!/bin/sh\n",
        "pyvenv.cfg": b"version = 3.12.1\n",
        "share/app/settings.toml": b"a = 1\n",
        WHICH: (BINARIES / "libwhich.so").read_bytes(),
        INNER: (BINARIES / "libinner.so").read_bytes(),
        **{f"{scheme.site_packages}/{path}": data for path, data in packages(wheels).items()},
    }


def origin_of(path: str) -> str:
    if path.startswith("lib/bundled"):
        return f"host:/usr/lib/{path.rpartition('/')[2]}"
    if "site-packages" in path or path == "bin/app":
        return f"env:{path}"
    if path.startswith("share"):
        return f"added:{path}"
    return "bundler" if path == "pyvenv.cfg" else f"base:{path}"


def manifest_of(digests: Digests, links: Mapping[str, str], release: str = "3.12", **more: Any) -> Manifest:
    scheme = scheme_of(release)
    facts = {path: FileFact(each.sha256.hex(), each.size, None, origin_of(path)) for path, each in digests.items()}
    told = {**facts, **{path: FileFact(link=target, origin="bundler") for path, target in links.items()}}
    manifest = Manifest(
        bundler="1",
        python=PythonFacts(f"{release}.1", scheme, None, (scheme.site_packages,), SUFFIXES),
        machine="x86_64",
        floor=Floor("glibc", (2, 3), scheme.executable, "GLIBC_2.3"),
        distributions=(("app", "2.0"), ("middle", "1.5"), ("wheels", "1.0"), ("zebra", "0.1")),
        files=dict(sorted(told.items())),
        changed=(ChangedFile("bin/app", "env:bin/app", "its first line named the environment"),),
        bundled=(
            LibraryFact(WHICH, origin_of(WHICH), (EXTENSION,)),
            LibraryFact(INNER, origin_of(INNER), (WHICH,)),
        ),
        host_libraries=("libc.so.6", "libextra.so"),
        options=RecordedOptions({"profile": "full"}),
        libc="glibc",
    )
    return replace(manifest, **more)


LINKS = {"bin/python3": "python3.12", "lib/bundled/libother.so": "libwhich.so"}


def entries(
    files: Mapping[str, bytes],
    *,
    release: str = "3.12",
    links: Mapping[str, str] = LINKS,
    mode: int = 0o644,
    **more: Any,
) -> list[Entry]:
    """The bundle of these files; `more` are fields of its manifest."""

    def make(digests: Digests) -> bytes:
        return write_manifest(manifest_of(digests, links, release, **more))

    def entry(path: str, content: Literal | Link | Deferred) -> Entry:
        return Entry(
            path, content, 0o777 if isinstance(content, Link) else mode, TIME * 10**9, Layer.RUNTIME, "bundler"
        )

    return [
        *(entry(path, Literal(data)) for path, data in sorted(files.items())),
        *(entry(path, Link(target)) for path, target in links.items()),
        entry("bundle.json", Deferred(make)),
    ]


def write_folder(where: Path, made: Sequence[Entry]) -> Path:
    """The entries as a directory."""
    from bundler.trees.settled import settle

    for entry in settle(made).entries:
        path = where / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry.content, Link):
            path.symlink_to(entry.content.target)
        elif isinstance(entry.content, Literal):
            path.write_bytes(entry.content.data)
    return where
