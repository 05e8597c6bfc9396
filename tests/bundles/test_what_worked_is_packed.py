"""Promise 9: what worked in the source is packed, with a warning where it deserves one; what cannot be packed is named."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.material.environments import SLIM, bundler, empty_environment, pack, run
from tests.material.isolation import hidden
from tests.material.programs import need
from tests.material.snapshots import snapshot


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A small environment of one's own, to be spoiled."""
    return empty_environment(tmp_path / "env")


def packages(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


def compile_c(source: str, out: Path, *options: str | Path) -> Path:
    need("gcc")
    file = out.parent / "source.c"
    file.write_text(source)
    run(["gcc", "-shared", "-fPIC", "-o", out, file, *options])
    file.unlink()
    return out


def warnings(done: subprocess.CompletedProcess[str]) -> list[str]:
    found = json.loads(done.stdout)["warnings"]
    assert isinstance(found, list)
    return found


def test_a_library_that_is_found_nowhere_is_a_warning_with_who_needs_it(environment: Path, tmp_path: Path) -> None:
    lost = compile_c("int lost(void) { return 1; }", tmp_path / "liblost.so.7", "-Wl,-soname,liblost.so.7")
    compile_c("extern int lost(void); int f(void) { return lost(); }", packages(environment) / "optional.so", lost)
    lost.unlink()
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "bundle", "-v"])
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("warning: ") and "liblost.so.7" in line]
    assert len(said) == 1
    assert "site-packages/optional.so" in said[0]
    assert "liblost.so.7" in (tmp_path / "bundle/bundle.json").read_text()
    assert bundler(["verify", tmp_path / "bundle"]).returncode == 0


def test_two_different_libraries_of_one_name_both_come_along(environment: Path, tmp_path: Path) -> None:
    places = []
    for number in (1, 2):
        place = tmp_path / f"host{number}"
        place.mkdir()
        library = compile_c(
            f"int which(void) {{ return {number}; }}", place / "libsame.so.1", "-Wl,-soname,libsame.so.1"
        )
        module = packages(environment) / f"user{number}.so"
        compile_c("extern int which(void); int ask(void) { return which(); }", module, library, f"-Wl,-rpath,{place}")
        places.append(place)
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "bundle", "--json"])
    assert done.returncode == 0, done.stderr
    assert [text for text in map(str, warnings(done)) if "libsame.so.1" in text] != []
    for number in (1, 2):
        code = f"import ctypes, site; print(ctypes.CDLL(site.getsitepackages()[0] + '/user{number}.so').ask())"
        ran = hidden([*places, environment], [tmp_path / "bundle/bin/python", "-c", code])
        assert ran.stdout.strip() == str(number), ran.stderr


def test_a_library_of_a_wheel_is_an_elf_file_whatever_its_name_ends_in(environment: Path, tmp_path: Path) -> None:
    """What a wheel's own library needs is brought along, too: here one of the host's, found through a search path."""
    host = tmp_path / "host"
    host.mkdir()
    folder = packages(environment) / "wheel.libs"
    folder.mkdir()
    names = ("libown.so", "libown.so.1", "libown-1a2b3c.so.1.2.11", "libown.so.1.in")
    for number, name in enumerate(names):
        needed = f"libbelow{number}.so.3"
        below = compile_c(f"int below(void) {{ return {number}; }}", host / needed, f"-Wl,-soname,{needed}")
        source = "extern int below(void); int own(void) { return below(); }"
        compile_c(source, folder / name, below, f"-Wl,-rpath,{host}")
    pack(environment, tmp_path / "bundle", *SLIM)
    for number, name in enumerate(names):
        assert (tmp_path / f"bundle/lib/bundled/libbelow{number}.so.3").exists()
        target = packages(tmp_path / "bundle") / "wheel.libs" / name
        code = f"import ctypes; print(ctypes.CDLL({str(target)!r}).own())"
        done = hidden([host, environment], [tmp_path / "bundle/bin/python", "-c", code])
        assert done.stdout.strip() == str(number), (name, done.stderr)


