"""The text for who gets a bundle: it fits a screen, says what it was told, and is plain ASCII whatever the names."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from bundler.rewrite.readme import ReadmeFacts, application_of, write_readme

FACTS = ReadmeFacts(
    "stockroom", "1.4", "3.12.4", ("bin/start",), ("Linux on x86_64 (glibc), glibc 2.34 or later",), ("a.txt",)
)


def test_it_tells_name_version_start_needs_and_licences() -> None:
    lines = write_readme(FACTS).decode("ascii").splitlines()
    assert lines[0] == "stockroom 1.4"
    assert {"    bin/start", "    Linux on x86_64 (glibc), glibc 2.34 or later", "    a.txt"} < {*lines}
    assert any("Python of its own (3.12.4)" in line for line in lines)
    assert "    bundler verify FOLDER" in lines
    assert not [line for line in lines if "@" in line]


def test_it_fits_a_screen_however_much_there_is() -> None:
    many = tuple(f"item {number}" for number in range(40))
    lines = write_readme(dataclasses.replace(FACTS, start=many, needs=many, licences=many)).decode().splitlines()
    assert 15 <= len(write_readme(FACTS).splitlines()) <= len(lines) <= 40
    assert lines.count("    and 35 more") == 3


def test_an_application_without_a_name_is_one_all_the_same() -> None:
    text = write_readme(dataclasses.replace(FACTS, name="", version="")).decode()
    assert text.startswith("An application in Python\n")
    assert "holds the application and all" in text
    assert application_of(text.encode()) == ""


def test_a_value_is_no_place_for_another() -> None:
    text = write_readme(dataclasses.replace(FACTS, start=("bin/@NAME@", "a@b"))).decode()
    assert "    bin/@NAME@\n    a@b\n" in text


@given(st.text(st.characters(exclude_categories=[]), min_size=1))
def test_any_name_is_ascii_without_a_word_for_the_terminal(name: str) -> None:
    lines = write_readme(dataclasses.replace(FACTS, name=name, start=(name,))).decode("ascii").split("\n")
    assert all(" " <= char <= "~" for line in lines for char in line)
    assert len(lines[0]) == len(lines[1])


def test_accents_go_and_letters_stay() -> None:
    assert write_readme(dataclasses.replace(FACTS, name="café")).startswith(b"cafe 1.4\n")


def test_only_a_text_of_our_own_is_known_again() -> None:
    data = write_readme(FACTS)
    assert application_of(data) == "stockroom"
    for other in (
        b"",
        b"stockroom 1.4\n",
        data[:-10],
        data + b"\nmine\n",
        b"a\nb\nc\n(Made by bundler.)\n",
        b"\xff" * 99,
    ):
        assert application_of(other) is None
