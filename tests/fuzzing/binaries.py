"""Targets: binaries, read by both readers, described, and patched."""

from __future__ import annotations

import contextlib
import functools
import json
from typing import Any, BinaryIO

from bundler.audit.readers.comparison import Asked, disagreements, unasked
from bundler.binaries import formats
from bundler.binaries.elf import dlopen_notes
from bundler.binaries.elf import image as elf_image
from bundler.binaries.elf.launchers import HEAD_SIZE as HEAD_OF_LAUNCHER
from bundler.binaries.elf.launchers import read_launcher as read_elf_launcher
from bundler.binaries.format import Format
from bundler.binaries.request import Request
from bundler.errors import BinaryFormatError, CannotPatch
from bundler.systems.linux.typelib import read_typelib, versions_of, with_dependencies
from bundler.systems.windows.launchers import leads_to, read_launcher, relocated_launcher
from tests.fuzzing.corpus import inputs_of
from tests.fuzzing.files import opened
from tests.fuzzing.target import Target

_REFUSALS = (BinaryFormatError,)
_REQUESTS = {
    "ELF": (
        Request(set_rpath="$ORIGIN/" + "p" * 400, rpath=True, add_needed=("libx.so",), remove_needed=("libextra.so",)),
        Request(replace_needed=(("libwhich.so", "l" * 70),), set_soname="other.so", clear_execstack=True),
        Request(own_loader="../lib/ld.so", set_interpreter=None),
    ),
    "Mach-O": (
        Request(set_id="@rpath/" + "i" * 80, add_rpath=("@loader_path/x",)),
        Request(change=(("/opt/lib/libone.dylib", "@rpath/one"),), delete_rpath=("/opt/lib",)),
    ),
    "PE": (Request(replace_needed=(("which.dll", "w.dll"), ("inner.dll", "other-" + "i" * 40 + ".dll"))),),
}


def look(data: bytes) -> None:
    """All that an audit, `inspect` and a pack's closure ask of a file that may be a binary."""
    form = formats.detect(data[: formats.HEAD_SIZE])
    if form is None:
        return
    with opened(data) as file:
        image = form.read_image(file)
        for ask in (form.platform, form.facts, form.description):
            with contextlib.suppress(BinaryFormatError):
                json.dumps(_plain(ask(file)))
        with contextlib.suppress(BinaryFormatError):
            form.faults(file, image)
        with contextlib.suppress(BinaryFormatError):
            form.names_symbol(file, image, "PyInit_x")
        if isinstance(image, elf_image.Image):
            dlopen_notes.dlopen_entries(image)
        disagreements(image, file)


def patch(data: bytes) -> None:
    """Patch a file: the outcome can be read, and patching it again changes nothing."""
    form = formats.detect(data[: formats.HEAD_SIZE])
    if form is None:
        return
    refusals = 0
    for request in _REQUESTS[form.name]:
        with opened(data) as file:
            try:
                _patch(form, file, request)
            except CannotPatch as error:
                assert str(error)
                refusals += 1


def _patch(form: Format[Any], file: BinaryIO, request: Request) -> None:
    outcome = formats.plan(file, "input", request)
    if outcome is None:
        return
    new = outcome.patch.open(file)
    form.read_image(new)
    assert form.plan(new, "input", request) is None, "a second patch changes the file again"


def _plain(value: object) -> object:
    return value if isinstance(value, (dict, list)) else str(value)


def compare(name: str, data: bytes) -> None:
    """The second reader answers whatever it is given, and finds each byte that differs from a whole file."""
    whole = _whole(name)
    with opened(whole) as source, opened(data) as changed:
        found = unasked(source, changed, Asked())
        assert found or data == whole or _is_unread(data, whole), "a difference that nobody told"
        unasked(changed, source, Asked())


def _is_unread(data: bytes, whole: bytes) -> bool:
    """Whether the files are of one size: some fields of headers mean nothing to anybody, and are not compared."""
    return len(data) == len(whole)


@functools.cache
def _whole(name: str) -> bytes:
    return inputs_of(name)[0]


def launcher_of_windows(data: bytes) -> None:
    """A launcher is changed so that it is read as wished, or refused."""
    launcher = read_launcher(data)
    if launcher is None:
        return
    with contextlib.suppress(CannotPatch):
        after = read_launcher(relocated_launcher(data, launcher, "..\\python.exe"))
        assert after is not None and after.kind is launcher.kind
        leads_to(after, "Scripts")


def launcher_of_linux(data: bytes) -> None:
    """Bundler's own."""
    read_elf_launcher(data[:HEAD_OF_LAUNCHER])


def typelib(data: bytes) -> None:
    """Its header, and what is asked of several."""
    found = read_typelib(data)
    known = {found.name: found}
    versions_of(found.namespace, known)
    assert found.name in with_dependencies([found.name], known)


_ELF_WORDS = (
    b"\x7fELF\x02\x01\x01",
    b"$ORIGIN/",
    b"\x01\0\0\0\x06\0\0\0",
    b"\x1d\0\0\0\0\0\0\0",
    b"FDO\0\x0a\x0c\x7c\x40",
    b'[{"soname":["l"]}]',
)
_MACHO_WORDS = (
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe\0\0\0\2",
    b"\x19\0\0\0\x48\0\0\0",
    b"@rpath/",
    b"\xfa\xde\x0c\xc0",
    b"\xfa\xde\x0c\x02",
)
_PE_WORDS = (b"MZ", b"PE\0\0", b"\x0b\x02", b".rsrc\0\0\0", b"\x80\0\0\0", b"python.exe\0", b"UVUV", b"#!")
_SECONDS = 15.0
"""A table of headers has up to 65535 rows, each of which pyelftools makes an object of (tests/audit/readers/test_hostile.py)."""

TARGETS = (
    Target("elf", look, _REFUSALS, _ELF_WORDS, _SECONDS, 48 << 20),
    Target("elf-patch", patch, _REFUSALS, _ELF_WORDS, 3.0, 16 << 20, ("elf",)),
    Target("elf-compare", functools.partial(compare, "elf"), (), _ELF_WORDS, _SECONDS, 48 << 20, ("elf",)),
    Target("macho", look, _REFUSALS, _MACHO_WORDS, _SECONDS, 16 << 20),
    Target("macho-patch", patch, _REFUSALS, _MACHO_WORDS, 3.0, 16 << 20, ("macho",)),
    Target("macho-compare", functools.partial(compare, "macho"), (), _MACHO_WORDS, _SECONDS, 16 << 20, ("macho",)),
    Target("pe", look, _REFUSALS, _PE_WORDS, _SECONDS, 16 << 20),
    Target("pe-patch", patch, _REFUSALS, _PE_WORDS, 3.0, 16 << 20, ("pe",)),
    Target("pe-compare", functools.partial(compare, "pe"), (), _PE_WORDS, _SECONDS, 16 << 20, ("pe",)),
    Target("launcher-windows", launcher_of_windows, (), _PE_WORDS, 3.0, 16 << 20),
    Target("launcher-linux", launcher_of_linux, _REFUSALS, (b"bndlexec", b"p../bin/python\0", b"t-E\0", b"c\0")),
    Target("typelib", typelib, _REFUSALS, (b"GOBJ\nMETADATA\r\n\x1a", b"\4", b"Gtk-3.0|", b"libgtk-3.so.0,")),
)
