"""DLLs get other names: in place, behind the end of a section, in a new section. All else stays, or it is refused."""

from __future__ import annotations

import io

import pefile
import pytest

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.errors import CannotPatch, ConflictingEdits, NoHeaderRoom, PayloadInTheWay, UnwritableString
from tests.binaries.pe.judging import patch, plan
from tests.binaries.pe.shapes import (
    PAYLOAD,
    bound,
    fixture,
    image_of,
    put,
    signed,
    with_absolute_delays,
    with_directory,
    with_load_config,
    with_optional,
    with_symbols,
    without_header_room,
    without_slack,
)
from tests.material.pe_fixtures import SETS, Set

ALL_SETS = pytest.mark.parametrize("machine", SETS, ids=str)
LONG = "which-0123456789abcdef0123456789abcdef.dll"


def method(data: bytes, names: dict[str, str]) -> str:
    found = plan(data, names)
    assert found is not None
    return found.method


@ALL_SETS
def test_a_name_that_is_no_longer_is_written_over_the_old_one(machine: Set) -> None:
    data = fixture("program.exe", machine)
    new = patch(data, {"which.dll": "who.dll"})
    assert len(new) == len(data)
    assert image_of(new).needed == ("who.dll", "kernel32.dll")
    assert method(data, {"which.dll": "who.dll"}) == "in place"


@ALL_SETS
def test_a_longer_name_goes_behind_the_end_of_a_section(machine: Set) -> None:
    data = fixture("program.exe", machine)
    new = patch(data, {"which.dll": LONG})
    assert len(new) == len(data)
    assert image_of(new).needed == (LONG, "kernel32.dll")
    assert method(data, {"which.dll": LONG}).startswith("behind the end of .")


def test_the_section_of_resources_is_left_alone() -> None:
    """Programs that change resources write the section anew."""
    data = fixture()
    headers = image_of(data).headers
    first = method(data, {"which.dll": LONG}).rpartition(" ")[2]
    number = [section.name for section in headers.sections].index(first)
    data = put(data, headers.section_table + 40 * number, b".rsrc\0\0\0")
    assert not method(data, {"which.dll": LONG}).endswith(".rsrc")


@ALL_SETS
def test_without_room_there_a_longer_name_goes_into_a_new_section(machine: Set) -> None:
    data = without_slack(fixture("program.exe", machine))
    new = patch(data, {"which.dll": LONG})
    before, after = image_of(data).headers, image_of(new).headers
    assert len(new) == len(data) + before.file_alignment
    assert after.sections[:-1] == before.sections
    assert after.sections[-1].name == ".bundler"
    assert after.size_of_image == before.size_of_image + before.section_alignment
    found = plan(data, {"which.dll": LONG})
    assert found is not None
    assert len(found.reasons) == 2


@ALL_SETS
@pytest.mark.parametrize("full", [False, True])
def test_delayed_and_forwarded_dlls_are_renamed_too(machine: Set, full: bool) -> None:
    program, which = fixture("program.exe", machine), fixture("which.dll", machine)
    if full:
        program, which = without_slack(program), without_slack(which)
    long = "other-0123456789abcdef.dll"
    assert image_of(patch(program, {"extra.dll": long})).delayed == (long,)
    new = image_of(patch(which, {"inner.dll": long}))
    assert new.exports is not None
    assert (new.needed, [each.text for each in new.exports.forwarders]) == (
        (long,),
        ["other-0123456789abcdef.inner"],
    )
    short = image_of(patch(which, {"inner.dll": "in.dll"}))
    assert short.exports is not None
    assert [each.text for each in short.exports.forwarders] == ["in.inner"]


def test_a_forwarder_keeps_dll_where_the_name_has_another_dot() -> None:
    """Windows and Wine append `.dll` to a name without a dot only."""
    new = image_of(patch(fixture("which.dll"), {"inner.dll": "inner-1.2.dll"}))
    assert new.exports is not None
    assert new.exports.forwarders[0].text == "inner-1.2.dll.inner"


