"""An environment of musl: its bundle runs in a root with musl, and with its own one in an empty root and on glibc."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.bundles.test_own_libc import PROCESSES, SEES, empty_root
from tests.material.environments import bundler, clean, pack, run, tool
from tests.material.isolation import hidden, in_root
from tests.material.musl import LOADER, VERSION, musl_python, musl_root

pytestmark = pytest.mark.everything

WHEELS = ("numpy", "cffi", "lxml")
USES = f"""
import ctypes, ctypes.util, zlib, cffi, lxml.etree, numpy
assert numpy.linalg.inv(numpy.eye(3) * 2)[0][0] == 0.5
assert lxml.etree.fromstring("<a>b</a>").text == "b"
assert cffi.FFI().sizeof("long") == ctypes.sizeof(ctypes.c_long)
assert zlib.decompress(zlib.compress(b"a")) == b"a"
assert ctypes.CDLL(ctypes.util.find_library("z")).zlibVersion
try:
    ctypes.CDLL("libnowhere.so.1")
except OSError:
    pass
{SEES}"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with wheels for musl, which bring Alpine's libgcc and libstdc++."""
    folder = tmp_path_factory.mktemp("musl")
    made = folder / "env"
    run([musl_python().executable, "-m", "venv", "--without-pip", made])
    tags = ["--python-platform", "x86_64-unknown-linux-musl", "--python-version", VERSION, "--only-binary", ":all:"]
    target = made / f"lib/python{VERSION}/site-packages"
    run([tool("uv"), "-q", "pip", "install", *tags, "--target", target, *WHEELS], env=clean(), cwd=folder)
    return made


@pytest.fixture(scope="module")
def originals(environment: Path) -> tuple[str, ...]:
    """What must be hidden while a bundle runs here."""
    return str(environment), os.path.dirname(musl_python().prefix)


@pytest.fixture(scope="module")
def plain(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle for targets that have musl."""
    out = tmp_path_factory.mktemp("plain") / "bundle"
    done = pack(environment, out)
    assert "needs musl" in done.stderr and "glibc" not in done.stderr, done.stderr
    return out


@pytest.fixture(scope="module")
def own(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that brings its musl."""
    out = tmp_path_factory.mktemp("own") / "bundle"
    done = pack(environment, out, "--libc", "bundle")
    assert "needs musl" not in done.stderr and "verified" in done.stderr, done.stderr
    return out


def seen(stdout: str, top: str) -> list[str]:
    """The libraries that a process had, which told it as `SEES` does, without those below a folder."""
    prefix, executable, libraries = json.loads(stdout)
    assert (prefix, executable) == (top, f"{top}/bin/python{VERSION}")
    return [path for path in libraries if not path.startswith(f"{top}/")]


def test_it_runs_on_a_system_with_musl(plain: Path, tmp_path: Path) -> None:
    done = in_root(musl_root(tmp_path / "root"), plain, ["/opt/app/bin/python3", "-c", USES])
    assert done.returncode == 0, done.stderr
    assert seen(done.stdout, "/opt/app") == [f"/lib/{LOADER}"]


def test_it_is_started_by_the_loader_of_every_system_with_musl(plain: Path) -> None:
    told = json.loads(bundler(["inspect", "--json", plain / f"bin/python{VERSION}"]).stdout)
    assert (told["interpreter"], told["libc"]) == (f"/lib/{LOADER}", "musl")
    facts = json.loads((plain / "bundle.json").read_text())
    assert (facts["platform"]["libc"], facts["libraries"]["host"]) == ("musl", ["libc.musl-x86_64.so.1", "libc.so"])
    assert {Path(fact["path"]).name for fact in facts["libraries"]["bundled"]} >= {"libz.so.1", "libffi.so.8"}


def test_with_its_own_musl_it_runs_in_a_root_that_holds_nothing_else(own: Path, tmp_path: Path) -> None:
    done = in_root(empty_root(tmp_path / "root"), own, ["/opt/app/bin/python3", "-c", USES])
    assert done.returncode == 0, done.stderr
    assert seen(done.stdout, "/opt/app") == []


def test_with_its_own_musl_it_runs_on_glibc(own: Path, originals: tuple[str, ...], tmp_path: Path) -> None:
    moved = Path(shutil.copytree(own, tmp_path / "moved-é", symlinks=True))
    done = hidden(originals, [moved / "bin/python3", "-c", USES])
    assert done.returncode == 0, done.stderr
    assert seen(done.stdout, str(moved)) == []
    (tmp_path / "works.py").write_text(PROCESSES)
    done = hidden(originals, [moved / "bin/python3", tmp_path / "works.py"])
    assert done.stdout == "works\n", done.stderr


def test_every_extension_module_maps_the_bundle_s_musl_and_no_library_of_the_host(
    own: Path, originals: tuple[str, ...]
) -> None:
    names = sorted(name.split(".")[0] for name in os.listdir(next(own.glob("lib/python3*/lib-dynload"))))
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)\n{SEES}"
    done = hidden(originals, [own / "bin/python3", "-c", code])
    assert done.returncode == 0, done.stderr
    assert seen(done.stdout, str(own)) == []


