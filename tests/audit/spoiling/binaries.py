"""Ways to spoil a bundle: ELF files. All but the first in step: the digests agree, so the fault must know the thing itself."""

from __future__ import annotations

import io
import struct

from bundler.binaries.elf import Edits, Image, PathTag, plan_patch, read_image
from bundler.binaries.elf import constants as c
from bundler.faults import FaultKind
from tests.audit.spoiling.way import Spoiled, way

LIBRARY, SEARCH_PATH, MANIFEST = FaultKind.LIBRARY, FaultKind.SEARCH_PATH, FaultKind.MANIFEST
_SEGMENT, _MACHINE = 56, 18  # bytes of a program header, where e_machine lies (elf(5), 64 bits)
_DYNAMIC = 16  # bytes


def patch(bundle: Spoiled, path: str, edits: Edits) -> None:
    """Let the patcher do something foolish."""
    data = bundle.read(path)
    plan = plan_patch(io.BytesIO(data), read_image(io.BytesIO(data)), edits)
    assert plan is not None
    replace(bundle, path, plan.patch.apply(data))


def replace(bundle: Spoiled, path: str, data: bytes) -> None:
    bundle.write(path, data)
    bundle.accept(path)


def image_of(data: bytes) -> Image:
    return read_image(io.BytesIO(data))


def with_segment(data: bytes, kind: int, flags: int) -> bytes:
    """The file with more flags in its first program header of a kind that has not all of them."""
    (start,) = struct.unpack_from("<Q", data, 32)
    for number, segment in enumerate(image_of(data).segments):
        if segment.type == kind and segment.flags & flags != flags:
            at = start + number * _SEGMENT + 4
            return data[:at] + struct.pack("<I", segment.flags | flags) + data[at + 4 :]
    raise LookupError(kind)


def with_tag(data: bytes, old: int, new: int) -> bytes:
    """The file with another tag for its last dynamic entry of a kind."""
    image = image_of(data)
    place = next(segment for segment in image.segments if segment.type == c.PT_DYNAMIC)
    number = max(number for number, entry in enumerate(image.dynamic or ()) if entry.tag == old)
    at = (image.offset_of(place.vaddr) or 0) + number * _DYNAMIC
    return data[:at] + struct.pack("<Q", new) + data[at + 8 :]


@way("elf-byte-flipped", FaultKind.CONTENT, "{dynload}/zlib{suffix}", "has other content")
def _(bundle: Spoiled) -> None:
    data = bundle.read(bundle.extension("zlib"))
    bundle.write(bundle.extension("zlib"), data[:-1] + bytes([data[-1] ^ 1]))


@way("elf-cut", FaultKind.CONTENT, "{zlib}", "has 4096 bytes instead of")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    bundle.write(path, bundle.read(path)[:4096])


@way("elf-cut-in-step", LIBRARY, "{zlib}", "is damaged, or built for another machine")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    replace(bundle, path, bundle.read(path)[:4096])


@way("elf-of-another-machine", LIBRARY, "{dynload}/zlib{suffix}", "is damaged, or built for another machine")
def _(bundle: Spoiled) -> None:
    path = bundle.extension("zlib")
    data = bundle.read(path)
    other = c.EM_AARCH64 if image_of(data).machine != c.EM_AARCH64 else c.EM_X86_64
    replace(bundle, path, data[:_MACHINE] + struct.pack("<H", other) + data[_MACHINE + 2 :])


@way("elf-class", LIBRARY, "{zlib}", "is damaged, or built for another machine")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    data = bundle.read(path)
    replace(bundle, path, data[:4] + b"\1" + data[5:])


@way("python-of-another-machine", MANIFEST, "bundle.json", "is built for")
def _(bundle: Spoiled) -> None:
    data = bundle.read(bundle.python)
    other = c.EM_AARCH64 if image_of(data).machine != c.EM_AARCH64 else c.EM_X86_64
    replace(bundle, bundle.python, data[:_MACHINE] + struct.pack("<H", other) + data[_MACHINE + 2 :])


@way("runpath-to-the-host", SEARCH_PATH, "{dynload}/zlib{suffix}", "leads out of the bundle: /usr/lib")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.extension("zlib"), Edits(rpath="/usr/lib:$ORIGIN/../../bundled"))


@way("runpath-relative", SEARCH_PATH, "{dynload}/zlib{suffix}", "leads out of the bundle: lib")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.extension("zlib"), Edits(rpath="lib:$ORIGIN/../../bundled"))


@way("runpath-up-and-out", SEARCH_PATH, "{dynload}/zlib{suffix}", "leads out of the bundle: $ORIGIN/../../../..")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.extension("zlib"), Edits(rpath="$ORIGIN/../../../../opt:$ORIGIN/../../bundled"))


@way("rpath-gone", LIBRARY, "{python}", "lib")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.python, Edits(rpath=None))


