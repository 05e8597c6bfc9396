"""dyld's rules, each shown by files that lie where only that rule finds them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from bundler.binaries.macho import constants as c
from bundler.binaries.macho import read_image
from bundler.systems.macos.dyld import LoadedImage, candidates, is_system, resolve_all
from tests.binaries.macho.samples import make_sample


def image(path: str, names: Sequence[str] = (), rpaths: Sequence[str] = (), filetype: int = c.MH_DYLIB) -> LoadedImage:
    data = make_sample(
        dylibs=[(c.LC_LOAD_DYLIB, name) for name in names],
        rpaths=rpaths,
        filetype=filetype,
        install_name=path if filetype == c.MH_DYLIB else None,
    )
    return LoadedImage(path, read_image(io.BytesIO(data)))


def program(names: Sequence[str] = (), rpaths: Sequence[str] = ()) -> LoadedImage:
    return image("/app/bin/python3", names, rpaths, c.MH_EXECUTE)


def found(
    starts: Sequence[LoadedImage],
    others: Sequence[LoadedImage] = (),
    main: LoadedImage | None = None,
    libpython: LoadedImage | None = None,
) -> Mapping[str, Mapping[str, str | None]]:
    main = main or program()
    files = {item.path: item for item in (*starts, *others, main)}
    resolved = resolve_all(starts, main, libpython, files.get)
    return {
        path: {name: item.path if item else None for name, item in needs.items()} for path, needs in resolved.items()
    }


def test_loader_path_is_the_folder_of_the_file_that_asks() -> None:
    module = image("/app/lib/m.so", ["@loader_path/../x/liba.dylib"], filetype=c.MH_BUNDLE)
    assert found([module], [image("/app/x/liba.dylib")])["/app/lib/m.so"] == {
        "@loader_path/../x/liba.dylib": "/app/x/liba.dylib"
    }


def test_executable_path_is_the_folder_of_the_program() -> None:
    module = image("/app/lib/m.so", ["@executable_path/../lib/liba.dylib"], filetype=c.MH_BUNDLE)
    needs = found([module], [image("/app/lib/liba.dylib")])
    assert list(needs["/app/lib/m.so"].values()) == ["/app/lib/liba.dylib"]


def test_rpaths_of_the_asking_file_come_before_those_of_the_program() -> None:
    module = image("/app/lib/m.so", ["@rpath/liba.dylib"], ["@loader_path/own"], c.MH_BUNDLE)
    main = program(rpaths=["@executable_path/../lib"])
    both = [image("/app/lib/liba.dylib"), image("/app/lib/own/liba.dylib")]
    assert found([module], both, main)["/app/lib/m.so"]["@rpath/liba.dylib"] == "/app/lib/own/liba.dylib"
    assert found([module], both[:1], main)["/app/lib/m.so"]["@rpath/liba.dylib"] == "/app/lib/liba.dylib"


def test_a_library_inherits_the_rpaths_of_what_loads_it() -> None:
    module = image("/app/lib/m.so", ["@loader_path/liba.dylib"], ["@loader_path/deep"], c.MH_BUNDLE)
    liba = image("/app/lib/liba.dylib", ["@rpath/libb.dylib"])
    libb = image("/app/lib/deep/libb.dylib")
    needs = found([liba, module], [libb])
    assert needs["/app/lib/liba.dylib"]["@rpath/libb.dylib"] == "/app/lib/deep/libb.dylib"
    # By itself it finds nothing: its own program has no such path.
    assert found([liba], [libb])["/app/lib/liba.dylib"]["@rpath/libb.dylib"] is None


def test_python_opens_modules_from_libpython_whose_rpaths_count() -> None:
    module = image("/app/lib/m.so", ["@rpath/liba.dylib"], filetype=c.MH_BUNDLE)
    libpython = image("/app/lib/libpython.dylib", rpaths=["@loader_path/of-libpython"])
    liba = image("/app/lib/of-libpython/liba.dylib")
    assert found([module], [liba, libpython], libpython=libpython)["/app/lib/m.so"]["@rpath/liba.dylib"] == liba.path
    assert found([module], [liba, libpython])["/app/lib/m.so"]["@rpath/liba.dylib"] is None


def test_another_program_does_not_get_pythons_rpaths() -> None:
    tool = image("/app/bin/tool", ["@rpath/liba.dylib"], filetype=c.MH_EXECUTE)
    main = program(rpaths=["/app/lib"])
    assert found([tool], [image("/app/lib/liba.dylib")], main)["/app/bin/tool"]["@rpath/liba.dylib"] is None


def test_the_systems_libraries_are_not_looked_for() -> None:
    asked = [
        "/usr/lib/libSystem.B.dylib",
        "/System/Library/Frameworks/Cocoa.framework/Cocoa",
        "/usr/libexec/liba.dylib",
    ]
    assert [is_system(name) for name in asked] == [True, True, False]
    module = image("/app/m.so", asked, filetype=c.MH_BUNDLE)
    assert found([module])["/app/m.so"] == {"/usr/libexec/liba.dylib": None}


def test_an_absolute_name_falls_back_to_usr_local_lib() -> None:
    main = program()
    assert list(candidates("/opt/x/liba.dylib", (main,))) == ["/opt/x/liba.dylib", "/usr/local/lib/liba.dylib"]
    assert list(candidates("liba.dylib", (main,))) == ["/usr/local/lib/liba.dylib"]
    assert list(candidates("@rpath/liba.dylib", (main,))) == []


def test_libraries_that_ask_for_each_other_come_to_an_end() -> None:
    one = image("/app/lib/one.dylib", ["@loader_path/two.dylib"])
    two = image("/app/lib/two.dylib", ["@loader_path/one.dylib"])
    assert set(found([one, two])) == {"/app/lib/one.dylib", "/app/lib/two.dylib"}