def test_its_loader_looks_into_no_folder_of_the_target(own: Path, originals: tuple[str, ...], tmp_path: Path) -> None:
    assert (own / "lib/etc/ld-musl-x86_64.path").read_bytes() == b""
    code = "import ctypes\ntry: print(ctypes.CDLL('libstranger.so'))\nexcept OSError as error: print(error)"
    library = next(own.glob("lib/bundled/libz.so.1*"))
    for name in (own, Path(shutil.copytree(own, tmp_path / "without", symlinks=True))):
        if name != own:
            (name / "lib/etc/ld-musl-x86_64.path").unlink()
        prepare = f"mount -t tmpfs none /usr/local/lib && cp {library} /usr/local/lib/libstranger.so"
        done = hidden(originals, [name / "bin/python3", "-c", code], prepare=prepare)
        assert ("No such file" in done.stdout) is (name == own), (done.stdout, done.stderr)


def test_a_bundle_that_is_packed_again_may_go_back_to_the_target_s_musl(own: Path, tmp_path: Path) -> None:
    done = pack(own, tmp_path / "back")
    assert "needs musl" in done.stderr, done.stderr
    assert not (tmp_path / "back/lib/etc").exists() and not list((tmp_path / "back").glob("lib/libc/*"))
    done = in_root(musl_root(tmp_path / "root"), tmp_path / "back", ["/opt/app/bin/python3", "-c", USES])
    assert done.returncode == 0, done.stderr


def test_verify_finds_a_library_that_is_gone(own: Path, tmp_path: Path) -> None:
    assert bundler(["verify", own]).returncode == 0
    copy = Path(shutil.copytree(own, tmp_path / "copy", symlinks=True))
    (copy / "lib/bundled/libffi.so.8").unlink()
    done = bundler(["verify", "--no-run", copy])
    assert done.returncode == 3 and "needs libffi.so.8, which is not found" in done.stderr, done.stderr


def test_nothing_is_to_be_chosen_at_the_start(environment: Path, tmp_path: Path) -> None:
    done = bundler(["pack", environment, "--out", tmp_path / "out", "--libc", "auto"])
    assert done.returncode == 1 and "is built for musl" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_wheel_for_glibc_is_told(environment: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(environment, tmp_path / "env", symlinks=True))
    (module,) = copy.glob("lib/*/site-packages/_cffi_backend*.so")
    tags = ["--python-platform", "x86_64-unknown-linux-gnu", "--python-version", VERSION, "--only-binary", ":all:"]
    run([tool("uv"), "-q", "pip", "install", *tags, "--no-deps", "--target", tmp_path / "glibc", "cffi"])
    (other,) = (tmp_path / "glibc").glob("_cffi_backend*.so")
    shutil.copy(other, module)
    done = bundler(["pack", copy, "--out", tmp_path / "out"])
    assert f"{module.name} is built for glibc, and the interpreter for musl" in done.stderr, done.stderr