def test_delays_of_visual_c_6_stay_absolute() -> None:
    data = with_absolute_delays(fixture("program.exe", SETS[1]))
    found = plan(data, {"extra.dll": LONG})
    assert found is not None
    new = image_of(found.patch.apply(data))
    assert new.delayed == (LONG,)
    assert new.imports[-1].descriptor[1] > new.headers.image_base


def test_letters_are_the_same_in_both_cases() -> None:
    assert image_of(patch(fixture(), {"WHICH.DLL": "Who.dll"})).needed[0] == "Who.dll"
    assert image_of(patch(fixture(), {"which.dll": "WHICH.dll"})).needed[0] == "WHICH.dll"
    assert image_of(patch(fixture(), {"which": "who.dll"})).needed[0] == "who.dll"


def test_names_that_are_not_there_change_nothing() -> None:
    assert plan(fixture(), {"nowhere.dll": "other.dll"}) is None
    assert plan(fixture(), {"which.dll": "which.dll"}) is None
    assert plan(signed(fixture()), {"nowhere.dll": "other.dll"}) is None


@pytest.mark.parametrize("new_name", ["who.dll", LONG])
@pytest.mark.parametrize("full", [False, True])
def test_a_signature_goes_and_is_told(new_name: str, full: bool) -> None:
    data = signed(without_slack(fixture()) if full else fixture())
    found = plan(data, {"which.dll": new_name})
    assert found is not None
    assert any("signature (72 bytes) was removed" in note for note in found.notes)
    new = patch(data, {"which.dll": new_name})
    assert b"ssss" not in new
    assert image_of(new).headers.directory(c.SECURITY).size == 0


def test_what_follows_a_signature_stays() -> None:
    data = signed(fixture(), behind=PAYLOAD)
    assert patch(data, {"which.dll": "who.dll"}).endswith(PAYLOAD)


@pytest.mark.parametrize("new_name", ["who.dll", LONG])
def test_a_bound_file_is_bound_no_more(new_name: str) -> None:
    data = bound(fixture())
    assert all(dll.bound for dll in image_of(data).imports if not dll.delayed)
    found = plan(data, {"which.dll": new_name})
    assert found is not None
    assert any("bound" in note for note in found.notes)
    new = image_of(patch(data, {"which.dll": new_name}))
    assert not any(dll.bound for dll in new.imports)
    assert new.headers.directory(c.BOUND_IMPORT).address == 0
    full = without_slack(data)
    assert image_of(patch(full, {"which.dll": LONG})).headers.sections[-1].name == ".bundler"


def test_room_for_a_section_that_somebody_uses_is_left_alone() -> None:
    data = without_slack(fixture())
    data = put(data, image_of(data).headers.section_table_end + 39, b"!")
    with pytest.raises(CannotPatch, match="the room behind its table of sections is in use"):
        plan(data, {"which.dll": LONG})


def test_a_name_in_the_headers_is_not_compared_with_numbers_that_change() -> None:
    """Hypothesis found a DLL whose name was the checksum."""
    data = fixture()
    image = image_of(data)
    place = image.headers.optional_offset + s.CHECKSUM
    data = put(data, image.imports[1].offset + 12, s.DWORD.pack(place))
    with pytest.raises(CannotPatch, match=f"at offset {place} lies in its headers"):
        plan(data, {"which.dll": "who.dll"})


def test_a_bound_file_without_the_names_of_its_imports_is_refused() -> None:
    data = bound(fixture())
    data = put(data, image_of(data).imports[0].offset, bytes(4))
    with pytest.raises(CannotPatch, match=r"bound to which\.dll"):
        plan(data, {"which.dll": "who.dll"})


def test_the_load_config_stays_and_what_it_says_is_told() -> None:
    data = with_load_config(fixture(), flags=0x800)
    new = patch(data, {"which.dll": LONG})
    assert image_of(new).load_config == image_of(data).load_config
    found = plan(data, {"which.dll": LONG})
    assert found is not None
    assert any("flags 0x800" in note for note in found.notes)


