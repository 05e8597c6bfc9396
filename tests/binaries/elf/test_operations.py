"""Each operation, alone and together with others: what the loader then does, and that it is bounded and repeatable."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.binaries.elf import Edits, PathTag, Tier, plan_patch, read_image, search_path, version_needs
from bundler.errors import CannotPatch, ConflictingEdits, NotDynamic, Prelinked, UnwritableString
from tests.binaries.elf.patching import edit, image_of, patch, plan_edits
from tests.binaries.elf.programs import LAYOUTS, compile_c, make_library, make_program, run
from tests.material.kept import made_once
from tests.material.programs import need

INNER = "int extra(void) { return 3; } int extra_old(void) { return 4; }"
INNER_VERSIONS = "EXTRA_1 { global: extra; local: *; }; EXTRA_0 { global: extra_old; };\n"
CALLER = r"""
#include <stdio.h>
#include <math.h>
int which(void);
int extra(void) __attribute__((weak));
int extra_old(void) __attribute__((weak));
int main(int count, char **words) {
    printf("%d %d %d %.1f\n", which(), extra ? extra() : 0, extra_old ? extra_old() : 0, sqrt(count));
    return 0;
}
"""
LONG_LOADER = "/lib64/../lib64/../lib64/ld-linux-x86-64.so.2"


def make_caller(directory: Path, layout: str) -> None:
    """`caller`, which needs libwhich.so and libextra.so with two versions, and libm."""
    make_program(directory)
    script = directory / "extra-versions"
    script.write_text(INNER_VERSIONS)
    flags = ("-shared", "-fPIC", "-Wl,-soname,libextra.so", f"-Wl,--version-script={script}")
    extra = compile_c(INNER, directory / "one/libextra.so", *flags)
    libraries = (str(directory / "one/libwhich.so"), str(extra), "-Wl,--no-as-needed", "-lm")
    compile_c(CALLER, directory / "caller", "-Wl,-rpath,$ORIGIN/one", *LAYOUTS[layout], "-fPIC", *libraries)


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operations")


@pytest.fixture(params=["pie", "fixed", "gold", "lld", "lld fixed", "no spare tags", "sysv hash"])
def app(request: pytest.FixtureRequest, callers: Path, tmp_path: Path) -> Path:
    """A copy of `caller` in a layout."""
    layout: str = request.param
    made = made_once(callers / layout.replace(" ", "-"), lambda folder: make_caller(folder, layout))
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    assert run(tmp_path / "caller") == "1 3 4 1.0\n"
    return tmp_path / "caller"


def versions_of(path: Path) -> set[tuple[str, str]]:
    with path.open("rb") as file:
        return {(need.library, need.version) for need in version_needs(file, read_image(file))}


def readelf(*arguments: str | Path) -> str:
    done = subprocess.run([need("readelf"), "-W", *arguments], capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def no_new_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """eu-elflint reports nothing of a patched `app` that it did not report before."""
    if "app" not in request.fixturenames:
        yield
        return
    app: Path = request.getfixturevalue("app")
    program = need("eu-elflint")

    def faults() -> int:
        done = subprocess.run([program, "--gnu-ld", app], capture_output=True, text=True, check=False)
        return len([line for line in done.stdout.splitlines() if line and line != "No errors"])

    before = faults()
    yield
    assert faults() <= before
    readelf("-dlSV", "--dyn-syms", app)


def test_a_removed_library_is_not_loaded_and_none_of_its_versions_is_asked_for(app: Path) -> None:
    edit(app, Edits(removed=["libextra.so"]))
    assert "libextra.so" not in image_of(app).needed
    assert not any(library == "libextra.so" for library, _ in versions_of(app))
    assert any(library == "libc.so.6" for library, _ in versions_of(app))
    (app.parent / "one/libextra.so").unlink()
    assert run(app) == "1 0 0 1.0\n"
    assert "EXTRA" not in readelf("-V", "--dyn-syms", app)
    assert b"EXTRA_1" not in app.read_bytes().replace(b"extra_old@EXTRA_0", b"").replace(b"extra@EXTRA_1", b"")


def test_a_removed_symbol_version_is_bound_by_name_alone_when_the_library_comes_back(app: Path) -> None:
    edit(app, Edits(removed=["libextra.so"]))
    edit(app, Edits(added=["libextra.so"]))
    assert run(app) == "1 3 4 1.0\n"


@pytest.mark.parametrize("layout", ["pie", "gold", "lld"])
def test_with_the_last_versioned_library_its_tables_are_given_up(layout: str, tmp_path: Path) -> None:
    make_program(tmp_path)
    flags = ("-shared", "-fPIC", "-nostdlib", *(flag for flag in LAYOUTS[layout] if "ld=" in flag))
    source = "int which(void); int outer(void) { return which() + 40; }"
    outer = compile_c(source, tmp_path / "libouter.so", *flags, str(tmp_path / "one/libwhich.so"))
    assert versions_of(outer) == {("libwhich.so", "VERS_1")}
    edit(outer, Edits(removed=["libwhich.so"]))
    assert (versions_of(outer), image_of(outer).needed) == (set(), ())
    readelf("-dlSV", "--dyn-syms", outer)
    main = '#include <stdio.h>\nint outer(void); int main(void) { return printf("%d\\n", outer()) < 0; }'
    flags = ("-Wl,-rpath,$ORIGIN", "-Wl,--unresolved-symbols=ignore-in-shared-libs")
    app = compile_c(main, tmp_path / "main", *flags, str(outer))
    assert run(app, LD_PRELOAD=str(tmp_path / "two/libs/libwhich.so")) == "42\n"
    subprocess.run([need("strip"), outer], check=True)
    assert run(app, LD_PRELOAD=str(tmp_path / "two/libs/libwhich.so")) == "42\n"


def test_an_added_library_stands_behind_the_others_and_is_loaded(app: Path) -> None:
    compile_c(
        "#include <unistd.h>\n__attribute__((constructor)) void hi(void) { if (write(1, \"hi \", 3)) {} }",
        app.parent / "one/libhi.so", "-shared", "-fPIC",
    )  # fmt: skip
    old = image_of(app).needed
    edit(app, Edits(added=["libhi.so", "libm.so.6", "libhi.so"]))
    assert image_of(app).needed == (*old, "libhi.so")
    assert run(app) == "hi 1 3 4 1.0\n"


def test_a_replaced_library_takes_its_versions_along(app: Path) -> None:
    old, new = app.parent / "one/libextra.so", app.parent / "one/libextra-with-a-much-longer-name.so"
    old.rename(new)
    edit(new, Edits(soname=new.name))
    edit(app, Edits(needed={"libextra.so": new.name}))
    assert image_of(new).soname == new.name
    assert (new.name, "EXTRA_1") in versions_of(app)
    assert run(app) == "1 3 4 1.0\n"


def test_a_soname_is_set_where_there_was_none(app: Path) -> None:
    library = compile_c("int nothing;", app.parent / "plain.so", "-shared", "-fPIC")
    assert image_of(library).soname is None
    edit(library, Edits(soname="libplain.so.1"))
    edit(library, Edits(soname="libplain.so.2"))
    assert image_of(library).soname == "libplain.so.2"
    assert b"libplain.so.1" not in library.read_bytes()


@pytest.mark.parametrize("longer", [False, True], ids=["shorter", "longer"])
def test_another_interpreter_starts_the_program(longer: bool, app: Path) -> None:
    old = image_of(app).interpreter
    assert old is not None
    new = LONG_LOADER if longer else old.replace("/lib64/", "/lib/", 1)
    loader = app.parent / "loader"
    assert (edit(app, Edits(interpreter=new)).tier is Tier.T0) is not longer
    assert image_of(app).interpreter == new
    if longer:  # the shorter one is no file on every system
        assert run(app) == "1 3 4 1.0\n"
    edit(app, Edits(interpreter=str(loader)))
    with pytest.raises(FileNotFoundError):
        run(app)
    edit(app, Edits(interpreter=old))
    assert run(app) == "1 3 4 1.0\n"


def test_a_symbol_without_its_version_is_found_in_a_library_without_versions(app: Path) -> None:
    compile_c(INNER, app.parent / "two/libs/libextra.so", "-shared", "-fPIC", "-Wl,-soname,libextra.so")
    patch(app, "$ORIGIN/two/libs")
    edit(app, Edits(unversioned=["extra"]))
    assert ("libextra.so", "EXTRA_1") not in versions_of(app)
    assert ("libextra.so", "EXTRA_0") in versions_of(app)
    edit(app, Edits(unversioned=["extra_old"]))
    assert not any(library == "libextra.so" for library, _ in versions_of(app))
    assert run(app) == "2 3 4 1.0\n"


def test_a_search_path_is_converted_to_and_fro_by_a_byte(app: Path) -> None:
    path = image_of(app).runpath or image_of(app).rpath
    for tag in (PathTag.RPATH, PathTag.RUNPATH, PathTag.RPATH, PathTag.RUNPATH):
        if (image_of(app).runpath is None) is (tag is PathTag.RPATH):
            continue
        before = app.read_bytes()
        assert edit(app, Edits(rpath=path, path_tag=tag)).tier is Tier.T0
        assert sum(a != b for a, b in zip(before, app.read_bytes(), strict=True)) == 1
        image = image_of(app)
        assert (image.rpath, image.runpath) == ((path, None) if tag is PathTag.RPATH else (None, path))
    edit(app, Edits(rpath="$ORIGIN/one:$ORIGIN/x", path_tag=PathTag.RUNPATH))
    assert run(app, LD_LIBRARY_PATH=str(app.parent / "two/libs")) == "2 3 4 1.0\n"


EVERYTHING = Edits(
    rpath="$ORIGIN/one:$ORIGIN/two/libs",
    added=["libdl.so.2"],
    removed=["libm.so.6"],
    needed={"libextra.so": "libextra-renamed.so"},
    soname="caller",
    interpreter=LONG_LOADER,
    unversioned=["extra_old"],
)


def test_all_operations_together_are_one_patch_and_the_second_time_none(app: Path) -> None:
    (app.parent / "one/libextra.so").rename(app.parent / "one/libextra-renamed.so")
    edit(app.parent / "one/libextra-renamed.so", Edits(soname="libextra-renamed.so"))
    edit(app, EVERYTHING)
    image = image_of(app)
    assert (image.soname, image.interpreter, image.rpath) == ("caller", LONG_LOADER, EVERYTHING.rpath)
    assert (
        image.needed == ("libwhich.so", "libextra-renamed.so", "libc.so.6", "libdl.so.2")
        or "libm.so.6" not in image.needed
    )
    assert run(app, LD_PRELOAD="libm.so.6") == "1 3 4 1.0\n"
    with app.open("rb") as file:
        assert plan_patch(file, image, EVERYTHING) is None


def test_a_hundred_growing_edits_of_everything_do_not_grow_the_file_for_ever(app: Path) -> None:
    first = app.stat().st_size
    loader = LONG_LOADER
    for number in range(1, 101):
        loader = loader.replace("/lib64/", "/lib64//", 1)
        edit(app, Edits(
            "$ORIGIN/one" + ":$ORIGIN/again" * number, added=["libdl.so.2"], interpreter=loader,
            soname="s" * number,
        ))  # fmt: skip
    assert run(app) == "1 3 4 1.0\n"
    text = 100 * (len(":$ORIGIN/again") + 2)
    assert app.stat().st_size - first < 2 * text + 8192 + 4096


def test_edits_in_turn_do_not_grow_the_file_for_ever(app: Path) -> None:
    sizes = []
    for number in range(1, 31):
        edit(app, Edits("$ORIGIN/one" + ":$ORIGIN/again" * number))
        edit(app, Edits(interpreter="/lib64" + "/" * (30 + number) + "ld-linux-x86-64.so.2"))
        edit(app, Edits(added=[f"libm.so.{number + 10}"]))
        edit(app, Edits(removed=[f"libm.so.{number + 10}"]))
        sizes.append(app.stat().st_size)
    assert run(app) == "1 3 4 1.0\n"
    assert sizes[-1] - sizes[0] < 30 * 4 * len(":$ORIGIN/again") + 4096
    subprocess.run([need("strip"), app], check=True)
    assert run(app) == "1 3 4 1.0\n"


def test_what_is_not_there_is_not_removed_and_nothing_changes(app: Path) -> None:
    with app.open("rb") as file:
        image = read_image(file)
        for edits in (
            Edits(removed=["libnone.so"]),
            Edits(needed={"libnone.so": "libother.so"}),
            Edits(added=["libextra.so"]),
            Edits(interpreter=image.interpreter or ""),
            Edits(),
        ):
            assert plan_patch(file, image, edits) is None


@pytest.fixture(scope="module")
def pie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_program(tmp_path_factory.mktemp("pie"))


@pytest.mark.parametrize(
    "edits",
    [
        Edits(added=["a.so"], removed=["a.so"]),
        Edits(needed={"a.so": "b.so"}, removed=["a.so"]),
        Edits(needed={"a.so": "b.so"}, removed=["b.so"]),
        Edits(needed={"a.so": "b.so"}, added=["a.so"]),
        Edits(needed={"a.so": "b.so", "b.so": "a.so"}),
    ],
)
def test_edits_that_contradict_each_other_are_refused(edits: Edits, pie: Path) -> None:
    with pytest.raises(ConflictingEdits, match="shall be"):
        plan_edits(pie, edits)


@pytest.mark.parametrize(
    ("edits", "what"),
    [
        (Edits(added=[""]), "empty"),
        (Edits(soname=""), "empty"),
        (Edits(interpreter=""), "empty"),
        (Edits(added=["a\0b"]), "NUL at position 1"),
        (Edits("$ORIGIN/\0x"), "NUL at position 8"),
        (Edits(needed={"libwhich.so": "\0"}), "NUL"),
        (Edits(interpreter="/" + "x" * 4096), "4097 bytes; the kernel takes 4095"),
    ],
)
def test_strings_that_cannot_be_written_are_refused(edits: Edits, what: str, pie: Path) -> None:
    with pytest.raises(UnwritableString, match=what):
        plan_edits(pie, edits)


def test_a_colon_in_a_directory_is_refused() -> None:
    assert search_path(["$ORIGIN/a", "/b"]) == "$ORIGIN/a:/b"
    with pytest.raises(UnwritableString, match="colon"):
        search_path(["/a", "/b:c"])


def test_a_symbol_that_is_not_there_is_named(pie: Path) -> None:
    with pytest.raises(CannotPatch, match="no dynamic symbol nowhere_to_be_found"):
        plan_edits(pie, Edits(unversioned=["which", "nowhere_to_be_found"]))


def test_a_library_has_no_interpreter(pie: Path) -> None:
    with pytest.raises(NotDynamic, match="PT_INTERP"):
        plan_edits(pie.parent / "one/libwhich.so", Edits(interpreter="/lib/ld.so"))


@pytest.mark.parametrize("flags", [("-static",), ("-static-pie", "-fPIE")], ids=" ".join)
def test_a_static_program_is_refused(flags: tuple[str, ...], tmp_path: Path) -> None:
    app = compile_c("int main(void) { return 0; }", tmp_path / "app", *flags)
    for edits in (Edits("$ORIGIN"), Edits(added=["libm.so.6"]), Edits(soname="x")):
        with pytest.raises(NotDynamic, match="static"):
            plan_edits(app, edits)


def test_a_prelinked_file_only_changes_in_place(tmp_path: Path) -> None:
    from bundler.binaries.elf import constants as c
    from bundler.binaries.elf.structs import DynamicEntry, ElfClass
    from tests.binaries.elf.samples import make_sample

    path = tmp_path / "prelinked.so"
    path.write_bytes(make_sample(ElfClass.ELF64, "little", extra=(DynamicEntry(c.DT_GNU_PRELINKED, 0x5F000000),)))
    with pytest.raises(Prelinked, match=r"needs \d+ bytes and has \d+"):
        plan_edits(path, Edits("$ORIGIN/" + "x" * 200))
    assert edit(path, Edits("$ORIGIN")).tier is Tier.T0


def make_large(directory: Path, *flags: str) -> Path:
    """A program with more zeros than T2 stores (64 MiB)."""
    make_library(directory / "one/libwhich.so", 1, "-Wl,-soname,libwhich.so")
    make_library(directory / "two/libs/libwhich.so", 2, "-Wl,-soname,libwhich.so")
    source = """
