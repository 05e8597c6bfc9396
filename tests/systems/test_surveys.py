"""What binaries ask for, and where they find it, by the rules of each system."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from bundler.binaries.elf import Image, read_image
from bundler.binaries.elf.format import FORMAT as ELF
from bundler.binaries.macho import Edits
from bundler.systems.functions import FUNCTIONS
from bundler.systems.libraries import InBundle, Location, Missing, OnHost, Preloaded
from bundler.systems.linux.rules import LINUX
from bundler.systems.macos.rules import MACOS
from bundler.systems.surveys import NOTHING_SURVEYED
from bundler.systems.windows.rules import WINDOWS
from tests.binaries.elf.programs import compile_c
from tests.binaries.macho.patching import image_of as macho_of
from tests.binaries.macho.patching import patch
from tests.binaries.macho.samples import make_sample
from tests.binaries.pe.samples import make_pe
from tests.contents.made_up import EXTENSION, WHICH, files_of
from tests.material.schemes import WINDOWS_312
from tests.systems.views import View
from tests.systems.windows.made_up import LIBPYTHON, PYTHON, SITE, image_of

PROGRAM = "bin/python3.12"


def shown(places: dict[str, Location] | object) -> dict[str, str]:
    assert isinstance(places, dict)
    words = {OnHost: "host", Missing: "missing"}
    return {
        name: place.path if isinstance(place, InBundle | Preloaded) else words[type(place)]
        for name, place in places.items()
    }


def elf(data: bytes) -> Image:
    return read_image(io.BytesIO(data))


def test_linux_by_the_loader_and_never_by_this_machine() -> None:
    files = {path: elf(data) for path, data in files_of().items() if data[:4] == b"\x7fELF"}
    found = LINUX.survey_binaries(View(files))
    assert shown(found.needs[EXTENSION]) == {
        "libwhich.so": WHICH, "libc.so.6": "host", "ld-linux-x86-64.so.2": "host", "libextra.so": "missing",
    }  # fmt: skip
    assert found.programs == {PROGRAM}
    # This machine has a libz, but a bundle that asks for it has not.
    asks = {**files, "lib/x.so": replace(files[WHICH], needed=("libz.so.1",), runpath="/usr/lib/x86_64-linux-gnu")}
    assert shown(LINUX.survey_binaries(View(asks)).needs["lib/x.so"]) == {"libz.so.1": "missing"}


def test_a_bundle_whose_python_is_no_program_of_its_system_has_no_survey() -> None:
    for system in (LINUX, MACOS, WINDOWS):
        assert (
            system.survey_binaries(View({PROGRAM: image_of(make_pe())} if system is not WINDOWS else {}))
            == NOTHING_SURVEYED
        )


def test_musl_by_the_functions_that_files_take(tmp_path: Path) -> None:
    """In an archive no file can be looked at a second time: what tells the release is read with the headers."""
    flags = ("-shared", "-fPIC", "-nostdlib", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
    texts = {
        PROGRAM: "void qsort_r(void); void f(void) { qsort_r(); }",
        "lib/a.so": "void statx(void); void f(void) { statx(); }",
        "lib/b.so": "void statx(void) {}",
    }
    images, functions = {}, {}
    for path, text in texts.items():
        with compile_c(text, tmp_path / path, *flags).open("rb") as file:
            images[path] = read_image(file)
            functions[path] = ELF.functions(file, images[path], FUNCTIONS)
    images[PROGRAM] = replace(images[PROGRAM], interpreter="/lib/ld-musl-x86_64.so.1")
    found = LINUX.survey_binaries(View(images, functions=functions))
    told = {path: (demand.text, demand.reason) for path, demand in found.demands.items()}
    assert told == {PROGRAM: ("1.2.3", "qsort_r")}  # another file of the bundle has statx


def test_macos_as_dyld_would() -> None:
    """The sample asks for libtwo by a search path, and need not find it; what others bring is loaded already."""
    program = macho_of(patch(make_sample(room=500), Edits(add_rpaths=("@loader_path/../lib",))))
    needs = {dylib.name for part in program.slices for dylib in part.dylibs}
    assert "@rpath/libtwo.dylib" in needs
    found = MACOS.survey_binaries(View({PROGRAM: program, "lib/libtwo.dylib": macho_of(make_sample())}))
    assert shown(found.needs[PROGRAM])["@rpath/libtwo.dylib"] == "lib/libtwo.dylib"
    alone = shown(MACOS.survey_binaries(View({PROGRAM: program})).needs[PROGRAM])
    assert "@rpath/libtwo.dylib" not in alone
    assert set(alone.values()) <= {"host", "missing", PROGRAM}


def test_windows_as_its_search_would() -> None:
    module = f"{SITE}/pkg/module.pyd"
    asks = make_pe(["x.dll", "ADVAPI32.dll", "y.dll", "nowhere.dll", "MSVCP140.dll"], ["late.dll"])
    files = {
        PYTHON: make_pe([LIBPYTHON, "kernel32.dll"], dll=False), LIBPYTHON: make_pe(), module: asks,
        f"{SITE}/pkg.libs/X.dll": make_pe(), f"{SITE}/other/y.dll": make_pe(), "Scripts/tool.exe": make_pe([], dll=False),
    }  # fmt: skip
    bundle = View({path: image_of(data) for path, data in files.items()}, WINDOWS_312, host_libraries=["msvcp140.dll"])
    found = WINDOWS.survey_binaries(bundle)
    assert shown(found.needs[module]) == {
        "x.dll": f"{SITE}/pkg.libs/X.dll", "ADVAPI32.dll": "host", "y.dll": f"{SITE}/other/y.dll",
        "nowhere.dll": "missing", "MSVCP140.dll": "host",
    }  # fmt: skip
    assert found.programs == {PYTHON, "Scripts/tool.exe"}
    assert (found.demands[PYTHON].text, found.demands[PYTHON].reason) == ("8.1", "Python 3.12")
