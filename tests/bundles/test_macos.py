"""Environments of macOS are packed on any machine. What cannot be run here is proved by reading: every name that dyld would
resolve leads into the bundle or to the system, and every signature is true."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bundler import pack, verify
from bundler.binaries.macho import Edits, read_image
from bundler.binaries.macho import constants as c
from bundler.contents import FileKind, Place, read_contents
from bundler.errors import NoHeaderRoom
from bundler.floor import highest
from bundler.options import ContentOptions, PackOptions
from bundler.report import PackReport
from tests.binaries.macho.patching import judge
from tests.binaries.macho.samples import make_sample
from tests.binaries.macho.verifier import slices_of
from tests.binaries.macho.verifier import verify as verify_signature
from tests.material import macos
from tests.material.interpreters import pyenv_pythons
from tests.material.macos import VERSION, Mac, Parts, binaries_below

WHEELS = (("orjson==3.13.0", "macosx_10_15_universal2"), ("pillow==13.0.0", "macosx_11_0_arm64"))
LAYOUTS: dict[str, Callable[[Parts, Path], Mac]] = {
    "framework": macos.framework,
    "homebrew": macos.homebrew,
    "standalone": macos.standalone,
}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    python = next((python for python in pyenv_pythons() if python.version == VERSION), None)
    if python is None:
        pytest.skip(f"needs a Python {VERSION} of pyenv, for its standard library")
    return Parts(python, tmp_path_factory.mktemp("parts"))


@pytest.fixture(
    scope="module", params=["framework", "standalone", pytest.param("homebrew", marks=pytest.mark.everything)]
)
def mac(request: pytest.FixtureRequest, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Mac:
    made = LAYOUTS[request.param](parts, tmp_path_factory.mktemp(request.param) / "root")
    for requirement, platform in WHEELS:
        macos.install(made, requirement, platform)
    macos.add_script(made, "hello", "print('hello')\n")
    return made


def options(mac: Mac, **content: object) -> PackOptions:
    return PackOptions(root=str(mac.root), content=ContentOptions(**content))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def packed(mac: Mac, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PackReport]:
    out = tmp_path_factory.mktemp("packed") / "app"
    return out, pack(mac.venv, str(out), options(mac))


def names_and_paths(path: Path) -> list[tuple[str, list[str], list[str]]]:
    """By LIEF: of each slice its kind, the libraries that it asks for, and its search paths."""
    lief = pytest.importorskip("lief", reason="needs lief (pip install lief)")
    found = []
    whole = lief.MachO.parse(str(path))  # what is in it lives only as long as this
    for binary in whole:
        asked = [library.name for library in binary.libraries if library.command.name != "ID_DYLIB"]
        found.append((binary.header.file_type.name, asked, [rpath.path for rpath in binary.rpaths]))
    return found


class TestBundle:
    """What a bundle is, whatever it was made of."""

    def test_no_fault_is_found(self, packed: tuple[Path, PackReport]) -> None:
        out, report = packed
        assert report.audit is not None
        assert report.audit.faults == ()
        assert verify(str(out)).faults == ()

    def test_every_name_leads_into_the_bundle_or_to_the_system(self, packed: tuple[Path, PackReport]) -> None:
        out, _ = packed
        checked = 0
        for path in binaries_below(out):
            for _, asked, rpaths in names_and_paths(path):
                for name in asked:
                    if name.startswith(("/usr/lib/", "/System/")):
                        continue
                    starts = rpaths if name.startswith("@rpath/") else [name.partition("/")[0]]
                    places = [
                        Path(
                            start.replace("@loader_path", str(path.parent)).replace(
                                "@executable_path", str(out / "bin")
                            ),
                            name.partition("/")[2],
                        )
                        for start in starts
                    ]
                    inside = [Path(os.path.realpath(place)) for place in places if place.is_file()]
                    assert inside, (path, name)
                    assert inside[0].is_relative_to(os.path.realpath(out))
                    checked += 1
                assert not any(rpath.startswith("/") for rpath in rpaths), path
        assert checked > 20

    def test_every_signature_is_true_by_another_verifier(self, packed: tuple[Path, PackReport]) -> None:
        out, report = packed
        changed = [item.path for item in report.manifest.changed if (out / item.path) in set(binaries_below(out))]
        assert len(changed) >= 8
        for path in changed:
            judge(out / path)
            for one in slices_of((out / path).read_bytes()):
                assert verify_signature(one) is not None

    def test_the_interpreter_is_a_real_file_with_its_library_beside_it(self, packed: tuple[Path, PackReport]) -> None:
        out, _ = packed
        python = out / f"bin/python{VERSION}"
        assert python.is_file()
        assert not python.is_symlink()
        library = out / "Python" if (out / "Python").exists() else out / f"lib/libpython{VERSION}.dylib"
        assert library.is_file()
        with library.open("rb") as file:
            assert {part.install_name for part in read_image(file).slices} == {f"@rpath/{library.name}"}
        assert (out / f"lib/python{VERSION}/os.py").is_file()
        assert not list(out.rglob("_CodeSignature"))

    def test_a_framework_s_stub_is_not_taken_for_the_interpreter(
        self, mac: Mac, packed: tuple[Path, PackReport]
    ) -> None:
        _, report = packed
        origin = report.manifest.files[f"bin/python{VERSION}"].origin
        within_framework = "base:Resources/Python.app/Contents/MacOS/Python"
        assert (origin == within_framework) == (mac.path(f"{mac.prefix}/Resources").exists())

    def test_libraries_of_the_host_come_along(self, packed: tuple[Path, PackReport]) -> None:
        out, report = packed
        names = {"libssl.3.dylib", "libcrypto.3.dylib", "libncurses.6.dylib", "libpanel.6.dylib"}
        assert {path.name for path in (out / "lib/bundled").iterdir()} == names
        assert {fact.path for fact in report.manifest.bundled} == {f"lib/bundled/{name}" for name in names}

    def test_what_needs_no_change_keeps_every_byte(self, mac: Mac, packed: tuple[Path, PackReport]) -> None:
        out, report = packed
        changed = {item.path for item in report.manifest.changed}
        source = mac.path(mac.venv)
        same = 0
        for path in binaries_below(out):
            below = path.relative_to(out)
            if str(below) not in changed and (source / below).is_file():
                assert path.read_bytes() == (source / below).read_bytes()
                same += 1
        assert same >= 10  # Pillow's libraries find each other by themselves

    def test_homebrews_sitecustomize_stays_behind(self, packed: tuple[Path, PackReport]) -> None:
        assert not list(packed[0].rglob("sitecustomize.py"))

    def test_the_report_tells_the_minimum_macos_and_who_sets_it(self, packed: tuple[Path, PackReport]) -> None:
        from bundler.report import as_json
        from bundler.report_lines import as_lines

        report = packed[1]
        assert report.manifest.system == "darwin"
        assert any(line.startswith("needs macOS 10.15 or later") for line in as_lines(report, verbose=False))
        floor = as_json(report)["floor"]
        assert isinstance(floor, dict)
        assert floor["macos"] == "10.15"
        assert "orjson" in floor["file"]

    def test_bundle_json_names_no_place_of_this_machine(self, mac: Mac, packed: tuple[Path, PackReport]) -> None:
        text = (packed[0] / "bundle.json").read_text()
        assert str(mac.root) not in text
        assert json.loads(text)["platform"]["system"] == "darwin"

    def test_scripts_find_their_own_python(self, packed: tuple[Path, PackReport]) -> None:
        assert (packed[0] / "bin/hello").read_text().startswith("#!/bin/sh\n")


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_archives_are_equal_twice_and_keep_links_and_modes(parts: Parts, tmp_path: Path, suffix: str) -> None:
    made = macos.framework(parts, tmp_path / "root")
    macos.install(made, *WHEELS[0])
    archives = [tmp_path / f"{name}{suffix}" for name in ("one", "other")]
    for archive in archives:
        pack(made.venv, str(archive), replace(options(made, thin="arm64"), level=1))
    assert len({hashlib.sha256(archive.read_bytes()).digest() for archive in archives}) == 1
    assert verify(str(archives[0])).faults == ()
    python = f"bin/python{VERSION}"
    if suffix == ".zip":
        with zipfile.ZipFile(archives[0]) as opened:
            modes = {info.filename: info.external_attr >> 16 for info in opened.infolist()}
        assert modes["bin/python"] >> 12 == 0o12
        assert modes[python] & 0o777 == 0o755
    else:
        with tarfile.open(archives[0]) as tar:
            assert tar.getmember("bin/python").issym()
            assert tar.getmember(python).mode == 0o755


def test_a_framework_installation_is_packed_as_it_stands(parts: Parts, tmp_path: Path) -> None:
    made = macos.framework(parts, tmp_path / "root")
    report = pack(made.prefix, str(tmp_path / "app"), options(made))
    assert report.faults == 0
    program = tmp_path / "app/Resources/Python.app/Contents/MacOS/Python"
    [(_, names, _), *_] = names_and_paths(program)
    assert "@loader_path/../../../../Python" in names
    assert not list((tmp_path / "app").rglob("_CodeSignature"))
    assert (tmp_path / "app/lib/libssl.3.dylib").is_file()
    assert not (tmp_path / "app/lib/bundled").exists()


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_thin_keeps_one_architecture(parts: Parts, tmp_path: Path, architecture: str) -> None:
    made = macos.standalone(parts, tmp_path / "root")
    macos.install(made, *WHEELS[1])
    report = pack(made.venv, str(tmp_path / "app"), options(made, thin=architecture))
    assert report.faults == 0
    for path in binaries_below(tmp_path / "app"):
        with path.open("rb") as file:
            image = read_image(file)
        assert image.fat_magic is None
        assert image.architectures == (architecture,) or "PIL" in str(path)
    other = [warning for warning in report.warnings if "is not built for x86_64: it has arm64" in warning]
    assert bool(other) == (architecture == "x86_64")


class TestPlantedFaults:
    """Damage to a finished bundle is found."""

    @pytest.fixture(scope="class")
    def whole(self, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
        made = macos.framework(parts, tmp_path_factory.mktemp("faults") / "root")
        out = made.root.parent / "app"
        assert pack(made.venv, str(out), options(made)).faults == 0
        return out

    @pytest.fixture
    def bundle(self, whole: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(whole, tmp_path / "app", symlinks=True))

    def messages(self, bundle: Path) -> list[str]:
        return [f"{fault.kind.value}: {fault.path}: {fault.message}" for fault in verify(str(bundle)).faults]

    def test_a_byte_that_is_not_what_was_signed(self, bundle: Path) -> None:
        path = bundle / "Python"
        data = bytearray(path.read_bytes())
        data[200_000] ^= 1
        path.write_bytes(data)
        assert "signature: Python: a page does not have the hash that was signed" in self.messages(bundle)

    def test_a_library_that_is_gone(self, bundle: Path) -> None:
        (bundle / "lib/bundled/libcrypto.3.dylib").unlink()
        found = self.messages(bundle)
        wanted = "needs @loader_path/libcrypto.3.dylib, which is not found in the bundle"
        assert f"library: lib/bundled/libssl.3.dylib: {wanted}" in found

    def test_a_name_and_a_search_path_that_lead_out(self, bundle: Path) -> None:
        module = next(bundle.glob(f"lib/python{VERSION}/lib-dynload/_hashlib.*"))
        old = "@loader_path/../../bundled/libcrypto.3.dylib"
        macos.rewrite(module, module, Edits(dylibs={old: "/opt/x/libcrypto.3.dylib"}, add_rpaths=("/opt/y",)))
        found = self.messages(bundle)
        name = module.relative_to(bundle)
        assert f"library: {name}: needs /opt/x/libcrypto.3.dylib, which is not found in the bundle" in found
        assert f"search path: {name}: its search path leads out of the bundle: /opt/y" in found


def tight_module(made: Mac, *, room: int) -> None:
    """A module far below site-packages whose header has little room, and the library of the host that it asks for."""
    deep = made.path(made.venv) / f"lib/python{VERSION}/site-packages/some/folder/far/below"
    deep.mkdir(parents=True)
    asked = [(c.LC_LOAD_DYLIB, "/opt/l/a.dylib")]
    (deep / "tight.so").write_bytes(
        make_sample(filetype=c.MH_BUNDLE, install_name=None, dylibs=asked, rpaths=(), room=room)
    )
    made.path("/opt/l").mkdir(parents=True)
    made.path("/opt/l/a.dylib").write_bytes(make_sample(dylibs=[], install_name="/opt/l/a.dylib", room=200))


def test_a_library_without_room_is_found_by_a_shorter_name(parts: Parts, tmp_path: Path) -> None:
    made = macos.framework(parts, tmp_path / "root")
    tight_module(made, room=16)  # for the signature's command, and nothing else
    report = pack(made.venv, str(tmp_path / "app"), options(made))
    assert report.faults == 0
    module = next((tmp_path / "app").rglob("tight.so"))
    with module.open("rb") as file:
        assert [dylib.name for dylib in read_image(file).slices[0].dylibs] == ["@rpath/a.dylib"]
    program = tmp_path / f"app/bin/python{VERSION}"
    assert {rpath for _, _, rpaths in names_and_paths(program) for rpath in rpaths} == {"@loader_path/../lib/bundled"}


def test_a_library_without_room_is_told_with_the_numbers(parts: Parts, tmp_path: Path) -> None:
    made = macos.standalone(parts, tmp_path / "root")
    tight_module(made, room=8)  # not even for the signature's command
    with pytest.raises(NoHeaderRoom) as caught:
        pack(made.venv, str(tmp_path / "app"), options(made))
    assert caught.value.needed > caught.value.available
    assert "tight.so" in caught.value.message
    assert not (tmp_path / "app").exists()


def test_inspect_tells_what_each_file_needs_as_dyld_finds_it(packed: tuple[Path, PackReport]) -> None:
    out, report = packed
    contents = read_contents(out)
    users = {
        need.path: binary.path
        for binary in contents.binaries.values()
        for need in binary.needs
        if need.place is Place.BUNDLE
    }
    for fact in report.manifest.bundled:
        assert fact.path in users, fact
    assert {need.name for each in contents.binaries.values() for need in each.needs if need.place is Place.MISSING} <= {
        missing.needed for missing in report.manifest.missing
    }
    floor = report.floor
    assert floor is not None
    demands = (binary.demand for binary in contents.binaries.values() if binary.demand is not None)
    assert highest(floor.system, demands) == floor
    kinds = {item.path: item.kind for item in contents.items}
    assert kinds[report.manifest.python.executable] is FileKind.PROGRAM
    assert {kinds[fact.path] for fact in report.manifest.bundled} == {FileKind.LIBRARY}
