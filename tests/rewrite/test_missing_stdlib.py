"""A traceback of a bundle says why a module of the standard library is not there."""

from __future__ import annotations

import pytest

from bundler.rewrite.missing_stdlib import rewrite_missing_stdlib

DEBIAN = b"""# generated
_MISSING_STDLIB_MODULE_MESSAGES = {'_gdbm': 'Please install the python3-gdbm package for GDBM support.',
 'ensurepip': 'Please install the python3-venv package.',
 'msvcrt': 'Unsupported platform for Windows-only standard library module '
           "'msvcrt'"}
"""


def told(data: bytes) -> dict[str, str]:
    names: dict[str, dict[str, str]] = {}
    exec(data, names)
    return names["_MISSING_STDLIB_MODULE_MESSAGES"]


def test_it_names_no_package_and_the_true_reason() -> None:
    new = rewrite_missing_stdlib(DEBIAN, ["ensurepip", "tkinter"])
    assert new is not None
    assert told(new.data) == {
        "_gdbm": "Standard library module '_gdbm' is not in this bundle: the Python that it was made of does not have it",
        "ensurepip": "Standard library module 'ensurepip' was left out of this bundle",
        "tkinter": "Standard library module 'tkinter' was left out of this bundle",
        "msvcrt": told(DEBIAN)["msvcrt"],
    }
    again = rewrite_missing_stdlib(new.data, ["ensurepip", "tkinter"])
    assert again is None or told(again.data) == told(new.data)


@pytest.mark.parametrize("data", [b"", b"x = {", b"_MISSING_STDLIB_MODULE_MESSAGES = {1: 2}\n", b"\0"])
def test_a_file_of_another_form_is_left_alone(data: bytes) -> None:
    assert rewrite_missing_stdlib(data, ["tkinter"]) is None


def test_a_file_that_says_the_truth_stays() -> None:
    plain = b"_MISSING_STDLIB_MODULE_MESSAGES = {'nt': \"Unsupported platform for standard library module 'nt'\"}\n"
    assert rewrite_missing_stdlib(plain, []) is None
