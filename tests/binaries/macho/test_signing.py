"""Changed slices are signed anew: truly, as `codesign` does it ad hoc; all else is byte for byte what LLVM makes."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
from pathlib import Path

import pytest

from bundler.binaries.macho import Edits, read_image, read_signature, signature_fault
from bundler.binaries.macho import constants as c
from bundler.errors import CannotPatch
from tests.binaries.macho.linked import install_name_tool, link, link_all, run
from tests.binaries.macho.patching import image_of, judge, patch, plan
from tests.binaries.macho.samples import make_fat, make_sample
from tests.binaries.macho.verifier import blobs_of, load_commands, signature_of, slices_of, unsigned, verify
from tests.material.programs import need

ARCHITECTURES = ["arm64", "x86_64"]
SOME = Edits(
    install_name="@rpath/libsome.dylib",
    dylibs={
        "@rpath/libinner.dylib": "@loader_path/a/b/libinner.dylib",
        "/opt/lib/libouter.dylib": "@rpath/libouter.dylib",
    },
    replace_rpaths={"/opt/lib": "@loader_path"},
)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def linked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    where = tmp_path_factory.mktemp("linked") / request.param
    return link_all(where, request.param, "-headerpad", "0x200")


@pytest.mark.parametrize("name", ["libinner", "libouter", "program"])
def test_a_changed_file_is_signed_truly(linked: dict[str, Path], tmp_path: Path, name: str) -> None:
    data = linked[name].read_bytes()
    new = patch(data, SOME)
    assert new != data
    blobs = verify(new)
    assert blobs is not None
    assert list(blobs) == [0, 2, 0x10000]
    assert struct.unpack_from(">I", blobs[0], 12)[0] == 2  # what a linker had signed (0x20002) is no linker's any more
    assert (
        struct.unpack_from(">I", blobs[0], 24)[0] == 2
    )  # the hashes of Info.plist, none here, and of the requirements
    assert (blobs[2].hex(), blobs[0x10000].hex()) == ("fade0c010000000c00000000", "fade0b0100000008")
    (tmp_path / name).write_bytes(new)
    judge(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "edits", "arguments"),
    [
        ("libinner", Edits(install_name="@loader_path/longer/than/before/libinner.dylib"),
         ["-id", "@loader_path/longer/than/before/libinner.dylib"]),
        ("libouter", Edits(dylibs={"@rpath/libinner.dylib": "@loader_path/libinner.dylib"}),
         ["-change", "@rpath/libinner.dylib", "@loader_path/libinner.dylib"]),
        ("libouter", Edits(replace_rpaths={"/opt/lib": "@loader_path/../lib"}),
         ["-rpath", "/opt/lib", "@loader_path/../lib"]),
        ("libouter", Edits(remove_rpaths=frozenset({"/opt/lib"})), ["-delete_rpath", "/opt/lib"]),
        ("program", Edits(dylibs={"/opt/lib/libouter.dylib": "x"}), ["-change", "/opt/lib/libouter.dylib", "x"]),
        ("program", Edits(add_rpaths=("@loader_path/../lib",)), ["-add_rpath", "@loader_path/../lib"]),
    ],
)  # fmt: skip
def test_llvm_makes_the_same_bytes_but_for_the_signature(
    linked: dict[str, Path], tmp_path: Path, name: str, edits: Edits, arguments: list[str]
) -> None:
    path = tmp_path / linked[name].name
    shutil.copy(linked[name], path)
    # LLVM sorts a file's symbols when it writes it for the first time.
    install_name_tool(path, "-add_rpath", "/for/a/moment")
    install_name_tool(path, "-delete_rpath", "/for/a/moment")
    ours = patch(path.read_bytes(), edits)
    install_name_tool(path, *arguments)
    assert unsigned(ours) == unsigned(path.read_bytes())


def test_the_bytes_agree_in_fat_files_too(tmp_path: Path) -> None:
    parts = []
    for architecture in ARCHITECTURES:
        libraries = link_all(tmp_path / architecture, architecture, "-headerpad", "0x200")
        part = libraries["libouter"]
        install_name_tool(part, "-add_rpath", "/for/a/moment")
        install_name_tool(part, "-delete_rpath", "/for/a/moment")
        parts.append(part)
    fat = tmp_path / "libouter.dylib"
    run([need("llvm-lipo"), "-create", *parts, "-output", fat])
    ours = patch(fat.read_bytes(), SOME)
    assert sorted(slices_of(ours)) == sorted(patch(part.read_bytes(), SOME) for part in parts)
    (tmp_path / "ours").write_bytes(ours)
    judge(tmp_path / "ours")
    for architecture in ARCHITECTURES:
        thin = tmp_path / f"thin-{architecture}"
        run([need("llvm-lipo"), fat, "-thin", architecture, "-output", thin])
        assert patch(fat.read_bytes(), Edits(thin=architecture)) == thin.read_bytes()


def test_an_unsigned_arm64_file_gets_a_signature(tmp_path: Path) -> None:
    new = patch(make_sample(room=200), Edits(install_name="@rpath/libnew.dylib"))
    blobs = verify(new)
    assert blobs is not None
    assert blobs[0][88:].startswith(b"libsample.dylib\0")
    assert signature_fault(io.BytesIO(new), image_of(new).slices[0]) is None


def test_an_unsigned_x86_64_file_stays_unsigned() -> None:
    new = patch(make_sample(room=200, cpu=(c.CPU_X86_64, 3)), Edits(install_name="x"))
    assert verify(new) is None
    assert signature_fault(io.BytesIO(new), image_of(new).slices[0]) is None


def codesigned(data: bytes, team: bytes = b"TEAM123456") -> bytes:
    """A file signed by an identity, as `codesign` does: a team, hardened runtime, entitlements and certificates."""
    [part] = image_of(data).slices
    assert part.signature is not None
    limit = part.signature[0]
    xml = struct.pack(">II", 0xFADE7171, 16) + b"<plist/>"
    der = struct.pack(">II", 0xFADE7172, 12) + b"\x70\x02\x02\x01"
    requirements = bytes.fromhex("fade0c010000000c00000000")
    certificates = struct.pack(">II", 0xFADE0B01, 500) + bytes(492)
    name = b"org.example.signed\0" + team + b"\0"
    special = [bytes(32)] * 7
    for slot, blob in ((2, requirements), (5, xml), (7, der)):
        special[-slot] = hashlib.sha256(blob).digest()
    hashes = 96 + len(name) + 7 * 32
    count = (limit + 4095) // 4096
    size = (12 + 5 * 8 + hashes + 32 * count + sum(map(len, (requirements, xml, der, certificates))) + 15) // 16 * 16
    data = with_signature_of(data[:limit], limit, size)
    directory = struct.pack(
        ">9I4B4I4Q2I", 0xFADE0C02, hashes + 32 * count, 0x20500, 0x10000 | 0x2000, hashes, 96, 7, count, limit,
        32, 2, 0, 12, 0, 0, 96 + 19, 0, 0, 0, 0x4000, 0, 0x000B0000, 0,
    )  # fmt: skip
    directory += name + b"".join(special)
    directory += b"".join(hashlib.sha256(data[at : at + 4096]).digest() for at in range(0, limit, 4096))
    blobs = [(0, directory), (2, requirements), (5, xml), (7, der), (0x10000, certificates)]
    index, body = b"", b""
    for slot, blob in blobs:
        index += struct.pack(">II", slot, 12 + 8 * len(blobs) + len(body))
        body += blob
    signature = struct.pack(">III", 0xFADE0CC0, 12 + len(index) + len(body), len(blobs)) + index + body
    return data + signature.ljust(size, b"\0")


def with_signature_of(data: bytes, offset: int, size: int) -> bytes:
    """A thin file whose load commands say that its signature has `size` bytes."""
    position, new = 32, bytearray(data)
    for cmd, body in load_commands(data):
        if cmd == c.LC_CODE_SIGNATURE:
            struct.pack_into("<II", new, position + 8, offset, size)
        elif cmd == c.LC_SEGMENT_64 and body[8:18] == b"__LINKEDIT":
            fileoff = struct.unpack_from("<Q", body, 40)[0]
            struct.pack_into("<Q", new, position + 32, 0x10000)
            struct.pack_into("<Q", new, position + 48, offset + size - fileoff)
        position += len(body)
    return bytes(new)


def test_an_identity_is_replaced_and_told_and_entitlements_stay(tmp_path: Path) -> None:
    large = link(
        tmp_path,
        "liblarge.dylib",
        ".globl _inner\n_inner:\n  .zero 200000\n",
        "arm64",
        ["-install_name", "/opt/lib/liblarge.dylib", "-headerpad", "0x100"],
    )
    data = codesigned(large.read_bytes())
    [part] = image_of(data).slices
    assert signature_fault(io.BytesIO(data), part) is None
    before = read_signature(io.BytesIO(data), part)
    assert before is not None
    assert before.identity == "TEAM123456"
    found = plan(data, Edits(install_name="@rpath/liblarge.dylib"))
    assert found.lost_identity == "TEAM123456"
    assert "in place of TEAM123456" in found.explanation
    new = patch(data, Edits(install_name="@rpath/liblarge.dylib"))
    blobs = verify(new)
    assert blobs is not None
    old_signature = signature_of(data)
    assert old_signature is not None
    old = blobs_of(old_signature)
    assert list(blobs) == [0, 2, 5, 7, 0x10000]
    assert (blobs[2], blobs[5], blobs[7]) == (old[2], old[5], old[7])
    assert blobs[0x10000] == bytes.fromhex("fade0b0100000008")
    flags, special = struct.unpack_from(">I", blobs[0], 12)[0], struct.unpack_from(">I", blobs[0], 24)[0]
    assert (flags, special) == (2, 7)  # ad hoc: no hardened runtime, which would refuse unsigned neighbours
    assert struct.unpack_from(">I", blobs[0], 48)[0] == 0  # no team
    assert blobs[0][88:].startswith(b"org.example.signed\0")
    (tmp_path / "new").write_bytes(new)
    judge(tmp_path / "new")


def test_a_slice_that_does_not_change_keeps_its_identity() -> None:
    one, other = make_sample(room=200, rpaths=("/only/here",)), make_sample(cpu=(c.CPU_X86_64, 3))
    found = plan(make_fat([other, one]), Edits(remove_rpaths=frozenset({"/only/here"})))
    assert found.lost_identity is None


@pytest.mark.parametrize("place", [100, 0x1000, -1])
def test_a_signature_that_is_no_longer_true_is_found(linked: dict[str, Path], place: int) -> None:
    data = bytearray(linked["libouter"].read_bytes())
    [part] = image_of(bytes(data)).slices
    assert part.signature is not None
    assert signature_fault(io.BytesIO(data), part) is None
    at = part.signature[0] - 1 if place < 0 else place
    data[at] ^= 1
    assert signature_fault(io.BytesIO(data), part) == "a page does not have the hash that was signed"


def test_a_missing_signature_is_a_fault_on_arm64_alone() -> None:
    for cpu, fault in ((None, "arm64 runs signed code only"), ((c.CPU_X86_64, 3), "")):
        data = make_sample(cpu=cpu)
        found = signature_fault(io.BytesIO(data), read_image(io.BytesIO(data)).slices[0])
        assert fault in (found or "")
        assert bool(found) == bool(fault)


def test_data_behind_a_signature_is_not_lost(linked: dict[str, Path]) -> None:
    data = linked["libouter"].read_bytes() + b"appended by somebody"
    with pytest.raises(CannotPatch, match="20 bytes stand behind the signature"):
        plan(data, SOME)


def test_a_signature_of_less_than_the_file_is_a_fault(linked: dict[str, Path]) -> None:
    data = bytearray(linked["libouter"].read_bytes())
    [part] = image_of(bytes(data)).slices
    assert part.signature is not None
    limit = part.signature[0]
    struct.pack_into(">I", data, limit + 24 + 32, limit - 16)
    assert f"{limit - 16} bytes are signed" in (signature_fault(io.BytesIO(data), part) or "")
