"""Every library of well-known wheels gets a longer RPATH: other readers agree, Python imports them, and they hardly grow."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lief
import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.sections import SymbolTableSection

from bundler.binaries.elf import Edits, is_elf, plan_patch, read_image
from tests.binaries.elf.patching import edit
from tests.material.wheels import unpack

pytestmark = pytest.mark.everything

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
WHEELS = [
    ("cffi==2.1.1", "manylinux2014"),
    ("cryptography==50.0.2", "manylinux2014"),
    ("h5py==3.16.0", "manylinux_2_28"),
    ("lxml==6.1.3", "manylinux2014"),
    ("numpy==2.4.6", "manylinux_2_28"),
    ("pillow==13.0.0", "manylinux_2_28"),
    ("pyzmq==27.3.0", "manylinux_2_28"),
    ("scipy==1.17.1", "manylinux_2_28"),
]
PROGRAM = """
import h5py, lxml.etree, numpy, numpy.linalg, numpy.random, scipy.fft, scipy.linalg, scipy.optimize, scipy.sparse.linalg
import scipy.spatial, scipy.special, scipy.stats, zmq
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from PIL import Image, features

matrix = numpy.array([[2.0, 1.0], [1.0, 3.0]])
assert numpy.allclose(numpy.linalg.solve(matrix, matrix @ [1, 2]), [1, 2])
assert numpy.allclose(scipy.linalg.inv(matrix) @ matrix, numpy.eye(2))
assert AESGCM(bytes(16)).encrypt(bytes(12), b"text", None)
assert lxml.etree.fromstring("<a><b/></a>").find("b") is not None
assert Image.new("RGB", (9, 9)).resize((3, 3)).size == (3, 3) and features.check("freetype2")
with h5py.File("x", "w", driver="core", backing_store=False) as file:
    file["x"] = matrix
zmq.Context().term()
with open("/proc/self/maps") as maps:
    print(*{line.split(maxsplit=5)[5].strip() for line in maps if ".so" in line}, sep="\\n")
"""
LONGER = ":$ORIGIN/../../../../a-directory-of-the-bundle/lib/x86_64-linux-gnu:$ORIGIN/" + "../" * 40 + "more"


@dataclass(frozen=True)
class Libraries:
    """Unpacked wheels whose libraries all have the longer RPATH."""

    folder: Path
    paths: list[Path]
    old_size: int


def binaries_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if is_elf(file.read(4)):
                    yield path


def longer(path: Path) -> str:
    with path.open("rb") as file:
        image = read_image(file)
    return (image.rpath or image.runpath or "").strip(":") + LONGER


@pytest.fixture(scope="module", params=["x86_64", "aarch64"])
def libraries(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Libraries:
    folder = tmp_path_factory.mktemp(request.param)
    for requirement, tag in WHEELS:
        unpack(requirement, f"{tag}_{request.param}", folder, VERSION)
    paths = list(binaries_in(folder))
    size = sum(path.stat().st_size for path in paths)
    for path in paths:
        _check_one(path)
    return Libraries(folder, paths, size)


def _check_one(path: Path) -> None:
    """Patch a file; pyelftools and lief read what was asked for, and all else that a loader reads as it was."""
    before, wanted = _names(path), longer(path)
    edit(path, Edits(rpath=wanted))
    after = _names(path)
    assert after.pop("DT_RPATH", None) == [wanted.lstrip(":")], path
    assert "DT_RUNPATH" not in after
    assert after == {tag: names for tag, names in before.items() if tag not in ("DT_RPATH", "DT_RUNPATH")}, path
    binary = lief.ELF.parse(str(path))
    assert binary is not None, path
    assert [entry.rpath for entry in binary.dynamic_entries if isinstance(entry, lief.ELF.DynamicEntryRpath)] == [
        wanted.lstrip(":")
    ]
    assert list(binary.libraries) == before.get("DT_NEEDED", [])
    with path.open("rb") as file:
        assert plan_patch(file, read_image(file), Edits(rpath=wanted)) is None, path


def _names(path: Path) -> dict[str, list[str]]:
    """What pyelftools reads: the strings of the dynamic section, and those of its symbols and versions."""
    found: dict[str, list[str]] = {}
    elf = ELFFile(io.BytesIO(path.read_bytes()))
    dynamic, symbols = elf.get_section_by_name(".dynamic"), elf.get_section_by_name(".dynsym")
    assert isinstance(dynamic, DynamicSection) and isinstance(symbols, SymbolTableSection)
    for tag in dynamic.iter_tags():
        name = {"DT_NEEDED": "needed", "DT_SONAME": "soname", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}.get(
            tag.entry.d_tag
        )
        if name is not None:
            found.setdefault(tag.entry.d_tag, []).append(getattr(tag, name))
    found["symbols"] = [symbol.name for symbol in symbols.iter_symbols()]
    versions = elf.get_section_by_name(".gnu.version_r")
    if isinstance(versions, GNUVerNeedSection):
        for library, names in versions.iter_versions():
            found[f"versions of {library.name}"] = [version.name for version in names]
    return found


def test_a_few_hundred_libraries_get_a_longer_rpath(libraries: Libraries) -> None:
    assert len(libraries.paths) > 150


def test_they_grow_by_at_most_one_percent(libraries: Libraries) -> None:
    size = sum(path.stat().st_size for path in libraries.paths)
    assert size <= libraries.old_size * 1.01


def test_python_imports_them(libraries: Libraries, tmp_path: Path) -> None:
    if os.uname().machine not in libraries.folder.name:
        pytest.skip("needs a machine of the same kind")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    packages = tmp_path / f"venv/lib/python{VERSION}/site-packages"
    packages.rmdir()
    packages.symlink_to(libraries.folder)
    done = subprocess.run(
        [tmp_path / "venv/bin/python", "-I", "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = [line for line in done.stdout.splitlines() if line.startswith(str(libraries.folder))]
    assert len(loaded) > 60, done.stdout