#include <stdio.h>
int which(void);
static char zeros[66 << 20];
int main(int count, char **words) {
    int dirty = 0;
    for (unsigned i = 0; i < sizeof zeros; i += 512) dirty |= zeros[i];
    zeros[count + 66666666] = 7;
    return printf("%d %d\\n", which(), dirty) < 0;
}
"""
    return compile_c(source, directory / "app", "-Wl,-rpath,$ORIGIN/one", *flags, str(directory / "one/libwhich.so"))


@pytest.mark.parametrize("layout", ["pie", "fixed", "gold", "lld", "lld fixed", "no spare tags"])
def test_a_new_segment_is_the_last_resort(layout: str, tmp_path: Path) -> None:
    app = make_large(tmp_path, *LAYOUTS[layout])
    text = "$ORIGIN/two/libs:$ORIGIN/" + "y" * 5000
    done = edit(app, Edits(text, interpreter=LONG_LOADER))
    assert done.tier is Tier.T3
    assert [reason[:2] for reason in done.reasons] == ["T0", "T1", "T2"]
    assert "must not be stripped" in done.explanation
    assert run(app) == "2 0\n"
    image = image_of(app)
    new = image.segments[-1]
    header = next(segment for segment in image.segments if segment.type == 6)
    first = next(segment for segment in image.segments if segment.type == 1)
    assert (header.offset, header.vaddr) == (new.offset, new.vaddr)
    assert new.vaddr - first.vaddr == new.offset - first.offset, "kernels before 5.18 find the headers"
    assert app.stat().st_blocks * 512 < 10 << 20, "the zeros are a hole"
    readelf("-dlSV", "--dyn-syms", app)
    size = app.stat().st_size
    for number in range(1, 11):
        assert edit(app, Edits(text + "z" * number, added=[f"libm.so.{number + 20}"])).tier is Tier.T2
    assert edit(app, Edits(removed=[f"libm.so.{number + 20}" for number in range(1, 11)]))
    assert run(app) == "2 0\n"
    assert app.stat().st_size - size < 8192


def test_a_library_gets_a_new_segment_without_a_hole(tmp_path: Path) -> None:
    library = compile_c(
        "static char zeros[100 << 20]; int which(void) { return ++zeros[77777777] + 5; }",
        tmp_path / "libwhich.so", "-shared", "-fPIC", "-Wl,-soname,libwhich.so",
    )  # fmt: skip
    main = '#include <stdio.h>\nint which(void); int main(void) { return printf("%d\\n", which()) < 0; }'
    app = compile_c(main, tmp_path / "app", "-Wl,-rpath,$ORIGIN", str(library))
    size = library.stat().st_size
    assert edit(library, Edits("$ORIGIN/" + "y" * 5000)).tier is Tier.T3
    assert library.stat().st_size - size < 16384
    assert run(app) == "6\n"
