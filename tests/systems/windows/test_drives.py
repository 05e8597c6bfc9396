"""Windows' names for files, and the folders of this machine that they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.environment.choice import choose_environment
from bundler.machine import windows
from bundler.sysroot import HOST, Sysroot
from bundler.systems import root_below, root_of
from bundler.systems.windows import drives, rules
from bundler.systems.windows.drives import Drives
from bundler.systems.windows.rules import WINDOWS


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A folder with `Users/Me/App`, which is called so."""
    (tmp_path / "Users/Me/App").mkdir(parents=True)
    return tmp_path


def test_an_option_says_where_a_drive_is(drive: Path) -> None:
    root = root_of(f"c:={drive}")
    assert root.path_of(r"C:\Users\Me") == str(drive / "Users/Me")
    assert root.path_of("c:/Users/Me/new.txt") == str(drive / "Users/Me/new.txt")
    assert root.name_of(str(drive / "Users/Me")) == r"C:\Users\Me"
    assert root.name_of(str(drive)) == "C:\\"
    assert not Path(root.path_of(r"D:\Users")).exists()
    assert root_of(str(drive)) == Sysroot(str(drive))


def test_case_does_not_count(drive: Path) -> None:
    root = root_of(f"C:={drive}")
    assert root.path_of(r"C:\USERS\me\APP\New") == str(drive / "Users/Me/App/New")
    assert root.real(str(drive / "users/ME/app")) == str(drive / "Users/Me/App")
    (drive / "users").mkdir()  # POSIX may hold both: the exact one is meant
    assert root.path_of(r"C:\users") == str(drive / "users")


@pytest.mark.parametrize("place", ["C:", "c:", "C", "c", "drive_c", "mnt/c"])
def test_a_drive_is_found_below_a_root(tmp_path: Path, place: str) -> None:
    (tmp_path / place / "Python312").mkdir(parents=True)
    root = WINDOWS.sysroot(Sysroot(str(tmp_path)))
    assert root.path_of(r"C:\Python312") == str(tmp_path / place / "Python312")
    assert root.name_of(str(tmp_path / place / "Python312")) == r"C:\Python312"


def test_a_root_without_drives_is_the_drive(drive: Path) -> None:
    root = WINDOWS.sysroot(Sysroot(str(drive)))
    assert root.path_of(r"C:\Users") == str(drive / "Users")
    assert root.name_of(str(drive / "Users")) == str(drive / "Users"), "whose drive it would be nobody said"


def test_names_do_not_lead_out_of_a_drive(drive: Path) -> None:
    root = Drives(str(drive / "Users"), "C:")
    assert root.path_of(r"C:\..\..\Me") == str(drive / "Users/Me")
    assert root.path_of(r"C:\Me\..\..\..\App") == str(drive / "Users/App")


def test_a_relative_text_counts_from_its_folder_by_either_slash(drive: Path) -> None:
    root = Drives(str(drive), "C:")
    assert root.located(r"..\Me/App", str(drive / "Users/You")) == str(drive / "Users/Me/App")
    assert root.located(r"C:\Users", "/elsewhere") == str(drive / "Users")
    assert not root.is_name("/Users") and not root.is_name(r"C:Users")


def test_links_are_followed_inside(drive: Path) -> None:
    (drive / "link").symlink_to("users/ME")  # a copy of a Windows disk may have such
    root = Drives(str(drive), "C:")
    assert root.real(str(drive / "LINK/app")).lower() == str(drive / "Users/Me/App").lower()


def test_a_folder_in_a_file_counts_from_the_file_s_folder() -> None:
    assert root_below("/project", "C:=win") == "C:=/project/win"
    assert root_below("/project", "c:=/mnt/win") == "C:=/mnt/win"
    assert root_below("/project", "image") == "/project/image"


def test_an_environment_may_be_named_as_windows_does(drive: Path) -> None:
    (drive / "Users/Me/App/pyvenv.cfg").write_text("")
    assert choose_environment(r"C:\users\me\app", f"C:={drive}").path == str(drive / "Users/Me/App")


def test_on_windows_itself_a_name_is_a_path_with_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "HAS_DRIVES", True)
    monkeypatch.setattr(drives, "os", windows)
    root = WINDOWS.sysroot(HOST)
    assert root.is_host
    assert root.path_of("C:\\Users\\me\\..\\you") == "C:/Users/you"
    assert root.name_of("C:/Users/you") == r"C:\Users\you"
    assert root.located(r"..\lib", "C:/Users/you") == "C:/Users/lib"
    assert root.located(r"D:\x", "C:/Users/you") == "D:/x"
    assert root.real("C:/Users/you") == "C:/Users/you"
    assert WINDOWS.sysroot(Sysroot("/somewhere")) == Drives("/somewhere"), "another root has folders for its drives"
