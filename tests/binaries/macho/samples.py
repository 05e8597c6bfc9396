"""Small Mach-O files made by hand, for every size and byte order: what no linker here can make."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from bundler.binaries.macho import constants as c
from bundler.binaries.macho.structs import ByteOrder, Structures, structures

CPUS = {(64, "little"): (c.CPU_ARM64, 0), (32, "little"): (c.CPU_X86, 3)}
CPUS |= {(64, "big"): (c.CPU_POWERPC64, 0), (32, "big"): (c.CPU_POWERPC, 0)}
ALL_FIVE = (
    (c.LC_LOAD_DYLIB, "/opt/lib/libone.dylib"),
    (c.LC_LOAD_WEAK_DYLIB, "@rpath/libtwo.dylib"),
    (c.LC_REEXPORT_DYLIB, "/opt/lib/libthree.dylib"),
    (c.LC_LAZY_LOAD_DYLIB, "/opt/lib/libfour.dylib"),
    (c.LC_LOAD_UPWARD_DYLIB, "/usr/lib/libSystem.B.dylib"),
)
TEXT = bytes(range(1, 256)) * 3
LINKEDIT = b"linkedit" * 5


def make_sample(
    bits: int = 64,
    byteorder: ByteOrder = "little",
    *,
    dylibs: Sequence[tuple[int, str]] = ALL_FIVE,
    install_name: str | None = "/opt/lib/libsample.dylib",
    rpaths: Sequence[str] = ("/opt/lib",),
    room: int = 64,
    filetype: int = c.MH_DYLIB,
    cpu: tuple[int, int] | None = None,
    extra: Sequence[bytes] = (),
    use_commands: bool = False,
) -> bytes:
    """A library with `room` zero bytes between its load commands and its text, and no signature.

    `use_commands` writes the libraries as `dylib_use_command`, with a word of flags in front of the name.
    """
    layouts = structures(bits, byteorder)
    cputype, cpusubtype = cpu or CPUS[bits, byteorder]
    commands = []
    if install_name is not None:
        commands.append(_named(layouts, c.LC_ID_DYLIB, [1, 0x10000, 0x10000], install_name))
    for cmd, name in dylibs:
        numbers = [c.DYLIB_USE_MARKER, 0, 0, 2] if use_commands else [2, 0x20000, 0x10000]
        commands.append(_named(layouts, cmd, numbers, name))
    commands += [_named(layouts, c.LC_RPATH, [], path) for path in rpaths]
    commands += extra
    text_segment = layouts.segment.size + layouts.section.size
    size = layouts.header.size + text_segment + layouts.segment.size + sum(map(len, commands))
    start = size + room
    linkedit = -(-(start + len(TEXT)) // 0x1000) * 0x1000
    kind = c.LC_SEGMENT_64 if bits == 64 else c.LC_SEGMENT
    end = start + len(TEXT)
    more = (0,) * (3 if bits == 64 else 2)
    segments = (
        layouts.segment.pack(kind, text_segment, b"__TEXT", 0, linkedit, 0, linkedit, 5, 5, 1, 0)
        + layouts.section.pack(b"__text", b"__TEXT", start, len(TEXT), start, 0, 0, 0, 0x80000400, *more),
        layouts.segment.pack(
            kind, layouts.segment.size, b"__LINKEDIT", linkedit, 0x1000, linkedit, len(LINKEDIT), 1, 1, 0, 0
        ),
    )
    head = layouts.header.pack(
        c.MH_MAGIC_64 if bits == 64 else c.MH_MAGIC, cputype, cpusubtype, filetype,
        len(commands) + 2, size - layouts.header.size, 0x85, *((0,) if bits == 64 else ()),
    )  # fmt: skip
    data = (head + b"".join(segments) + b"".join(commands)).ljust(start, b"\0") + TEXT
    assert len(data) == end
    return data.ljust(linkedit, b"\0") + LINKEDIT


def make_fat(slices: Sequence[bytes], magic: int = c.FAT_MAGIC, align: int = 12) -> bytes:
    """A fat file of thin ones."""
    layout = struct.Struct(">5I" if magic == c.FAT_MAGIC else ">2I2Q2I")
    table = b""
    data = bytes(8 + layout.size * len(slices))
    for one in slices:
        data = data.ljust(-(-len(data) // (1 << align)) * (1 << align), b"\0")
        order = "<" if one[0] in (0xCE, 0xCF) else ">"
        cputype, cpusubtype = struct.unpack_from(order + "2I", one, 4)
        table += layout.pack(cputype, cpusubtype, len(data), len(one), align, *(() if magic == c.FAT_MAGIC else (0,)))
        data += one
    return struct.pack(">2I", magic, len(slices)) + table + data[8 + len(table) :]


def _named(layouts: Structures, cmd: int, numbers: Sequence[int], name: str) -> bytes:
    """A command with a string: cmd, cmdsize, the string's offset, numbers, the string."""

    start = 12 + 4 * len(numbers)
    text = name.encode() + b"\0"
    size = -(-(start + len(text)) // layouts.alignment) * layouts.alignment
    return (layouts.pack_words(cmd, size, start, *numbers) + text).ljust(size, b"\0")
