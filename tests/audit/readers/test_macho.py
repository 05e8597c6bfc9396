"""Mach-O: macholib reads what the patcher reads; what the patcher makes differs in what was asked for; all else is found."""

from __future__ import annotations

import dataclasses
import functools
import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.audit.readers.comparison import PACKED, Asked, asked_of, disagreements, unasked
from bundler.binaries.macho import Dylib, DylibKind, Edits, Image, Slice, plan_patch, read_image
from bundler.binaries.macho import constants as c
from bundler.binaries.macho.signing import NewSignature
from bundler.binaries.macho.structs import ByteOrder
from bundler.binaries.patch import Literal, Patch
from bundler.errors import CannotPatch
from tests.audit.readers.changed import flipped
from tests.binaries.macho.linked import link_all
from tests.binaries.macho.samples import make_fat, make_sample
from tests.binaries.macho.test_real_files import MORE_WHEELS, WHEELS, binaries_in, moved
from tests.material.wheels import unpack

KINDS: tuple[tuple[int, ByteOrder], ...] = ((64, "little"), (64, "big"), (32, "little"), (32, "big"))
INTEL = (c.CPU_X86_64, 3)
ONE = "/opt/lib/libone.dylib"
EDITS = (
    Edits(install_name="@rpath/x"),
    Edits(install_name="@rpath/" + "x" * 99),
    Edits(dylibs={ONE: "@loader_path/libone.dylib", "/opt/lib/libthree.dylib": "@rpath/" + "3" * 70}),
    Edits(add_rpaths=("@loader_path/..", "@loader_path/../lib")),
    Edits(replace_rpaths={"/opt/lib": "@loader_path"}),
    Edits("@rpath/x", {ONE: "x"}, remove_rpaths=frozenset({"/opt/lib"}), add_rpaths=("@executable_path/../lib",)),
)


@dataclasses.dataclass(frozen=True)
class Changed:
    """A source, what was made of it, and what was asked for."""

    source: bytes
    data: bytes
    asked: Asked


def change(data: bytes, edits: Edits) -> Changed | None:
    """What the patcher makes of a file; None where it makes nothing."""
    file = io.BytesIO(data)
    try:
        plan = plan_patch(file, read_image(file), edits)
    except CannotPatch:
        return None
    return None if plan is None else Changed(data, plan.patch.apply(data), asked_of(edits))


def told(changed: Changed, data: bytes | None = None, asked: Asked | None = None) -> list[str]:
    """What the comparison says of the outcome, or of `data` in its place."""
    file = io.BytesIO(changed.data if data is None else data)
    return [each.message for each in unasked(io.BytesIO(changed.source), file, asked or changed.asked)]


def agreement(data: bytes) -> list[str]:
    file = io.BytesIO(data)
    return [each.message for each in disagreements(read_image(file), file)]


@functools.cache
def files() -> tuple[bytes, ...]:
    """Thin and fat files of every size and byte order, with little room and much, one with the newer kind of library."""
    found = [make_sample(bits, order, room=room) for bits, order in KINDS for room in (64, 800)]
    found += [make_sample(room=400, use_commands=True), make_sample(room=400, cpu=INTEL)]
    two = [make_sample(room=600), make_sample(room=600, cpu=INTEL)]
    return (*found, make_fat(two), make_fat(two, c.FAT_MAGIC_64), make_fat([*two, make_sample(32, room=500)], align=14))


@functools.cache
def cases() -> list[Changed]:
    """All files with all edits, and each slice by itself."""
    edits = [*EDITS, *(dataclasses.replace(each, thin="arm64") for each in EDITS[:3]), Edits(thin="x86_64")]
    found = [change(data, each) for data in files() for each in edits]
    return [each for each in found if each is not None]


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> list[Changed]:
    """What LLVM's linker makes and signs, changed."""
    found = []
    for architecture in ("arm64", "x86_64"):
        where = tmp_path_factory.mktemp(architecture)
        for path in link_all(where, architecture, "-headerpad", "400").values():
            data = path.read_bytes()
            image = read_image(io.BytesIO(data))
            found += [change(data, each) for each in (moved(image), *EDITS)]
    return [each for each in found if each is not None]


def test_they_agree_about_every_size_and_byte_order_and_what_is_made_of_them() -> None:
    assert [message for data in files() for message in agreement(data)] == []
    assert [message for each in cases() for message in agreement(each.data)] == []


def test_nothing_else_differs_in_any_sample() -> None:
    assert len(cases()) > 90
    assert [message for each in cases() for message in told(each)] == []
    assert [message for each in cases() for message in told(each, asked=PACKED)] == []


