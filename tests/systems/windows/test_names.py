"""Names and paths that Windows cannot hold, and the room that the longest one leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.systems.windows.names import path_lengths, same_name, unholdable
from bundler.systems.windows.rules import WINDOWS
from tests.material.windows import Wine, embeddable


@pytest.mark.parametrize(
    "name",
    [
        *("con", "PRN", "aux.py", "nul.tar.gz", "COM1", "lpt9.txt", "com¹", "CONIN$", "con .txt"),
        *("a.", "a ", "a:b", "a?", 'a"', "a<", "a>", "a|", "a*", "a\\b", "a\tb", "a\x00", "x" * 256, "\udce9"),
        "𝄞" * 128,
    ],
)
def test_a_name_that_windows_does_not_allow_is_told(name: str) -> None:
    (error,) = unholdable([f"Lib/{name}"])
    assert str(error).startswith(f"Lib/{name}: Windows holds no ")
    assert error.hint == f'leave it out: --exclude "/Lib/{name}"'
    assert unholdable([f"{name}/file"])[0].hint == f'leave it out: --exclude "/{name}"'


@pytest.mark.parametrize(
    "name", ["cone", "aux_.py", "com0", "com10", ".a", "a b", "x" * 255, "ä.py", "_con", "lpt", "a'b&c^d"]
)
def test_other_names_are_not(name: str) -> None:
    assert unholdable([f"Lib/{name}"]) == []


@pytest.mark.everything
def test_python_says_the_same_of_names(tmp_path: Path) -> None:
    """`os.path.isreserved` of 3.13, under Wine."""
    names = ["con", "aux.py", "com¹", "CONIN$", "con .txt", "a.", "ab:c", "a*", "cone", "com0", "com10", "a b", "_con"]
    said = "import ntpath, sys; print([ntpath.isreserved(name) for name in sys.argv[1:]])"
    done = Wine().run([embeddable() / "python.exe", "-c", said, *names], tmp_path)
    assert done.stdout.strip() == str([bool(unholdable([name])) for name in names])


def test_files_that_differ_in_case_alone_are_one() -> None:
    errors = unholdable(["Lib/a.py", "lib/B.py", "lib/A.py", "Lib/ä.py", "Lib/Ä.py", "Lib/ß.py", "Lib/ẞ.py"])
    assert [str(error).partition(" are one")[0] for error in errors] == [
        "Lib/Ä.py and Lib/ä.py",
        "Lib/a.py and lib/A.py",
    ]


def test_a_file_and_a_folder_that_differ_in_case_alone_are_one() -> None:
    (error,) = unholdable(["Lib/x/a.py", "Lib/X"])
    assert str(error).startswith("Lib/x and Lib/X are one file")


def test_folders_that_differ_in_case_alone_become_one() -> None:
    assert unholdable(["Lib", "lib", "Lib/a.py", "lib/b.py"]) == []


def test_capitals_are_those_of_ntfs() -> None:
    """One letter for one, and none of ASCII for one that is not."""
    assert [same_name(text) for text in ("stra\xdfe", "\ufb01", "\u0131", "\u017f", "\u0149", "\xe9")] == [
        *("STRA\xdfE", "\ufb01", "\u0131", "\u017f", "\u0149", "\xc9")
    ]


def test_the_longest_path_leaves_room_for_the_folder() -> None:
    lengths = path_lengths(["a", "x" * 100 + "/" + "y" * 99])
    assert lengths is not None
    assert (lengths.characters, lengths.room) == (200, 58)
    # C: and the folder, a separator, the path and the NUL are 260.
    assert len("C:\\" + "f" * 55 + "\\") + lengths.characters == 259


def test_a_long_folder_leaves_less_than_a_file_with_a_short_name_in_it() -> None:
    lengths = path_lengths(["x" * 100 + "/" + "y"])
    assert lengths is not None
    assert lengths.room == 258 - 112


def test_characters_are_those_of_utf_16() -> None:
    lengths = path_lengths(["𝄞" * 100, "é" * 150])
    assert lengths is not None
    assert (lengths.longest, lengths.characters) == ("𝄞" * 100, 200)


def test_little_room_is_a_warning_and_much_a_note() -> None:
    tight = WINDOWS.check_names(["x" * 100 + "/" + "y" * 99])
    assert tight.notes == ()
    assert "which leaves 58 for the folder" in tight.warnings[0]
    assert "leaves no room for any folder" in WINDOWS.check_names(["/".join(["x" * 99] * 3)]).warnings[0]
    assert WINDOWS.check_names(["Lib/a.py"]).notes[0].startswith("the longest path has 8 characters")
    assert [str(error)[:5] for error in WINDOWS.check_names(["aux/a"]).errors] == ["aux: "]
