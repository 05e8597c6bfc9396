"""Paths and names of the machine that made a bundle: whole ones, in every form, wherever the pieces of a file are cut."""

from __future__ import annotations

import codecs
import json
import marshal
from urllib.parse import quote

import pytest

from bundler.leaks.findings import Trace
from bundler.leaks.places import Name, Place
from tests.leaks.scanned import scanned

VENV, LONG = Place(Trace.PREFIX, "/venv"), Place(Trace.PREFIX, "/opt/some/where/env")
HOME, PROJECT = Place(Trace.HOME, "/home/zoë miller"), Place(Trace.PREFIX, "/home/zoë miller/my project/.venv")
TEXT, PYC, BINARY = "a.txt", "a.pyc", "a.so"
ELF = b"\x7fELF\0\0"


def found(data: bytes, path: str = TEXT, *, size: int = 1 << 20, places: tuple[Place, ...] = (VENV, LONG)) -> bool:
    return bool(scanned(data, path, places=places, size=size, credentials=False)[0])


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
            assert found(marshal.dumps((path, follower), version), PYC)
            assert found(marshal.dumps((follower, path), version), PYC)


@pytest.mark.parametrize("text", ["https://host/venv", "/venv2", "/venvironment/x", "a/venv"])
def test_other_strings_of_a_compiled_module_are_not(text: str) -> None:
    assert not found(marshal.dumps((text, "x")), PYC)


def test_constants_of_a_binary_are_found() -> None:
    assert found(ELF + b"/venv\0", BINARY)
    assert found(ELF + b"prefix=/venv/lib\0", BINARY)
    assert not found(ELF + b"https://host/venv\0", BINARY)


def test_without_a_path_nothing_is_found() -> None:
    assert not found(b"/venv", places=())


FORMS = {
    "as it is": "open('/home/zoë miller/x')",
    "JSON, as PHP and others write it": json.dumps("/home/zoë miller/x").replace("/", "\\/"),
    "JSON, not ASCII": json.dumps("/home/zoë miller/x", ensure_ascii=False),
    "a URL": "file://" + quote("/home/zoë miller/x"),
    "a parameter of a URL": "?next=" + quote("/home/zoë miller/x", safe=""),
    "a URL in a URL": "?next=file%3A%2F%2F" + quote("/home/zoë miller/x", safe=""),
    "Python, in ASCII": ascii("/home/zoë miller/x"),
    "Python's bytes": repr("/home/zoë miller/x".encode()),
    "a shell, escaped": "cd /home/zoë\\ miller/x",
    "a shell, in quotes": "cd '/home/zoë miller/x'",
    "an option": "-I/home/zoë miller/include",
    "a search path": "/usr/bin:/home/zoë miller/bin",
    "an escaped line end": "a\\n/home/zoë miller/x\\n",
}


@pytest.mark.parametrize("size", [5, 1 << 20])
@pytest.mark.parametrize("form", FORMS)
def test_a_path_is_found_in_every_form(form: str, size: int) -> None:
    assert found(FORMS[form].encode(), places=(HOME,), size=size)


@pytest.mark.parametrize(
    "text", ["C:\\Users\\zoe m\\x", "C:\\\\Users\\\\zoe m\\\\x", "C:/Users/zoe m/x", "'C:\\\\Users\\\\zoe m'"]
)
def test_a_path_of_windows_is_found_with_either_separator_and_escaped(text: str) -> None:
    assert found(text.encode(), places=(Place(Trace.HOME, "C:\\Users\\zoe m"),))


@pytest.mark.parametrize("size", [5, 1 << 20])
@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_a_path_in_utf_16_is_found_in_texts_and_in_programs_of_windows(coding: str, size: int) -> None:
    mark = codecs.BOM_UTF16_LE if coding == "utf-16-le" else codecs.BOM_UTF16_BE
    text = "x = '/home/zoë miller/x'".encode(coding)
    assert found(mark + text, places=(HOME,), size=size)
    plain = Place(Trace.HOME, "/home/zoe/miller")
    assert found(b"MZ\0\0" + "/home/zoe/miller/x".encode(coding) + b"\0\0\0", "a.dll", places=(plain,), size=size)


def test_in_a_binary_a_path_counts_behind_another_string_and_not_within_a_longer_path() -> None:
    """Rust keeps its strings one behind the other."""
    for string in (b"an error occurred/home/zo\xc3\xab miller/.cargo/registry", b"x\0/home/zo\xc3\xab miller\0"):
        assert found(ELF + string, BINARY, places=(HOME,))
    for string in (b"/mnt/home/zo\xc3\xab miller/x", b"https://host/home/zo\xc3\xab miller"):
        assert not found(ELF + string, BINARY, places=(HOME,))
    assert not found(b"an error occurred/home/zo\xc3\xab miller/x", TEXT, places=(HOME,))


def test_what_lies_below_another_place_is_told_from_it() -> None:
    inside = b"/home/zo\xc3\xab miller/my project/.venv/lib"
    assert scanned(inside, TEXT, places=(PROJECT, HOME))[0] == Trace.PREFIX | Trace.HOME
    assert scanned(inside.replace(b".venv", b".venv2"), TEXT, places=(PROJECT, HOME))[0] is Trace.HOME


def test_a_path_of_common_words_is_found_too() -> None:
    place = Place(Trace.PREFIX, "/usr/local")
    for text in (b"/usr/local/lib", b'"\\/usr\\/local\\/lib"', b"?a=%2Fusr%2Flocal%2Flib"):
        assert found(text, places=(place,))
    assert not found(b"local /usr/locale", places=(place,))


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_name_is_found_as_a_word(size: int) -> None:
    names = (Name(Trace.USER, "zoe7"), Name(Trace.HOST, "calliope"))
    assert scanned(b"by zoe7@calliope.lan", names=names, size=size)[0] == Trace.USER | Trace.HOST
    for text in (b"zoe77", b"a_zoe7", b"calliope-2", b"mycalliope"):
        assert scanned(text, names=names, size=size)[0] is Trace.NOTHING


def test_the_name_in_the_path_of_the_home_folder_is_told_once() -> None:
    names = (Name(Trace.USER, "zoe7"),)
    home = Place(Trace.HOME, "/home/zoe7")
    assert scanned(b"/home/zoe7/x", places=(home,), names=names)[0] is Trace.HOME
    assert scanned(b"/home/zoe7/x zoe7", places=(home,), names=names)[0] == Trace.HOME | Trace.USER
