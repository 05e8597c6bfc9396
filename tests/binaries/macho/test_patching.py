"""Names and search paths change, and nothing else does."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundler.binaries.macho import Edits, plan_patch
from bundler.binaries.macho import constants as c
from bundler.binaries.macho.structs import ByteOrder
from bundler.errors import BinaryFormatError, CannotPatch, NoHeaderRoom
from tests.binaries.macho.patching import image_of, patch, plan
from tests.binaries.macho.samples import ALL_FIVE, LINKEDIT, TEXT, make_fat, make_sample
from tests.binaries.macho.test_image import KINDS

X86_64 = (c.CPU_X86_64, 3)


@pytest.mark.parametrize(("bits", "byteorder"), KINDS)
def test_all_names_change_in_every_size_and_byte_order(bits: int, byteorder: ByteOrder) -> None:
    data = make_sample(bits, byteorder, rpaths=("/opt/lib", "/keep", "/old"), room=200, cpu=_unsigned(bits, byteorder))
    edits = Edits(
        install_name="@rpath/libsample.dylib",
        dylibs={name: f"@loader_path/{name.rpartition('/')[2]}" for _, name in ALL_FIVE[:4]},
        remove_rpaths=frozenset({"/opt/lib"}),
        replace_rpaths={"/old": "@loader_path/new"},
        add_rpaths=("@loader_path/../lib", "/keep"),
    )
    new = patch(data, edits)
    [part] = image_of(new).slices
    assert part.install_name == "@rpath/libsample.dylib"
    assert [dylib.name for dylib in part.dylibs] == [
        "@loader_path/libone.dylib", "@loader_path/libtwo.dylib", "@loader_path/libthree.dylib",
        "@loader_path/libfour.dylib", "/usr/lib/libSystem.B.dylib",
    ]  # fmt: skip
    assert [dylib.kind.value for dylib in part.dylibs] == [kind for kind, _ in ALL_FIVE]
    assert part.rpaths == ("/keep", "@loader_path/new", "@loader_path/../lib")
    assert new[part.contents_start :].startswith(TEXT)
    assert new.endswith(LINKEDIT)
    assert len(new) == len(data)


def _unsigned(bits: int, byteorder: ByteOrder) -> tuple[int, int] | None:
    """x86-64 rather than arm64, which is signed."""
    return X86_64 if (bits, byteorder) == (64, "little") else None


def test_flags_of_a_library_use_are_kept() -> None:
    data = make_sample(use_commands=True, cpu=X86_64, room=64)
    new = patch(data, Edits(dylibs={"/opt/lib/libone.dylib": "@loader_path/libone-renamed.dylib"}))
    [old_part], [part] = image_of(data).slices, image_of(new).slices
    assert part.dylibs[0].name == "@loader_path/libone-renamed.dylib"
    old_command, command = old_part.commands[3], part.commands[3]
    assert command.data[8:28] == old_command.data[8:28]
    assert command.data[8:12] == (28).to_bytes(4, "little")


def test_what_is_asked_for_already_is_no_change() -> None:
    data = make_sample()
    edits = Edits(
        install_name="/opt/lib/libsample.dylib",
        dylibs={"/opt/lib/libone.dylib": "/opt/lib/libone.dylib", "/not/there": "/x"},
        add_rpaths=("/opt/lib",),
        remove_rpaths=frozenset({"/not/there"}),
    )
    assert plan_patch(io.BytesIO(data), image_of(data), edits) is None


def test_a_module_gets_no_install_name() -> None:
    data = make_sample(filetype=c.MH_BUNDLE, install_name=None)
    assert plan_patch(io.BytesIO(data), image_of(data), Edits(install_name="@rpath/x.dylib")) is None


def test_a_replaced_path_that_is_there_is_not_there_twice() -> None:
    data = make_sample(rpaths=("/keep", "/old"), cpu=X86_64)
    new = patch(data, Edits(replace_rpaths={"/old": "/keep"}))
    assert image_of(new).slices[0].rpaths == ("/keep",)


def test_a_file_that_was_cut_off_is_not_patched() -> None:
    data = make_sample()[:-1]
    with pytest.raises(BinaryFormatError, match="__LINKEDIT is truncated"):
        plan(data, Edits(install_name="x"))


class TestRoom:
    """Contents cannot move, so load commands grow into the room in front of them, or not at all."""

    LONGER = Edits(dylibs={"/opt/lib/libone.dylib": "@loader_path/" + "x" * 60 + "/libone.dylib"})

    def test_all_of_it_is_used(self) -> None:
        grown = len(patch(make_sample(cpu=X86_64, room=400), self.LONGER)) > 0
        assert grown
        data = make_sample(cpu=X86_64, room=64)
        [part] = image_of(patch(data, self.LONGER)).slices
        assert part.contents_start - part.commands_end == 0

    def test_where_it_ends_the_numbers_are_told(self) -> None:
        data = make_sample(cpu=X86_64, room=56)
        [part] = image_of(data).slices
        with pytest.raises(NoHeaderRoom) as caught:
            plan(data, self.LONGER)
        available = part.contents_start - 32
        assert (caught.value.available, caught.value.needed) == (available, available + 8)
        assert f"room for {available} bytes of load commands, and {available + 8} are needed" in caught.value.message
        assert "-headerpad_max_install_names" in caught.value.hint

    def test_a_path_named_twice_makes_room(self) -> None:
        data = make_sample(cpu=X86_64, room=56, rpaths=("/a", "/b", "/a"))
        found = plan(data, self.LONGER)
        assert "the second rpath /a left out for want of room" in found.explanation
        assert image_of(patch(data, self.LONGER)).slices[0].rpaths == ("/a", "/b")

    def test_nothing_is_left_out_where_there_is_room(self) -> None:
        data = make_sample(cpu=X86_64, room=64, rpaths=("/a", "/b", "/a"))
        assert image_of(patch(data, self.LONGER)).slices[0].rpaths == ("/a", "/b", "/a")

    def test_a_date_and_an_empty_table_make_room(self) -> None:
        date = c.LC_SOURCE_VERSION.to_bytes(4, "little") + (16).to_bytes(4, "little") + bytes(8)
        table = c.LC_DATA_IN_CODE.to_bytes(4, "little") + (16).to_bytes(4, "little") + bytes(8)
        used = c.LC_FUNCTION_STARTS.to_bytes(4, "little") + (16).to_bytes(4, "little") + b"\0\1\0\0\4\0\0\0"
        data = make_sample(cpu=X86_64, room=40, extra=[date, table, used])
        commands = [command.cmd for command in image_of(patch(data, self.LONGER)).slices[0].commands]
        assert c.LC_SOURCE_VERSION not in commands
        assert c.LC_DATA_IN_CODE not in commands
        assert c.LC_FUNCTION_STARTS in commands
        with pytest.raises(NoHeaderRoom):
            plan(make_sample(cpu=X86_64, room=24, extra=[date, table, used]), self.LONGER)

    def test_a_table_with_entries_stays(self) -> None:
        used = c.LC_FUNCTION_STARTS.to_bytes(4, "little") + (16).to_bytes(4, "little") + b"\0\1\0\0\4\0\0\0"
        with pytest.raises(NoHeaderRoom):
            plan(make_sample(cpu=X86_64, room=48, extra=[used]), self.LONGER)

    def test_room_in_use_is_no_room(self) -> None:
        data = bytearray(make_sample(cpu=X86_64, room=64))
        data[image_of(bytes(data)).slices[0].commands_end + 60] = 1
        with pytest.raises(CannotPatch, match="in use"):
            plan(bytes(data), self.LONGER)

    def test_shorter_names_leave_zeros_behind(self) -> None:
        data = make_sample(cpu=X86_64, room=0)
        new = patch(data, Edits(install_name="x", remove_rpaths=frozenset({"/opt/lib"})))
        [old_part], [part] = image_of(data).slices, image_of(new).slices
        assert not new[part.commands_end : old_part.commands_end].strip(b"\0")
        assert new[old_part.commands_end :] == data[old_part.commands_end :]


class TestFat:
    """A fat file is put together anew; a slice that does not change keeps every byte."""

    @pytest.mark.parametrize("magic", [c.FAT_MAGIC, c.FAT_MAGIC_64])
    def test_every_slice_is_changed(self, magic: int) -> None:
        thin = [make_sample(*kind, room=200) for kind in KINDS]
        new = patch(make_fat(thin, magic), Edits(dylibs={"/opt/lib/libone.dylib": "@rpath/libone.dylib"}))
        image = image_of(new)
        assert image.fat_magic == magic
        assert [part.dylibs[0].name for part in image.slices] == ["@rpath/libone.dylib"] * 4
        for part in image.slices:
            assert part.offset % 4096 == 0
            assert new[part.offset + part.contents_start :].startswith(TEXT)

    def test_the_other_slice_is_left_alone(self) -> None:
        one = make_sample(cpu=X86_64, room=200, rpaths=("/only/here",))
        other = make_sample(32)
        new = patch(make_fat([one, other]), Edits(replace_rpaths={"/only/here": "@loader_path/here"}))
        first, second = image_of(new).slices
        assert first.rpaths == ("@loader_path/here",)
        assert new[second.offset : second.offset + second.size] == other

    def test_one_architecture_is_kept_byte_for_byte(self) -> None:
        thin = {"arm64": make_sample(room=200), "x86_64": make_sample(cpu=X86_64, room=200)}
        data = make_fat(list(thin.values()))
        for architecture, whole in thin.items():
            assert patch(data, Edits(thin=architecture)) == whole

    def test_thinning_and_renaming_go_together(self) -> None:
        data = make_fat([make_sample(room=200), make_sample(cpu=X86_64, room=200)])
        edits = Edits(install_name="x", thin="x86_64")
        image = image_of(patch(data, edits))
        assert image.architectures == ("x86_64",)
        assert image.fat_magic is None
        assert image.slices[0].install_name == "x"

    def test_a_thin_file_of_that_architecture_is_no_change(self) -> None:
        data = make_sample(cpu=X86_64)
        assert plan_patch(io.BytesIO(data), image_of(data), Edits(thin="x86_64")) is None

    def test_an_architecture_that_is_not_there_is_told(self) -> None:
        with pytest.raises(CannotPatch, match="no arm64 in it, only x86_64, i386"):
            plan(make_fat([make_sample(cpu=X86_64), make_sample(32)]), Edits(thin="arm64"))


NAMES = st.text("abc/@._-é", min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_edits_give_what_was_asked_or_a_clear_refusal(data: st.DataObject) -> None:
    bits, byteorder = data.draw(st.sampled_from(KINDS))
    names = data.draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    paths = data.draw(st.lists(NAMES, max_size=4))
    kinds = [kind for kind, _ in ALL_FIVE]
    sample = make_sample(
        bits, byteorder, dylibs=list(zip(kinds, names, strict=False)), rpaths=paths, room=data.draw(st.integers(0, 120))
    )
    whole = make_fat([sample, make_sample(32, cpu=(c.CPU_POWERPC, 0))]) if data.draw(st.booleans()) else sample
    some = st.sampled_from([*names, *paths, "/not/there"])
    edits = Edits(
        install_name=data.draw(st.none() | NAMES),
        dylibs=data.draw(st.dictionaries(some, NAMES, max_size=3)),
        replace_rpaths=data.draw(st.dictionaries(some, NAMES, max_size=2)),
        remove_rpaths=data.draw(st.frozensets(some, max_size=2)),
        add_rpaths=tuple(data.draw(st.lists(NAMES, max_size=2))),
    )
    try:
        found = plan_patch(io.BytesIO(whole), image_of(whole), edits)
    except NoHeaderRoom as error:
        assert error.needed > error.available
        return
    if found is None:
        return
    new = b"".join(found.patch.read(io.BytesIO(whole)))
    part = image_of(new).slices[0]
    assert [dylib.name for dylib in part.dylibs] == [edits.dylibs.get(name, name) for name in names]
    assert set(edits.add_rpaths) <= set(part.rpaths)
    assert new[part.offset + part.contents_start :].startswith(TEXT)