def test_nothing_else_differs_in_what_a_linker_makes(linked: list[Changed]) -> None:
    assert len(linked) > 20
    for each in linked:
        assert (agreement(each.source), agreement(each.data), told(each), told(each, asked=PACKED)) == ([], [], [], [])


def check_wheel(requirement: str, platform: str, where: Path) -> int:
    done = 0
    for path in list(binaries_in(unpack(requirement, platform, where)))[:30]:
        data = path.read_bytes()
        assert agreement(data) == [], path
        image = read_image(io.BytesIO(data))
        for edits in wheel_edits(image):
            found = change(data, edits)
            if found is not None:
                assert (agreement(found.data), told(found), told(found, asked=PACKED)) == ([], [], []), path
                done += 1
    return done


def wheel_edits(image: Image) -> Iterator[Edits]:
    """As a pack makes them, with and without all slices."""
    yield moved(image)
    if image.fat_magic is not None:
        for architecture in image.architectures:
            yield dataclasses.replace(moved(image), thin=architecture)
            yield Edits(thin=architecture)


@pytest.mark.parametrize(("requirement", "platform"), WHEELS)
def test_nothing_else_differs_in_a_wheel(requirement: str, platform: str, tmp_path: Path) -> None:
    """freeze-core's has python.org's library, a program and the extension modules."""
    assert check_wheel(requirement, platform, tmp_path)


@pytest.mark.everything
@pytest.mark.parametrize(("requirement", "platform"), MORE_WHEELS)
def test_nothing_else_differs_in_more_wheels(requirement: str, platform: str, tmp_path: Path) -> None:
    check_wheel(requirement, platform, tmp_path)


def test_what_was_not_asked_for_is_told() -> None:
    for each in cases():
        assert told(each, asked=Asked())


def part_of(image: Image) -> Slice:
    return image.slices[0]


def with_part(image: Image, **fields: object) -> Image:
    return dataclasses.replace(image, slices=(dataclasses.replace(part_of(image), **fields), *image.slices[1:]))  # type: ignore[arg-type]


