"""The contents of a bundle that there is none of: a Python with packages, libraries of the host, and names that mean no good."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from bundler.ceiling import Ceiling, Demand
from bundler.contents import Binary, Contents, Distribution, FileKind, Item, Need, Place
from bundler.entries import Layer
from bundler.floor import Floor, FloorDemand
from bundler.manifest import (
    ChangedFile,
    FileFact,
    LibraryFact,
    Manifest,
    MissingLibrary,
    OpenedFact,
    PythonFacts,
    RecordedOptions,
)
from bundler.sbom import Component, ComponentKind
from tests.material.schemes import POSIX_312

SITE, STDLIB, DYNLOAD = POSIX_312.site_packages, POSIX_312.stdlib, POSIX_312.dynload
PYTHON = "bin/python3.12"
NUMPY = f"{SITE}/numpy/_core/_multiarray.so"
BLAS = f"{SITE}/numpy.libs/libblas-9f.so.3"
SSL = f"{DYNLOAD}/_ssl.so"
CRYPTO, LIBSSL = "lib/bundled/libcrypto.so.3", "lib/bundled/libssl.so.3"
HOSTILE = (
    f"{SITE}/evil/</script><script>document.title='owned'</script>.py",
    f"{SITE}/evil/<img src=x onerror=document.title='owned'>.so",
    f"{SITE}/evil/{{name|rich}} {{{{7*7}}}} {{% x %}}.txt",
    f"{SITE}/evil/\u202egnp.exe",
    f"{SITE}/evil/\udcff\udcfe.bin",
    f"{SITE}/evil/line\nend\u2028\u0007.txt",
    f"{SITE}/evil/__proto__",
    f"{SITE}/evil/$& $1 $` '\" & <!-- ]]>",
)
"""Paths that would do something in a page which takes them for more than texts."""
_GLIBC = ("libc.so.6", "libm.so.6")


def contents(files: int = 0) -> Contents:
    """The contents, and so many modules more, of packages of thirty files each."""
    items = [*_items(), *_more(files)]
    items.sort(key=lambda item: item.path)
    return Contents(
        "app",
        replace(_manifest(), files={item.path: _fact(item) for item in items}),
        tuple(items),
        _binaries(),
        (Distribution("numpy", "2.1.0", f"{SITE}/numpy-2.1.0.dist-info"),),
        _components(),
    )


def _fact(item: Item) -> FileFact:
    digest = hashlib.sha256(item.path.encode("utf-8", "surrogateescape")).hexdigest()
    return FileFact(None if item.link else digest, item.size, item.link, item.origin)


def _items() -> list[Item]:
    runtime, packages, application = Layer.RUNTIME, Layer.PACKAGES, Layer.APPLICATION
    patched = "its RUNPATH would let LD_LIBRARY_PATH win"
    return [
        Item(PYTHON, 6_000_000, runtime, "", FileKind.PROGRAM, f"base:{PYTHON}", patched),
        Item("bin/python3", 0, runtime, "", FileKind.LINK, "bundler", "", "python3.12"),
        Item(f"{STDLIB}/os.py", 40_000, runtime, "", FileKind.MODULE, f"base:{STDLIB}/os.py"),
        Item(f"{STDLIB}/tkinter/__init__.py", 170_000, runtime, "", FileKind.MODULE, f"base:{STDLIB}/tkinter"),
        Item("include/python3.12/Python.h", 3_000, runtime, "", FileKind.HEADER, "base:include/python3.12/Python.h"),
        Item(SSL, 400_000, runtime, "", FileKind.EXTENSION, f"base:{SSL}", patched),
        Item(CRYPTO, 4_700_000, runtime, "", FileKind.LIBRARY, "host:usr/lib/libcrypto.so.3"),
        Item(LIBSSL, 700_000, runtime, "", FileKind.LIBRARY, "host:usr/lib/libssl.so.3", patched),
        Item(NUMPY, 9_000_000, packages, "numpy", FileKind.EXTENSION, f"env:{NUMPY}"),
        Item(BLAS, 38_000_000, packages, "numpy", FileKind.LIBRARY, f"env:{BLAS}"),
        Item(f"{SITE}/numpy/__init__.py", 20_000, packages, "numpy", FileKind.MODULE, f"env:{SITE}/numpy/__init__.py"),
        Item(f"{SITE}/numpy/__init__.pyi", 9_000, packages, "numpy", FileKind.MODULE, f"env:{SITE}/numpy/__init__.pyi"),
        Item(
            f"{SITE}/numpy/__pycache__/__init__.cpython-312.pyc",
            25_000,
            packages,
            "numpy",
            FileKind.COMPILED,
            "bundler",
            "compiled anew",
        ),
        Item(f"{SITE}/numpy/tests/test_all.py", 1_500_000, packages, "numpy", FileKind.MODULE, "env:tests"),
        *(
            Item(path, 1_000 + number, packages, "evil", FileKind.DATA, f"env:{path}")
            for number, path in enumerate(HOSTILE)
        ),
        Item("bin/start", 500, application, "", FileKind.SCRIPT, "bundler"),
        Item("bundle.json", 9_000, application, "", FileKind.METADATA, "bundler"),
    ]


def _more(files: int) -> list[Item]:
    found = []
    for number in range(files):
        owner = f"package{number // 30:03}"
        path = f"{SITE}/{owner}/part{number % 5}/module_{number:05}.py"
        kind = FileKind.MODULE if number % 3 else FileKind.DATA
        found.append(Item(path, 500 + 37 * (number % 1009), Layer.PACKAGES, owner, kind, f"env:{path}"))
    return found


def _binaries() -> dict[str, Binary]:
    host = tuple(Need(name, Place.HOST) for name in _GLIBC)

    def asks(path: str, minor: int) -> FloorDemand:
        return FloorDemand((2, minor), path, f"GLIBC_2.{minor}")

    return {
        PYTHON: Binary(PYTHON, host, asks(PYTHON, 34)),
        SSL: Binary(SSL, (Need("libssl.so.3", Place.BUNDLE, LIBSSL), *host), asks(SSL, 14)),
        CRYPTO: Binary(CRYPTO, host[:1], asks(CRYPTO, 36)),
        LIBSSL: Binary(LIBSSL, (Need("libcrypto.so.3", Place.BUNDLE, CRYPTO), *host[:1]), asks(LIBSSL, 34)),
        NUMPY: Binary(NUMPY, (Need("libblas-9f.so.3", Place.BUNDLE, BLAS), *host), asks(NUMPY, 17)),
        BLAS: Binary(BLAS, (Need("libgfortran.so.5", Place.MISSING), *host), asks(BLAS, 4)),
    }


def _components() -> tuple[Component, ...]:
    library, vendored = ComponentKind.LIBRARY, ComponentKind.VENDORED
    text = f"{SITE}/numpy-2.1.0.dist-info/LICENSE"
    return (
        Component(ComponentKind.INTERPRETER, "cpython", "3.12.1", (PYTHON,), licence="Python-2.0"),
        Component(
            ComponentKind.DISTRIBUTION,
            "numpy",
            "2.1.0",
            (f"{SITE}/numpy-2.1.0.dist-info",),
            "pkg:pypi/numpy@2.1.0",
            licence="BSD-3-Clause",
            licence_files=(text,),
        ),
        Component(
            ComponentKind.DISTRIBUTION, "evil", "1<b>", (f"{SITE}/evil.dist-info",), licence="<script>owned()</script>"
        ),
        Component(library, "libcrypto.so.3", "", (CRYPTO,), licence="Apache-2.0", package="libssl3 3.0.17-1 (deb)"),
        Component(library, "libssl.so.3", "", (LIBSSL,), licence="Apache-2.0", package="libssl3 3.0.17-1 (deb)"),
        Component(vendored, "libblas", "3", (BLAS,), owner="numpy"),
    )


def _manifest() -> Manifest:
    return Manifest(
        "1.0",
        PythonFacts("3.12.1", POSIX_312, None, (SITE,), (".cpython-312-x86_64-linux-gnu.so", ".so")),
        "x86_64",
        Floor("glibc", (2, 36), CRYPTO, "GLIBC_2.36", (2, 34)),
        (("numpy", "2.1.0"),),
        {},
        changed=(
            ChangedFile(SSL, f"base:{SSL}", "its RUNPATH would let LD_LIBRARY_PATH win"),
            ChangedFile(LIBSSL, "host:usr/lib/libssl.so.3", "its RUNPATH would let LD_LIBRARY_PATH win"),
            *(ChangedFile(path, f"env:{path}", "a reason with <b>markup</b>") for path in HOSTILE),
        ),
        bundled=(
            LibraryFact(CRYPTO, "host:usr/lib/libcrypto.so.3", (LIBSSL,)),
            LibraryFact(LIBSSL, "host:usr/lib/libssl.so.3", (SSL,)),
        ),
        host_libraries=_GLIBC,
        missing=(MissingLibrary(BLAS, "libgfortran.so.5"),),
        opened=(OpenedFact(SSL, ("libgost.so.1",), "suggested", "ciphers <i>", "left out"),),
        options=RecordedOptions({"profile": "standard", "exclude": ("docs/", "!docs/<b>.txt")}),
        warnings=("a warning with <b>markup</b>",),
        libc="glibc",
        ceiling=Ceiling(executable_stacks=(BLAS,), cpu_level=Demand("x86-64-v3", NUMPY)),
    )
