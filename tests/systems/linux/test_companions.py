"""The table of what libraries open by themselves, and of what they read from the machine that a bundle runs on."""

from __future__ import annotations

import pytest

from bundler.systems.asked import asked_of_target
from bundler.systems.libraries import BundledLibrary, LibraryFacts, OnHost
from bundler.systems.linux.companions import COMPANIONS, companions_of, is_searched_for, opened_by_name
from bundler.systems.linux.rules import LINUX


def test_every_line_says_what_it_is_for() -> None:
    for line in COMPANIONS:
        assert line.what and line.without and line.files and line.library.endswith((".so", "*"))


@pytest.mark.parametrize(
    ("library", "lines"),
    [
        ("libcrypto.so.3", 2),
        ("libcrypto.so.1.1", 2),
        ("libcrypto-1a2b.so.3", 0),
        ("libcryptopp.so.8", 0),
        ("libQt6Core.so.6", 2),
    ],
)
def test_a_version_behind_the_name_does_not_matter(library: str, lines: int) -> None:
    assert len([*companions_of(library)]) == lines


def test_what_a_library_opens_by_name_is_known() -> None:
    assert [*opened_by_name("libodbc.so.2")] == ["libodbcinst.so.2"]
    assert [*opened_by_name("libodbcinst.so.2")] == []


@pytest.mark.parametrize(
    ("path", "searched"),
    [
        ("/usr/lib/x86_64-linux-gnu/sasl2", True),
        ("/usr/share/poppler", True),
        ("/opt/vendor/plugins", True),
        ("/usr/share/locale/de", False),
        ("/usr/share/localeX", True),
        ("/usr/bin", False),
        ("/etc/ssl", False),
        ("/usr/lib", False),
    ],
)
def test_a_library_s_own_folders_lie_below_some_folders_of_the_machine(path: str, searched: bool) -> None:
    assert is_searched_for(path) == searched


def test_data_of_the_target_is_asked_for_like_its_libraries() -> None:
    fonts = BundledLibrary("lib/bundled/libfontconfig.so.1", "/usr/lib/libfontconfig.so.1", (), ("lib/x.so",))
    other = BundledLibrary("lib/bundled/libz.so.1", "/usr/lib/libz.so.1", (), ("lib/x.so",))
    needs = {"lib/x.so": {"libGL.so.1": OnHost(), "libc.so.6": OnHost()}}
    facts = LibraryFacts((fonts, other), needs, ("libGL.so.1", "libc.so.6"))
    asked = asked_of_target(facts, LINUX)
    assert asked == {"libGL.so.1": ("lib/x.so",), "fonts and their configuration": ("lib/bundled/libfontconfig.so.1",)}
    again = LibraryFacts((), {**needs, fonts.path: {}}, facts.host)
    assert asked_of_target(again, LINUX) == asked, "a bundle that is packed again asks for the same"
    assert [LINUX.asks_of_target(name) for name in asked] == [
        "Debian: libgl1",
        "Debian: fontconfig-config fonts-dejavu-core",
    ]


@pytest.mark.parametrize(
    ("library", "asked"),
    [
        ("libfontconfig.so.1", "Debian: fontconfig-config fonts-dejavu-core"),
        ("libxkbcommon.so.0", "Debian: xkb-data"),
        ("libgtk-3.so.0", "Debian: adwaita-icon-theme"),
        ("libgtk-4.so.1", "Debian: adwaita-icon-theme"),
        ("libasound.so.2", "Debian: libasound2-data"),
        ("libgtk-x11-2.0.so.0", None),
    ],
)
def test_what_a_library_reads_of_the_target_has_a_package_there(library: str, asked: str | None) -> None:
    data = LINUX.reads_of_target(library)
    assert (None if data is None else LINUX.asks_of_target(data)) == asked