WRONG: dict[str, tuple[str, Callable[[Image], Image]]] = {
    "a name": (
        "LC_ID_DYLIB: bundler reads none, macholib reads /opt/lib/libsample.dylib",
        lambda image: with_part(image, install_name=None)),
    "a library": (
        "libraries: bundler reads x (0xc), macholib reads /opt/lib/libone.dylib (0xc)",
        lambda image: with_part(image, dylibs=(Dylib(DylibKind.LOAD, "x"), *part_of(image).dylibs[1:]))),
    "the kind of a library": (
        "libraries: bundler reads /opt/lib/libone.dylib (0x80000018), macholib reads /opt/lib/libone.dylib (0xc)",
        lambda image: with_part(image, dylibs=(Dylib(DylibKind.WEAK, ONE), *part_of(image).dylibs[1:]))),
    "a search path": (
        "LC_RPATH: bundler reads nothing, macholib reads /opt/lib", lambda image: with_part(image, rpaths=())),
    "a signature": ("the signature's place", lambda image: with_part(image, signature=(1, 2))),
    "a version": ("the minimum version of macOS", lambda image: with_part(image, minimum_os=(11, 0, 0))),
    "a command": ("load commands", lambda image: with_part(image, commands=part_of(image).commands[:-1])),
    "a segment": ("segments", lambda image: with_part(image, segments=part_of(image).segments[1:])),
    "the processor": ("the processor", lambda image: with_part(image, cputype=7)),
    "the size": ("the size of the file", lambda image: dataclasses.replace(image, size=7)),
    "a slice's place": ("slices", lambda image: with_part(image, offset=4096)),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_reading_of_the_patcher_is_told_with_both(what: str) -> None:
    message, damage = WRONG[what]
    file = io.BytesIO(make_sample())
    (found,) = disagreements(damage(read_image(file)), file)
    assert message in found.message


def test_a_fat_file_is_told_with_its_slice() -> None:
    file = io.BytesIO(files()[-1])
    (found,) = disagreements(with_part(read_image(file), rpaths=("x",)), file)
    assert found.message == "LC_RPATH of arm64: bundler reads x, macholib reads /opt/lib"


@functools.cache
def plain() -> Changed:
    """A changed file that is not signed."""
    found = change(make_sample(room=300, cpu=INTEL, extra=[UUID]), EDITS[2])
    assert found is not None
    return found


UUID = struct.pack("<2I16s", c.LC_UUID, 24, b"\xaa" * 16)


def at(data: bytes | bytearray, what: bytes) -> int:
    return data.index(what)


def load(cmd: int, number: int = 0) -> Callable[[bytearray], int]:
    """Where a load command is."""

    def find(data: bytearray) -> int:
        position, seen = 32, 0
        while True:
            found, size = struct.unpack_from("<2I", data, position)
            if found == cmd:
                if seen == number:
                    return position
                seen += 1
            position += size

    return find


def write(place: Callable[[bytearray], int], offset: int, value: int) -> Callable[[bytearray], None]:
    return lambda data: struct.pack_into("<I", data, place(data) + offset, value)


def lose_a_library(data: bytearray) -> None:
    """Its command becomes one that nobody knows."""
    struct.pack_into("<I", data, load(c.LC_LOAD_DYLIB)(data), 0x7777)


DAMAGES: dict[str, tuple[str, Callable[[bytearray], None]]] = {
    "a byte of code": ("in __TEXT,__text: the source has", lambda data: data.__setitem__(at(data, b"\x30\x31\x32\x33"), 0)),
    "a byte behind the segments": ("in __LINKEDIT: the source has", lambda data: data.__setitem__(-5, 0)),
    "a lost library": ("libraries: it should be", lose_a_library),
    "another version of a library": ("load commands: the source has", write(load(c.LC_LOAD_DYLIB), 16, 7)),
    "a weak library": ("load commands: the source has", write(load(c.LC_LOAD_DYLIB), 0, c.LC_LOAD_WEAK_DYLIB)),
    "the identity": ("load commands: the source has", write(load(c.LC_UUID), 8, 7)),
    "protection of a segment": ("load commands: the source has", write(load(c.LC_SEGMENT_64), 60, 7)),
    "the size of __LINKEDIT": ("filesize of __LINKEDIT: the source has", write(load(c.LC_SEGMENT_64, 1), 48, 7)),
    "the file's own name": (
        "LC_ID_DYLIB: it should be", lambda data: data.__setitem__(at(data, b"libsample"), 0x4C)),
    "a search path": ("LC_RPATH: it should be", lambda data: data.__setitem__(at(data, b"/opt/lib\0") + 1, 0x4C)),
    "bytes behind the load commands": ("offset 0x", lambda data: data.__setitem__(at(data, bytes(60)) + 40, 1)),
    "bytes behind a name": (
        "a load command: it should end in zeros", lambda data: data.__setitem__(at(data, b"libone.dylib\0") + 13, 1)),
    "the kind of file": ("the header: the source has", write(lambda data: 12, 0, c.MH_BUNDLE)),
    "flags": ("the header: the source has", write(lambda data: 24, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_finds(damage: str) -> None:
    message, do = DAMAGES[damage]
    data = bytearray(plain().data)
    do(data)
    found = told(plain(), bytes(data))
    assert [each for each in found if message in each], found


def signed(linked: list[Changed]) -> Changed:
    return next(each for each in linked if part_of(read_image(io.BytesIO(each.data))).signature is not None)


def test_it_finds_a_hash_that_is_not_of_its_page(linked: list[Changed]) -> None:
    each = signed(linked)
    assert told(each, flipped(each.data, at(each.data, b"\xfa\xde\x0c\x02") + 130))
    assert "a hash is not that of its page" in told(each, flipped(each.data, len(each.data) - 33))[0]


def test_it_finds_a_lost_signature(linked: list[Changed]) -> None:
    each = signed(linked)
    data = bytearray(each.data)
    struct.pack_into("<I", data, load(c.LC_CODE_SIGNATURE)(data), 0x7777)
    assert [
        message
        for message in told(each, bytes(data))
        if "the signature: the source has one, the file has none" in message
    ]


def test_it_finds_another_identifier_in_a_signature(linked: list[Changed]) -> None:
    each = signed(linked)
    start = at(each.data, b"\xfa\xde\x0c\x02") + 88
    assert told(each, flipped(each.data, start, 0x20))[0].startswith("what is signed besides: the source has")


def test_it_finds_lost_entitlements(linked: list[Changed]) -> None:
    """The source is signed as `codesign` does; the outcome is one in which the entitlements have another slot."""
    data = signed(linked).source
    entitled = with_entitlements(data)
    found = change(entitled, EDITS[0])
    assert found is not None
    assert (agreement(found.data), told(found)) == ([], [])
    assert b"<plist>entitled" in found.data
    place = at(found.data, b"\xfa\xde\x0c\xc0")
    index = at(found.data[place:], struct.pack(">I", c.CSSLOT_ENTITLEMENTS)) + place
    new = found.data[:index] + struct.pack(">I", 9) + found.data[index + 4 :]
    assert "what is signed besides" in told(found, new)[0]


def with_entitlements(data: bytes) -> bytes:
    """A signed file with another signature: ad hoc, with entitlements."""
    (part,) = read_image(io.BytesIO(data)).slices
    assert part.signature is not None
    start = part.signature[0]
    blob = struct.pack(">2I", 0xFADE7171, 8 + 15) + b"<plist>entitled"
    signature = NewSignature("entitled", {c.CSSLOT_ENTITLEMENTS: blob}, None)
    size = signature.size(start)
    new = bytearray(data[:start])
    struct.pack_into("<2I", new, load(c.LC_CODE_SIGNATURE)(new) + 8, start, size)
    linkedit = next(each for each in part.segments if each.name == "__LINKEDIT")
    number = [each.name for each in part.segments].index("__LINKEDIT")
    struct.pack_into("<Q", new, load(c.LC_SEGMENT_64, number)(new) + 48, start + size - linkedit.fileoff)
    whole = Patch((Literal(bytes(new)), *signature.pieces(part, 0, start)))
    return whole.apply(b"")


@pytest.mark.parametrize("magic", [c.FAT_MAGIC, c.FAT_MAGIC_64])
def test_it_finds_bytes_between_slices(magic: int) -> None:
    found = change(make_fat([make_sample(room=600), make_sample(room=600, cpu=INTEL)], magic), EDITS[0])
    assert found is not None
    first, second = read_image(io.BytesIO(found.data)).slices
    for place in (100, first.offset - 1, first.offset + first.size, second.offset - 1):
        (message,) = told(found, flipped(found.data, place))
        assert message == f"offset {place:#x}: it lies between slices, the file has something there"


def test_it_finds_a_slice_off_its_alignment() -> None:
    found = change(make_fat([make_sample(room=600)]), EDITS[0])
    assert found is not None
    data = bytearray(found.data[:4096] + bytes(8) + found.data[4096:])
    struct.pack_into(">I", data, 16, 4096 + 8)
    assert told(found, bytes(data)) == ["a slice: it should begin at a multiple of 4096, it begins at 4104"]


def test_it_finds_a_name_that_begins_elsewhere() -> None:
    found = change(make_sample(room=300, cpu=INTEL), Edits(add_rpaths=("@loader_path/..",)))
    assert found is not None
    data = bytearray(found.data)
    struct.pack_into("<I", data, load(c.LC_RPATH, 1)(data) + 8, 13)
    assert "its name should stand elsewhere" in told(found, bytes(data), PACKED)[0]


def test_it_finds_load_commands_that_grew_over_something() -> None:
    each = plain()
    source = bytearray(each.source)
    place = read_image(io.BytesIO(source)).slices[0].commands_end
    assert not source[place + 8]
    source[place + 8] = 1
    assert "the source has bytes there" in told(dataclasses.replace(each, source=bytes(source)))[0]


def test_it_finds_other_slices() -> None:
    two = [make_sample(room=600), make_sample(room=600, cpu=INTEL)]
    whole = change(make_fat(two), EDITS[0])
    thin = change(make_fat(two), dataclasses.replace(EDITS[0], thin="arm64"))
    assert whole is not None and thin is not None
    assert "the architectures: the source has" in told(whole, thin.data)[0]
    assert told(thin, make_sample(32, "big"))[0].startswith("the architectures")


@functools.cache
def targets() -> list[Changed]:
    """Outcomes without a signature, to the byte."""
    return [each for each in cases() if b"\xfa\xde\x0c\xc0" not in each.data]


@settings(max_examples=400, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.integers(0, 1 << 20), st.integers(0, 1 << 20), st.integers(1, 255))
def test_it_finds_any_byte_that_is_changed(number: int, place: int, bits: int) -> None:
    each = targets()[number % len(targets())]
    assert told(each, flipped(each.data, place % len(each.data), bits))


@settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.integers(0, 1 << 20), st.integers(0, 1 << 20), st.integers(1, 255))
def test_it_finds_any_byte_that_is_changed_in_front_of_a_signature(
    linked: list[Changed], number: int, place: int, bits: int
) -> None:
    each = linked[number % len(linked)]
    signature = part_of(read_image(io.BytesIO(each.data))).signature
    end = signature[0] if signature is not None else len(each.data)
    assert told(each, flipped(each.data, place % end, bits))
