"""What Debian's copyright files say a library is under: of its own files, and not of tests and scripts beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.host_package import Copyleft
from bundler.systems.linux.packages.copyright_file import common_licences, library_stem, read_copyright
from bundler.systems.linux.packages.licence_names import parse_licence

FORM = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: x\n"


def machine_readable(*paragraphs: tuple[str, str]) -> str:
    return FORM + "".join(f"\nFiles: {files}\nCopyright: A\nLicense: {licence}\n" for files, licence in paragraphs)


@pytest.mark.parametrize(
    ("paragraphs", "library", "source", "licence", "copyleft"),
    [
        pytest.param(
            [("*", "GPL-3+"), ("doc/*", "GFDL-NIV-1.3+"), ("support/wcwidth.c", "ISC"), ("debian/*", "GPL-3")],
            "libreadline.so.8.2",
            "readline",
            "GPL-3.0-or-later",
            Copyleft.STRONG,
            id="what holds for all files holds for the library of that name",
        ),
        pytest.param(
            [("*", "GPL-2+"), ("libuuid/*", "BSD-3-clause"), ("*/colors.*", "LGPL-2+")],
            "libuuid.so.1.3.0",
            "util-linux",
            "BSD-3-Clause",
            Copyleft.NO,
            id="a folder of the library's name counts before all files",
        ),
        pytest.param(
            [("*", "GPL-2+"), ("keyutils.*", "LGPL-2+")],
            "libkeyutils.so.1.10",
            "keyutils",
            "LGPL-2.0-or-later",
            Copyleft.NO,
            id="files of its name count, too",
        ),
        pytest.param(
            [("*", "GPL-2"), ("lib/ext2fs/*", "LGPL-2")],
            "libcom_err.so.2.1",
            "e2fsprogs",
            "GPL-2.0-only",
            Copyleft.PERHAPS,
            id="a library of another name than its source may be under something else",
        ),
        pytest.param(
            [("*", "Expat"), ("testsuite/*", "GPL-3+"), ("make_sunver.pl", "GPL-3+")],
            "libffi.so.8.1.2",
            "libffi",
            "MIT",
            Copyleft.NO,
            id="tests are not in the library",
        ),
        pytest.param(
            [("*", "Sleepycat and BSD-3-clause")],
            "libdb-5.3.so",
            "db5.3",
            "Sleepycat AND BSD-3-Clause",
            Copyleft.STRONG,
            id="of several at once one is enough",
        ),
        pytest.param(
            [("*", "LGPL-3+ or GPL-2+")],
            "libgmp.so.10",
            "gmp",
            "LGPL-3.0-or-later OR GPL-2.0-or-later",
            Copyleft.NO,
            id="who may choose is not bound",
        ),
        pytest.param(
            [("src/nis.c", "LGPL-2.1+"), ("ltmain.sh install-sh", "GPL-2+"), ("debian/*", "GPL-2+")],
            "libnsl.so.2",
            "libnsl",
            "LGPL-2.1-or-later",
            Copyleft.NO,
            id="where nothing is said of all files those of the code count",
        ),
    ],
)
def test_the_paragraph_of_the_library_s_own_files_counts(
    paragraphs: list[tuple[str, str]], library: str, source: str, licence: str, copyleft: Copyleft
) -> None:
    told = read_copyright(machine_readable(*paragraphs), library, source)
    assert (told.licence, told.copyleft) == (licence, copyleft)


@pytest.mark.parametrize(
    ("text", "licence", "copyleft"),
    [
        (
            "It is free software under the terms of the GNU General Public\nLicense, version 3 or (at your option) any\n"
            "later version.\nSee /usr/share/common-licenses/GPL-3",
            "GPL-3.0-or-later",
            Copyleft.STRONG,
        ),
        ("GNU Lesser General Public License, version 2.1; any later version", "LGPL-2.1-or-later", Copyleft.NO),
        ("Permission is hereby granted, free of charge, to any person", "MIT", Copyleft.NO),
        (
            "the GNU General Public License version 3; the GCC Runtime Library Exception adds permissions. Parts: BSD",
            "several: GPL, GPL with exceptions, BSD",
            Copyleft.NO,
        ),
        ("Nobody knows.", "", Copyleft.NO),
    ],
)
def test_a_file_in_free_form_is_told_by_the_licences_that_it_names(text: str, licence: str, copyleft: Copyleft) -> None:
    told = read_copyright(f"This package was debianized by somebody.\n\n{text}\n", "libx.so.1", "x")
    assert (told.licence, told.copyleft) == (licence, copyleft)


def test_texts_that_stand_elsewhere_are_named() -> None:
    text = "see /usr/share/common-licenses/GPL-2, `/usr/share/common-licenses/LGPL-2.1'. And /usr/share/common-licenses/GPL."
    assert common_licences(text) == ("GPL", "GPL-2", "LGPL-2.1")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("libdb-5.3.so", "db"),
        ("libgcc_s.so.1", "gcc_s"),
        ("libz.so.1.2.13", "z"),
        ("libgdbm_compat.so.4", "gdbm_compat"),
    ],
)
def test_what_is_a_library_s_name(name: str, stem: str) -> None:
    assert library_stem(name) == stem


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("GPL-2+ or Artistic-2.0, and Expat", "(GPL-2.0-or-later OR Artistic-2.0) AND MIT"),
        ("MIT and BSD-3-clause or Zlib", "(MIT AND BSD-3-Clause) OR Zlib"),
        ("GPL-3.0-or-later AND (MIT OR Apache-2.0)", "GPL-3.0-or-later AND (MIT OR Apache-2.0)"),
        ("LGPLv2+", "LGPL-2.0-or-later"),
        ("GPL", "GPL-1.0-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GPL-2+ with OpenSSL exception", "LicenseRef-GPL-2-with-OpenSSL-exception"),
        ("public-domain", "LicenseRef-public-domain"),
        ("((a and b", "LicenseRef-a-and-b"),
        ("(" * 5000, "LicenseRef-unknown"),
        ("", "LicenseRef-unknown"),
    ],
)
def test_names_of_distributions_become_those_of_spdx(text: str, expression: str) -> None:
    assert parse_licence(text).text == expression


def test_strong_copyleft_of_a_list_and_of_one_library_are_two_things() -> None:
    listed = parse_licence("GPL-2.0-or-later AND MIT")
    assert listed.is_strong(of_files=False) and not listed.is_strong(of_files=True)
    assert parse_licence("AGPL-3.0-only AND GFDL-1.3-only").is_strong(of_files=True)
    assert not parse_licence("LGPL-2.1-only").is_strong(of_files=False)


def test_what_this_machine_s_files_say_of_libraries_that_the_old_list_named() -> None:
    for package, library, source in (
        ("libreadline8", "libreadline.so.8.2", "readline"),
        ("libgdbm6", "libgdbm.so.6", "gdbm"),
    ):
        place = Path(f"/usr/share/doc/{package}/copyright")
        if not place.is_file():
            pytest.skip(f"needs Debian's {package}")
        told = read_copyright(place.read_text("utf-8", "replace"), library, source)
        assert (told.licence, told.copyleft) == ("GPL-3.0-or-later", Copyleft.STRONG)