@way("rpath-became-runpath", SEARCH_PATH, "{python}", "LD_LIBRARY_PATH would win")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.python, Edits(rpath="$ORIGIN/../lib:$ORIGIN/../lib/bundled", path_tag=PathTag.RUNPATH))


@way("needed-nowhere", LIBRARY, "{dynload}/zlib{suffix}", "needs libnowhere.so.1, which is not found")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.extension("zlib"), Edits(added=("libnowhere.so.1",)))


@way("needed-absolute", LIBRARY, "{dynload}/zlib{suffix}", "/opt/lib/libnowhere.so.1")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.extension("zlib"), Edits(added=("/opt/lib/libnowhere.so.1",)))


@way("soname-lost", LIBRARY, "{dynload}/zlib{suffix}", "{zlib_name}")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    bundle.write("lib/bundled/libzz.so.9", bundle.read(path))
    bundle.remove(path)
    bundle.accept(path, "lib/bundled/libzz.so.9")
    bundle.edit(lambda manifest: manifest["libraries"]["bundled"].clear())


@way("library-of-another-build", LIBRARY, "{dynload}/_ctypes{suffix}", "needs LIBFFI_BASE_8.0")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libffi.so")
    replace(bundle, path, bundle.read(path).replace(b"LIBFFI_BASE_8.0", b"LIBFFI_BASE_7.9"))


@way("library-too-new", MANIFEST, "{zlib}", "needs glibc 9.")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    replace(bundle, path, bundle.read(path).replace(b"GLIBC_2.", b"GLIBC_9."))


@way("interp-elsewhere", LIBRARY, "{python}", "is started by /nix/store/ld.so")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.python, Edits(interpreter="/nix/store/ld.so"))


@way("audit-library", LIBRARY, "{python}", "which is not in the bundle (DT_AUDIT)")
def _(bundle: Spoiled) -> None:
    patch(bundle, bundle.python, Edits(added=("libwatch.so.1",)))
    image = image_of(bundle.read(bundle.python))
    assert "libwatch.so.1" in image.needed
    replace(bundle, bundle.python, with_tag(bundle.read(bundle.python), c.DT_NEEDED, c.DT_AUDIT))


@way("filter-library", LIBRARY, "{zlib}", "which is not in the bundle (DT_FILTER)")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    replace(bundle, path, with_tag(bundle.read(path), c.DT_NEEDED, c.DT_FILTER))


@way("hwcaps-folder", FaultKind.ADDED, "lib/bundled/glibc-hwcaps/x86-64-v2/{zlib_name}", "where the loader prefers it")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    bundle.write(f"lib/bundled/glibc-hwcaps/x86-64-v2/{path.rpartition('/')[2]}", bundle.read(path))


@way("legacy-hwcaps-folder", FaultKind.ADDED, "lib/tls/{zlib_name}", "where the loader prefers it")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    bundle.write(f"lib/tls/{path.rpartition('/')[2]}", bundle.read(path))


@way(
    "library-in-front",
    LIBRARY,
    "{dynload}/zlib{suffix}",
    "takes {dynload}/{zlib_name} for {zlib_name}, which was added",
)
def _(bundle: Spoiled) -> None:
    path, name = bundle.library("libz.so"), bundle.library("libz.so").rpartition("/")[2]
    patch(bundle, bundle.extension("zlib"), Edits(rpath="$ORIGIN:$ORIGIN/../../bundled"))
    bundle.write(f"{bundle.dynload}/{name}", bundle.read(path))


@way("library-nobody-needs", FaultKind.ADDED, "lib/bundled/libnss_files.so.2", "where the loader prefers it")
def _(bundle: Spoiled) -> None:
    bundle.write("lib/bundled/libnss_files.so.2", bundle.read(bundle.library("libz.so")))


@way("library-for-the-driver", FaultKind.ADDED, "lib/bundled/libGL.so.1", "where the loader prefers it")
def _(bundle: Spoiled) -> None:
    bundle.write("lib/bundled/libGL.so.1", bundle.read(bundle.library("libz.so")))


@way("part-of-a-libc", LIBRARY, "lib/bundled/libm.so.6", "is of libc's family")
def _(bundle: Spoiled) -> None:
    replace(bundle, "lib/bundled/libm.so.6", bundle.read(bundle.library("libz.so")))


@way("stack-executable", MANIFEST, "{zlib}", "asks for an executable stack")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    replace(bundle, path, with_segment(bundle.read(path), c.PT_GNU_STACK, c.PF_X))


@way("segment-writable-code", MANIFEST, "{zlib}", "written to and executed")
def _(bundle: Spoiled) -> None:
    path = bundle.library("libz.so")
    data = bundle.read(path)
    replace(bundle, path, with_segment(data, c.PT_LOAD, c.PF_W | c.PF_X))
