"""Under whatever name it is started a bundle's Python is the bundle's: not the one that it was made of, nor another there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.binaries.elf import read_image
from tests.material.environments import SLIM, empty_environment, pack
from tests.material.golden import plain
from tests.material.interpreters import Python, every_python, main_python
from tests.material.isolation import hidden

TELLS = (
    "import json, os, sys; print(json.dumps([sys.prefix, sys.base_prefix, os.path.realpath(sys.executable),"
    " os.path.dirname(os.__file__), sys.orig_argv[0] if hasattr(sys, 'orig_argv') else None,"
    " open('/proc/self/cmdline').read().partition(chr(0))[0]]))"
)


@dataclass(frozen=True)
class Named:
    """A bundle whose original is still there."""

    bundle: Path
    original: Python
    environment: Path
    libc: str

    @property
    def python(self) -> Path:
        return self.bundle / "bin" / os.readlink(self.bundle / "bin/python")

    def run(
        self, name: str, env: Mapping[str, str] | None = None, program: str | Path = "", cwd: str | Path = "/"
    ) -> list[str]:
        """What Python says of itself where `name` is its argv[0]; its place is the bundle's."""
        done = subprocess.run(
            [name, "-c", TELLS],
            executable=program or self.python,
            env={} if env is None else dict(env),
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), (name, done.stderr)
        answer: list[str] = json.loads(done.stdout)
        prefix, base, executable, library, *_ = answer
        where = self.bundle.resolve()
        assert (prefix, base, executable) == (str(where), str(where), str(where / "bin" / self.python.name)), name
        assert library.startswith(f"{where}/lib"), (name, library)
        return answer[4:]


@pytest.fixture(scope="module", params=["host", "bundle", "auto"])
def named(request: pytest.FixtureRequest, empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Named:
    bundle = tmp_path_factory.mktemp("named") / "bundle"
    pack(empty, bundle, "--libc", request.param, *SLIM)
    return Named(bundle, main_python(), empty, request.param)


def check_names(named: Named, folder: Path) -> None:
    """All names that a supervisor, a shell or a link may give."""
    original = named.original.executable
    theirs = {"PATH": f"{os.path.dirname(original)}:/usr/bin:/bin"}
    names = (
        "worker-1",
        "-python",
        "",
        " ",
        "python3",
        "python",
        named.python.name,
        "foo/bar",
        "./python3",
        "bin/python3",
    )
    for name in names:
        for env in ({}, {"PATH": ""}, {"PATH": "/nonexistent::"}, theirs):
            _, shown = named.run(name, env)
            assert shown == name, "what ps shows is the name that was given"
    for other in (original, os.path.realpath(original), named.environment / "bin/python", "/bin/sh"):
        named.run(str(other), theirs)
    folder.mkdir()
    (folder / "foo").symlink_to(named.python)
    for name in ("foo", "bar", str(folder / "foo"), "python3"):
        named.run(name, theirs, program=folder / "foo")
    named.run("x", theirs, program="./foo", cwd=folder)
    named.run("x", theirs, program="bin/python3", cwd=named.bundle)
    named.run("bin/python3", theirs, program=named.bundle / "bin/python3", cwd="/")


def test_whatever_the_name_it_finds_its_own_place(named: Named, tmp_path: Path) -> None:
    check_names(named, tmp_path / "links")


def test_a_name_that_leads_to_it_stays(named: Named, tmp_path: Path) -> None:
    (tmp_path / "foo").symlink_to(named.python)
    for name, path in (
        ("python3", named.bundle / "bin"),
        (str(named.bundle / "bin/python"), "/usr/bin"),
        (str(tmp_path / "foo"), "/usr/bin"),
        ("foo", f"/nonexistent:{tmp_path}/:/usr/bin"),
    ):
        assert named.run(name, {"PATH": str(path)}) == [name, name]
    named.run("python3", {"PATH": ":/usr/bin"}, cwd=named.bundle / "bin")


EXECUTES = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
file = os.open(sys.argv[1], os.O_RDONLY | os.O_CLOEXEC)
texts = [text.encode() for text in sys.argv[2:]]
words = (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
libc.fexecve(file, words, (ctypes.c_char_p * 1)(None))
"""


def test_it_is_found_without_a_name_and_by_a_descriptor(named: Named) -> None:
    command: list[str | Path] = [main_python().executable, "-c", EXECUTES, named.python]
    for words, text in ((["x", "-"], TELLS), ([], TELLS)):
        done = subprocess.run([*command, *words], input=text, capture_output=True, text=True, check=False)
        assert done.stderr == "" and json.loads(done.stdout)[0] == str(named.bundle), done.stderr


def test_an_environment_on_top_is_found_by_its_name(named: Named, tmp_path: Path) -> None:
    on_top = tmp_path / "env"
    subprocess.run([named.python, "-m", "venv", "--without-pip", on_top], check=True)
    code = ["-c", "import sys; print(sys.prefix)"]
    for name, env in ((str(on_top / "bin/python"), {}), ("python", {"PATH": f"{on_top}/bin"})):
        done = subprocess.run(
            [name, *code], executable=named.python, env=env, capture_output=True, text=True, check=False
        )
        assert done.stdout == f"{on_top}\n", done.stderr
    done = subprocess.run(
        ["other", *code], executable=on_top / "bin/python", env={}, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"{on_top}\n", done.stderr


def test_a_loader_that_is_started_by_hand_is_no_name(named: Named) -> None:
    with named.python.open("rb") as file:
        loader = read_image(file).interpreter
    assert loader is not None
    for name in (named.python, named.bundle / "bin/python"):
        done = subprocess.run([loader, name, "-c", TELLS], env={}, capture_output=True, text=True, check=False)
        assert json.loads(done.stdout)[0] == str(named.bundle), done.stderr


def test_packed_again_it_is_the_same(named: Named, tmp_path: Path) -> None:
    pack(named.bundle, tmp_path / "again", "--libc", named.libc, *SLIM)
    assert (tmp_path / "again/bin" / named.python.name).read_bytes() == named.python.read_bytes()


def test_without_its_standard_library_it_ends_with_an_error(named: Named, tmp_path: Path) -> None:
    """The prefix that is compiled in, where the original is, is no way out."""
    check_no_way_out(named)


def check_no_way_out(named: Named) -> None:
    landmarks = [*named.bundle.glob("lib*/python3*.zip"), next(named.bundle.glob("lib*/python3.*"))]
    done = hidden(landmarks, [named.python, "-c", TELLS])
    assert done.returncode != 0 and done.stdout == "", "it ran on the Python that it was made of"


@pytest.mark.everything
@pytest.mark.parametrize("python", every_python(), ids=str)
@pytest.mark.parametrize("libc", ["host", "bundle", "auto"])
def test_so_it_is_on_every_python(python: Python, libc: str, tmp_path: Path) -> None:
    environment = empty_environment(tmp_path / "env", python)
    pack(environment, tmp_path / "bundle", "--libc", libc)
    named = Named(tmp_path / "bundle", python, environment, libc)
    check_names(named, tmp_path / "links")
    check_no_way_out(named)


def test_a_python_without_room_for_it_is_told(tmp_path: Path) -> None:
    """As lld links one, whose code ends with its page."""
    plain(tmp_path)
    done = pack(Path("/app/.venv"), tmp_path / "bundle", "--root", tmp_path, "--no-verify", "-v")
    assert "bin/python3.12 has no room for what leads it to itself" in done.stderr