def test_a_file_without_a_checksum_gets_none() -> None:
    data = with_optional(fixture(), s.CHECKSUM, s.DWORD, 0)
    assert image_of(patch(data, {"which.dll": "who.dll"})).headers.checksum == 0
    new = patch(fixture(), {"which.dll": "who.dll"})
    assert image_of(new).headers.checksum not in (0, image_of(fixture()).headers.checksum)
    assert pefile.PE(data=new, fast_load=True).verify_checksum()


def test_a_payload_stays_at_the_end() -> None:
    data = fixture() + PAYLOAD
    assert patch(data, {"which.dll": LONG}).endswith(PAYLOAD)
    with pytest.raises(PayloadInTheWay, match=f"{len(PAYLOAD)} bytes follow its sections"):
        plan(without_slack(fixture()) + PAYLOAD, {"which.dll": LONG})


def test_a_table_of_symbols_stays_where_it_is_in_front_of_a_new_section() -> None:
    data = with_symbols(without_slack(fixture()))
    new = patch(data, {"which.dll": LONG})
    assert new.startswith(b"MZ")
    assert new[len(fixture()) :].startswith(data[len(fixture()) :])
    assert image_of(new).headers.sections[-1].raw_offset == len(fixture()) + 512


def test_headers_without_room_are_told_with_numbers() -> None:
    data = without_header_room(without_slack(fixture()))
    count = len(image_of(data).headers.sections)
    with pytest.raises(NoHeaderRoom) as caught:
        plan(data, {"which.dll": LONG})
    assert (caught.value.needed, caught.value.available) == (40 * (count + 1), 40 * count)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (with_load_config(fixture(), chpe=0x180001000), "two machines"),
        (with_directory(fixture(), c.COM_DESCRIPTOR, 0x1000, 72), r"\.NET"),
        (with_optional(fixture(), s.DLL_CHARACTERISTICS, s.WORD, 0x80), "FORCE_INTEGRITY"),
        (with_optional(fixture(), s.SECTION_ALIGNMENT, s.DWORD, 0x200), "512 bytes in memory"),
        (put(fixture(), image_of(fixture()).headers.pe_offset + 22, b"\0\0"), "it is not linked"),
    ],
    ids=["ARM64X", ".NET", "integrity", "driver", "object"],
)
def test_what_windows_would_not_load_or_another_machine_reads_otherwise_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(CannotPatch, match=said):
        plan(data, {"which.dll": "who.dll"})


@pytest.mark.parametrize("name", ["", "a/b.dll", "a\\b.dll", "c:x.dll", "é.dll", "a\0.dll", "a" * 256])
def test_names_that_windows_does_not_take_are_refused(name: str) -> None:
    with pytest.raises(UnwritableString):
        plan(fixture(), {"which.dll": name})


def test_edits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConflictingEdits):
        plan(fixture(), {"which.dll": "a.dll", "WHICH.dll": "b.dll"})
    with pytest.raises(ConflictingEdits):
        plan(fixture(), {"which.dll": "kernel32.dll", "KERNEL32.dll": "a.dll"})


def test_names_that_share_their_bytes_are_not_written_over() -> None:
    """Two DLLs that are one text for the linker: only one of them is renamed."""
    data = fixture()
    first, second = image_of(data).imports[:2]
    data = put(data, second.offset + 12, s.DWORD.pack(first.name_address + 2))
    assert image_of(data).needed == ("which.dll", "ich.dll")
    found = plan(data, {"which.dll": "who.dll"})
    assert found is not None
    assert image_of(found.patch.apply(data)).needed == ("who.dll", "ich.dll")
    assert found.method != "in place"


def test_a_damaged_reading_of_the_result_stops_the_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is read again before anybody sees it."""
    from bundler.binaries.pe import draft

    monkeypatch.setattr(draft, "with_name", lambda image, dll, address: bytes(20))
    with pytest.raises(CannotPatch, match="the result would not be sound"):
        plan(fixture(), {"which.dll": LONG})


def test_the_patch_reads_no_more_than_headers_and_tables() -> None:
    class Counting(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    from bundler.binaries.pe import Edits, plan_patch, read_image

    data = fixture() + bytes(50 << 20)
    file = Counting(data)
    plan_patch(file, read_image(file), Edits({"which.dll": "who.dll"}))
    assert file.count < 1 << 20
