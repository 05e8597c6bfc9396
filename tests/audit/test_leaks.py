"""Files that still hold a path of the source: only whole paths count, wherever the pieces of a file are cut."""

from __future__ import annotations

import marshal

import pytest

from bundler.audit.leaks import Leak, LeakFinder, PathBytes

VENV, LONG = PathBytes(b"/venv"), PathBytes(b"/opt/some/where/env")


def found(data: bytes, kind: Leak = Leak.TEXT, *, size: int = 1 << 20) -> bool:
    finder = LeakFinder([VENV, LONG], kind)
    for start in range(0, len(data), size):
        finder.look(data[start : start + size])
    leak = finder.end()
    assert leak in (None, kind)
    return leak is not None


WHOLE = (b"/venv", b"home = /venv\n", b"#!/venv/bin/python\n", b"x" * 200 + b" '/opt/some/where/env'", b"/venv2 /venv")
PARTS = (
    *(b"", b"https://host/venv/x", b"# python's venv: see library/venv.html", b"x" * 200 + b"/venv", b"/venvs /venv.d"),
    *(b"/home/\xc3\xa9/venv", b"~/venv", b"/opt/some/where/environment", b"/opt/some/where/env_2", b"/venv\xc3\xa9"),
)


@pytest.mark.parametrize("size", [1, 3, 7, 64, 1 << 20])
def test_a_whole_path_is_found_and_a_part_of_something_longer_is_not(size: int) -> None:
    assert [data for data in WHOLE if not found(data, size=size)] == []
    assert [data for data in PARTS if found(data, size=size)] == []


@pytest.mark.parametrize(
    "path", ["/venv", "/venv/lib/x.py", "/opt/some/where/env", "/venv/" + "x" * 240, "/venv/" + "x" * 400, "/venv/é.py"]
)
def test_strings_of_a_compiled_module_are_found(path: str) -> None:
    """What stands before a string, its length, may look like a letter, and so may what follows."""
    for version in (2, 4):
        for follower in (1.5, "x", None, b"r"):
            assert found(marshal.dumps((path, follower), version), Leak.PYC)
            assert found(marshal.dumps((follower, path), version), Leak.PYC)


@pytest.mark.parametrize("text", ["https://host/venv", "/venv2", "/venvironment/x", "a/venv"])
def test_other_strings_of_a_compiled_module_are_not(text: str) -> None:
    assert not found(marshal.dumps((text, "x")), Leak.PYC)


def test_constants_of_a_binary_are_found() -> None:
    assert found(b"\x7fELF\0\0/venv\0", Leak.BINARY)
    assert found(b"\x7fELF\0prefix=/venv/lib\0", Leak.BINARY)
    assert not found(b"\x7fELF\0https://host/venv\0", Leak.BINARY)


def test_without_a_path_nothing_is_found() -> None:
    finder = LeakFinder([], Leak.TEXT)
    finder.look(b"/venv")
    assert finder.end() is None