def test_links_that_lead_out_become_what_they_mean_and_others_stay_links(environment: Path, tmp_path: Path) -> None:
    folder = packages(environment)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/data.txt").write_text("outside\n")
    (folder / "inside.txt").write_text("inside\n")
    links = {
        "to_file": tmp_path / "outside/data.txt",
        "to_folder": tmp_path / "outside",
        "to_neighbour": Path("inside.txt"),
        "absolute_inside": folder / "inside.txt",
        "to_environment": environment,
        "to_parent": Path(".."),
        "dangling": Path("/nowhere/at/all"),
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    done = pack(environment, tmp_path / "bundle", *SLIM, "--json")
    packed = packages(tmp_path / "bundle")
    originals = [tmp_path / "outside", environment]
    assert hidden(originals, ["cat", packed / "to_file", packed / "to_folder/data.txt"]).stdout == "outside\noutside\n"
    assert not (packed / "to_file").is_symlink()
    assert not (packed / "to_folder").is_symlink()
    assert os.readlink(packed / "to_neighbour") == os.readlink(packed / "absolute_inside") == "inside.txt"
    assert os.path.realpath(packed / "to_environment") == os.path.realpath(tmp_path / "bundle")
    assert os.readlink(packed / "to_parent") == ".."
    assert not os.path.lexists(packed / "dangling")
    assert ["/nowhere/at/all" in text for text in map(str, warnings(done))].count(True) == 1


def test_pipes_sockets_and_set_id_bits_stay_behind_with_a_warning_each(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = packages(environment)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as end, monkeypatch.context() as here:
        here.chdir(folder)  # a socket's name may have 108 bytes only
        end.bind("socket")
    (folder / "tool").write_text("#!/bin/sh\n")
    (folder / "tool").chmod(0o6755)
    done = pack(environment, tmp_path / "bundle", *SLIM, "--json")
    packed = packages(tmp_path / "bundle")
    assert not os.path.lexists(packed / "pipe")
    assert not os.path.lexists(packed / "socket")
    assert (packed / "tool").stat().st_mode & 0o7777 == 0o755
    said = " ".join(map(str, warnings(done)))
    assert "site-packages/pipe" in said
    assert "site-packages/socket" in said
    assert "site-packages/tool" in said


def test_names_that_are_no_text_survive_in_a_tree_and_an_archive(environment: Path, tmp_path: Path) -> None:
    names = [b"latin-\xe9.txt", b"new\nline.txt", b"-dash", b"back\\slash", "\N{SNOWMAN}".encode()]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(packages(environment)), name))).write_text("here")
    pack(environment, tmp_path / "bundle", *SLIM)
    assert set(os.listdir(os.fsencode(packages(tmp_path / "bundle")))) >= set(names)
    pack(environment, tmp_path / "bundle.tar.gz", *SLIM, "--level", "1")
    (tmp_path / "unpacked").mkdir()
    run(["tar", "xzf", tmp_path / "bundle.tar.gz", "-C", tmp_path / "unpacked"])
    assert set(os.listdir(os.fsencode(packages(tmp_path / "unpacked")))) >= set(names)
    assert bundler(["verify", tmp_path / "unpacked"]).returncode == 0


def test_a_library_left_to_the_host_is_not_brought(environment: Path, tmp_path: Path) -> None:
    name = "libreadline.so.8"
    pack(environment, tmp_path / "with", *SLIM, "--no-verify")
    if not (tmp_path / "with/lib/bundled" / name).exists():
        pytest.skip(f"this Python does not use {name}")
    done = pack(environment, tmp_path / "bundle", *SLIM, "--exclude-lib", name, "--json")
    assert not (tmp_path / "bundle/lib/bundled" / name).exists()
    assert name not in json.dumps(json.loads(done.stdout).get("notes", []))


def test_an_environment_that_is_spoiled_in_several_ways_tells_them_all_and_is_left_alone(
    environment: Path, tmp_path: Path
) -> None:
    folder = packages(environment)
    (folder / "__editable__.hooked-1.0.pth").write_text("import __editable___hooked_1_0_finder; pass\n")
    (folder / "__editable___hooked_1_0_finder.py").write_text("# of a form that nobody knows")
    (folder / "_gone_editable_loader.py").write_text("install('gone', {'gone'}, '/nowhere/build', ['ninja'], False)\n")
    (folder / "gone-editable.pth").write_text("import _gone_editable_loader\n")
    (tmp_path / "elsewhere").mkdir()
    (folder / "old-style.egg-link").write_text(f"{tmp_path}/elsewhere\n.")
    before = snapshot(environment)
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "bundle"])
    assert done.returncode == 1
    for word in ("hooked", "old-style", str(tmp_path / "elsewhere"), "/nowhere/build"):
        assert word in done.stderr, word
    assert not os.path.lexists(tmp_path / "bundle")
    assert snapshot(environment) == before
