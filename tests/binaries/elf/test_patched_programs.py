"""Patched programs are run: the right library is loaded, and other tools still understand them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from bundler.binaries.elf import Edits, Tier, plan_patch, read_image
from bundler.errors import CannotPatch, PayloadInTheWay
from tests.binaries.elf.patching import edit, image_of, patch, plan
from tests.binaries.elf.programs import EXPECTED, LAYOUTS, PROGRAM, compile_c, make_library, make_program, run
from tests.material.kept import made_once
from tests.material.programs import need

LONG = "$ORIGIN/two/libs:$ORIGIN/" + "/".join(["a long path that is not there"] * 5)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(params=LAYOUTS)
def app(request: pytest.FixtureRequest, programs: Path, tmp_path: Path) -> Path:
    layout: str = request.param
    made = made_once(programs / layout.replace(" ", "-"), lambda folder: make_program(folder, *LAYOUTS[layout]))
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    assert run(tmp_path / "app") == EXPECTED.format(1)
    return tmp_path / "app"


@pytest.fixture
def pie(tmp_path: Path) -> Path:
    return make_program(tmp_path, *LAYOUTS["pie"])


def print_rpath(path: Path) -> str:
    patchelf = need("patchelf")
    return subprocess.run([patchelf, "--print-rpath", path], capture_output=True, text=True, check=True).stdout.strip()


def readelf(*arguments: str | Path) -> str:
    """What readelf prints; a warning is a failure."""
    program = need("readelf")
    done = subprocess.run([program, "-W", *arguments], capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    return done.stdout


def test_a_longer_search_path_leads_to_the_other_library(app: Path) -> None:
    patch(app, LONG)
    assert run(app) == EXPECTED.format(2)
    assert print_rpath(app) == LONG
    tags = readelf("-d", app)
    assert f"Library rpath: [{LONG}]" in tags
    assert "RUNPATH" not in tags


def test_readelf_finds_no_fault_in_a_patched_file(app: Path) -> None:
    before = readelf("-lS", "--dyn-syms", "-s", "-V", "-r", app)
    patch(app, LONG)
    after = readelf("-lS", "--dyn-syms", "-s", "-V", "-r", app)
    assert before.count("\n") == after.count("\n")


def test_a_rpath_wins_over_a_wrong_library_on_ld_library_path(app: Path) -> None:
    patch(app, "$ORIGIN/two/libs")
    assert run(app, LD_LIBRARY_PATH=str(app.parent / "one")) == EXPECTED.format(2)


@pytest.mark.parametrize(
    "strip", [("strip",), ("strip", "-g"), ("objcopy",), ("llvm-strip",), ("eu-strip",)], ids=" ".join
)
def test_a_patched_program_still_runs_after(strip: tuple[str, ...], app: Path) -> None:
    need(strip[0])
    patch(app, LONG)
    subprocess.run([*strip, app], check=True)
    assert run(app) == EXPECTED.format(2)
    assert print_rpath(app) == LONG


def test_eu_elflint_finds_no_more_faults_than_before(app: Path) -> None:
    program = need("eu-elflint")

    def faults() -> int:
        done = subprocess.run([program, "--gnu-ld", app], capture_output=True, text=True, check=False)
        return len([line for line in done.stdout.splitlines() if line and line != "No errors"])

    before = faults()
    patch(app, LONG)
    assert faults() <= before


@pytest.mark.parametrize("layout", ["mold", "mold fixed"])
def test_symbols_that_stand_for_sections_follow_them(layout: str, tmp_path: Path) -> None:
    app = make_program(tmp_path, *LAYOUTS[layout])
    edit(
        app,
        Edits(
            LONG,
            interpreter="/lib64/../lib64/../lib64/ld-linux-x86-64.so.2",
            added=[f"lib{number}.so" for number in range(9)],
        ),
    )
    with app.open("rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        symbols = [symbol for symbol in table.iter_symbols() if symbol["st_info"]["type"] == "STT_SECTION"]
        sections = [(elf.get_section(symbol["st_shndx"]), symbol["st_value"]) for symbol in symbols]
        assert {".dynstr", ".interp", ".dynamic"} <= {section.name for section, _ in sections}
        assert [section.name for section, value in sections if value != section["sh_addr"]] == []


def test_a_hundred_growing_edits_keep_working_and_waste_nothing(app: Path) -> None:
    sizes = []
    for number in range(1, 101):
        patch(app, "$ORIGIN/two/libs" + ":$ORIGIN/again" * number)
        sizes.append(app.stat().st_size)
    assert run(app) == EXPECTED.format(2)
    # All that may be added after the first is the text itself, and once the table and the zeros.
    assert sizes[-1] - sizes[0] < 20480 + 2 * 100 * len(":$ORIGIN/again") + 8192
    assert app.read_bytes().count(b"$ORIGIN/two/libs") == 1


def test_edits_to_and_fro_do_not_grow_the_file_for_ever(app: Path) -> None:
    patch(app, LONG)
    patch(app, "$ORIGIN/one")
    patch(app, LONG + ":$ORIGIN/more")
    size = app.stat().st_size
    for _ in range(20):
        patch(app, "$ORIGIN/two/libs")
        patch(app, LONG + ":$ORIGIN/more")
    assert app.stat().st_size == size
    assert run(app) == EXPECTED.format(2)


def test_the_same_edits_change_nothing_the_second_time(app: Path) -> None:
    patch(app, LONG)
    with app.open("rb") as file:
        assert plan_patch(file, read_image(file), Edits(LONG)) is None


def test_a_removed_search_path_leaves_no_trace(app: Path) -> None:
    done = patch(app, None)
    assert done.tier is Tier.T0
    image = image_of(app)
    assert (image.rpath, image.runpath) == (None, None)
    assert b"$ORIGIN/one" not in app.read_bytes()
    assert run(app, LD_LIBRARY_PATH=str(app.parent / "two/libs")) == EXPECTED.format(2)


def test_a_grown_search_path_leaves_no_trace_of_the_old_one(app: Path) -> None:
    patch(app, LONG)
    assert b"$ORIGIN/one" not in app.read_bytes()


def test_a_program_without_a_search_path_gets_one(app: Path) -> None:
    patch(app, "")
    assert image_of(app).rpath is None
    patch(app, LONG)
    assert run(app) == EXPECTED.format(2)


@pytest.mark.parametrize("layout", ["pie", "lld", "gold", "no spare tags"])
def test_a_program_that_never_had_a_search_path_gets_one(layout: str, tmp_path: Path) -> None:
    make_program(tmp_path, *LAYOUTS["pie"])
    flags = [flag for flag in LAYOUTS[layout] if "rpath" not in flag]
    app = compile_c(PROGRAM, tmp_path / "bare", *flags, str(tmp_path / "one/libwhich.so"))
    assert image_of(app).runpath is None
    patch(app, LONG)
    assert run(app) == EXPECTED.format(2)


def test_without_a_spare_tag_the_dynamic_section_moves(tmp_path: Path) -> None:
    make_program(tmp_path, *LAYOUTS["pie"])
    flags = LAYOUTS["no spare tags"]
    app = compile_c(PROGRAM, tmp_path / "bare", *flags, str(tmp_path / "one/libwhich.so"))
    old = readelf("-s", app)
    done = patch(app, LONG)
    assert done.tier is Tier.T2
    assert ".dynamic" in done.explanation
    dynamic = next(segment for segment in image_of(app).segments if segment.type == 2)
    symbols = [line.split() for line in readelf("-s", app).splitlines() if line.endswith(" _DYNAMIC")]
    assert [int(symbol[1], 16) for symbol in symbols] == [dynamic.vaddr]
    assert len(old.splitlines()) == len(readelf("-s", app).splitlines())
    subprocess.run([need("strip"), app], check=True)
    assert run(app) == EXPECTED.format(2)


def test_a_shorter_search_path_is_written_in_place(pie: Path) -> None:
    size = pie.stat().st_size
    done = patch(pie, "$ORIGIN/o")
    assert done.tier is Tier.T0
    assert pie.stat().st_size == size
    assert b"$ORIGIN/one" not in pie.read_bytes()
    assert image_of(pie).rpath == "$ORIGIN/o"


def test_a_runpath_becomes_a_rpath_by_its_tag_alone(pie: Path) -> None:
    old = pie.read_bytes()
    assert image_of(pie).runpath == "$ORIGIN/one"
    assert patch(pie, "$ORIGIN/one").tier is Tier.T0
    assert sum(a != b for a, b in zip(old, pie.read_bytes(), strict=True)) == 1
    assert (image_of(pie).rpath, image_of(pie).runpath) == ("$ORIGIN/one", None)


def test_a_symbol_that_is_the_tail_of_the_search_path_keeps_its_name(tmp_path: Path) -> None:
    make_program(tmp_path, *LAYOUTS["pie"])
    flags = ("-pie", "-fPIE", "-rdynamic", "-Wl,-rpath,$ORIGIN/one:$ORIGIN/lib")
    app = compile_c(PROGRAM, tmp_path / "shared", *flags, str(tmp_path / "one/libwhich.so"))
    symbols = [line.split()[-1] for line in readelf("--dyn-syms", app).splitlines()[4:]]
    assert "lib" in symbols
    assert app.read_bytes().count(b"\0lib\0") == 1  # the one in .strtab: the other is the path's tail
    patch(app, "$ORIGIN/two/libs")
    assert [line.split()[-1] for line in readelf("--dyn-syms", app).splitlines()[4:]] == symbols
    assert run(app) == EXPECTED.format(2)
    assert b"$ORIGIN/one" not in app.read_bytes()
    patch(app, "$ORIGIN/x/lib")
    assert [line.split()[-1] for line in readelf("--dyn-syms", app).splitlines()[4:]] == symbols


@pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
def test_an_absolute_needed_name_becomes_its_base_name(versioned: bool, tmp_path: Path) -> None:
    script = tmp_path / "versions"
    script.write_text("VERS_1 { global: which; local: *; };\n")
    flags = [f"-Wl,--version-script={script}"] if versioned else []
    library = make_library(tmp_path / "build place/libwhich.so", 1, *flags)
    app = compile_c(PROGRAM, tmp_path / "app", "-pie", "-fPIE", str(library))
    assert image_of(app).needed[0] == str(library)
    library.rename(tmp_path / "libwhich.so")
    done = patch(app, needed={str(library): "libwhich.so"})
    assert done.tier is Tier.T0
    assert image_of(app).needed[0] == "libwhich.so"
    assert b"build place" not in app.read_bytes().replace(b".debug", b"")
    patch(app, "$ORIGIN")
    assert run(app) == EXPECTED.format(1)


def test_all_edits_of_a_file_are_one_patch(tmp_path: Path) -> None:
    library = make_library(tmp_path / "build place/libwhich.so", 1)
    app = compile_c(PROGRAM, tmp_path / "app", "-pie", "-fPIE", str(library))
    library.rename(tmp_path / "another-name.so")
    patch(app, "$ORIGIN/x:$ORIGIN", {str(library): "another-name.so"})
    assert run(app) == EXPECTED.format(1)
    assert image_of(app).needed[0] == "another-name.so"


def test_a_patched_library_is_loaded_and_finds_its_own(tmp_path: Path) -> None:
    inner = make_library(tmp_path / "deep/er/libwhich.so", 1, "-Wl,-soname,libwhich.so")
    outer_source = "int which(void); int outer(void) { return which() + 40; }"
    flags = ("-shared", "-fPIC", "-Wl,-soname,libouter.so", "-Wl,--no-as-needed")
    outer = compile_c(outer_source, tmp_path / "libouter.so", *flags, str(inner))
    main = '#include <stdio.h>\nint outer(void); int main(void) { return printf("%d\\n", outer()) < 0; }'
    app = compile_c(main, tmp_path / "app", "-Wl,-rpath,$ORIGIN", f"-Wl,-rpath-link,{inner.parent}", str(outer))
    assert "cannot open" in run(app)
    patch(outer, "$ORIGIN/deep/er")
    assert run(app) == "41\n"
    subprocess.run([need("strip"), outer], check=True)
    assert run(app) == "41\n"


def test_a_payload_behind_the_program_stays_whole(pie: Path) -> None:
    payload = b"PAYLOAD" * 1000
    pie.write_bytes(pie.read_bytes() + payload)
    patch(pie, LONG)
    assert pie.read_bytes().endswith(payload)
    assert run(pie) == EXPECTED.format(2)
    for number in range(1, 10):  # until no slack is left
        whole = pie.read_bytes()
        try:
            patch(pie, LONG + ":" + "y" * 1000 * number)
        except PayloadInTheWay as error:
            assert f"{len(payload)} bytes follow" in error.message
            break
    else:
        pytest.fail("the payload never was in the way")
    assert pie.read_bytes() == whole
    assert run(pie) == EXPECTED.format(2)


def test_padding_behind_the_program_is_no_payload(pie: Path) -> None:
    pie.write_bytes(pie.read_bytes() + bytes(100))
    assert patch(pie, "$ORIGIN/two/libs:" + "y" * 6000).tier is Tier.T2
    assert run(pie) == EXPECTED.format(2)


def test_a_program_without_section_headers_is_patched(app: Path) -> None:
    data = bytearray(app.read_bytes())
    data[0x28:0x30] = bytes(8)  # e_shoff
    data[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    end = max(segment.offset + segment.filesz for segment in image_of(app).segments)
    app.write_bytes(
        data[:end]
    )  # as `llvm-strip --strip-sections` does: what no segment has cannot be told from a payload
    patch(app, LONG)
    assert run(app) == EXPECTED.format(2)
    assert image_of(app).rpath == LONG


def test_a_program_that_patchelf_grew_can_be_grown_again(app: Path) -> None:
    patchelf = need("patchelf")
    subprocess.run([patchelf, "--force-rpath", "--set-rpath", "$ORIGIN/" + "w" * 300, app], check=True)
    patch(app, LONG + ":" + "v" * 500)
    assert run(app) == EXPECTED.format(2)
    subprocess.run([patchelf, "--set-rpath", "$ORIGIN/two/libs:" + "u" * 3000, app], check=True)
    patch(app, LONG + ":" + "v" * 5000)
    assert run(app) == EXPECTED.format(2)


def test_empty_elements_are_not_written(pie: Path) -> None:
    patch(pie, ":$ORIGIN/two/libs::$ORIGIN/x:")
    assert image_of(pie).rpath == "$ORIGIN/two/libs:$ORIGIN/x"


def test_a_nul_in_a_string_is_refused(pie: Path) -> None:
    with pytest.raises(CannotPatch, match="NUL"):
        plan(pie, "$ORIGIN/\0x")


def test_a_static_program_is_left_alone_or_refused(tmp_path: Path) -> None:
    app = compile_c("int main(void) { return 0; }", tmp_path / "app", "-static")
    with app.open("rb") as file:
        assert image_of(app).dynamic is None
        assert plan_patch(file, image_of(app), Edits(None)) is None
        with pytest.raises(CannotPatch, match="static"):
            plan_patch(file, image_of(app), Edits("$ORIGIN"))


def test_a_name_that_is_not_utf8_survives(pie: Path) -> None:
    name = b"$ORIGIN/two/libs:$ORIGIN/\xff\xfe".decode("utf-8", "surrogateescape")
    patch(pie, name)
    assert image_of(pie).rpath == name
    assert run(pie) == EXPECTED.format(2)
