"""RECORD: rows of changed, removed and added files change, the rest stays to the byte."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.entries import Digest
from bundler.rewrite.record import parse_record, path_of_row, rewrite_record

SITE = "lib/python3.12/site-packages"
RECORD = (
    b"pkg/__init__.py,sha256=abc,10\n../../../bin/app,sha256=old,5\npkg.pth,sha256=x,1\n"
    b'"with,comma.py",sha256=c,2\npkg/__pycache__/x.pyc,,\npkg-1.dist-info/RECORD,,\n'
)


def place(row: str) -> str | None:
    if row == "pkg.pth":
        return None
    return row.replace("../../../", "") if row.startswith("../") else f"{SITE}/{row}"


def test_record_follows_changed_removed_and_added_files() -> None:
    digest = Digest(hashlib.sha256(b"new").digest(), 3)
    new = rewrite_record(
        parse_record(RECORD),
        site_packages=SITE,
        resolve=place,
        added=[f"{SITE}/made/real.py", "share/x"],
        digests={"bin/app": digest, f"{SITE}/made/real.py": digest, "share/x": digest},
        changed={"bin/app"},
    ).decode()
    text = "sha256=EVB6Di9eadXfpApiob17buV-a82FxnybhDGzb_8hxDc"
    assert new.splitlines() == [
        "pkg/__init__.py,sha256=abc,10",
        f"../../../bin/app,{text},3",
        '"with,comma.py",sha256=c,2',
        "pkg/__pycache__/x.pyc,,",
        "pkg-1.dist-info/RECORD,,",
        f"made/real.py,{text},3",
        f"../../../share/x,{text},3",
    ]


def test_a_record_in_which_nothing_changes_stays_as_it_is() -> None:
    def same(row: str) -> str | None:
        return row

    quoted = b'"pkg/__init__.py","sha256=abc",10\n"with ""quotes"" and\na line end.py",,\n'
    for data in (RECORD, RECORD.replace(b"\n", b"\r\n"), b"caf\xe9.py,sha256=a,1\n", quoted):
        assert (
            rewrite_record(parse_record(data), site_packages=SITE, resolve=same, added=(), digests={}, changed=set())
            == data
        )


def test_a_damaged_record_ends_where_it_is_damaged() -> None:
    data = b'pkg.py,sha256=a,1\n"no end,,\n' + b"x" * 200_000
    record = parse_record(data)
    assert record.paths == ("pkg.py",)
    assert "131072" in record.damage, "the limit of a field, which a reader of CSV names"
    assert not parse_record(RECORD).damage


def test_absolute_rows_of_an_installer_become_relative() -> None:
    data = b"/venv/bin/app,sha256=a,1\n"
    new = rewrite_record(
        parse_record(data), site_packages=SITE, resolve=lambda _: "bin/app", added=(), digests={}, changed=set()
    )
    assert parse_record(new).paths == ("../../../bin/app",)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n\0", codec="utf-8"), min_size=1), max_size=5))
def test_any_names_survive_a_record(names: list[str]) -> None:
    data = rewrite_record(
        parse_record(b""),
        site_packages="s",
        resolve=lambda row: row,
        added=[f"s/{name}" for name in names],
        digests={f"s/{name}": Digest(b"", 0) for name in names},
        changed=set(),
    )
    assert set(parse_record(data).paths) == set(names)


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ("pkg/__init__.py", f"{SITE}/pkg/__init__.py"),
        ("pkg/..data", f"{SITE}/pkg/..data"),
        ("./pkg.py", f"{SITE}/pkg.py"),
        ("pkg//inner/./file", f"{SITE}/pkg/inner/file"),
        ("../../../bin/app", "bin/app"),
        ("/venv/bin/app", "/venv/bin/app"),
        ("/venv/lib/../bin/app", "/venv/bin/app"),
        ("../../../../outside", "../outside"),
    ],
)
def test_a_row_means_a_path_counted_from_the_folder_of_the_metadata(row: str, path: str) -> None:
    assert path_of_row(row, SITE) == path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_with_quotes_is_read_like_one_without(end: str) -> None:
    """The second has no need of a reader of CSV, and there are many of them."""
    rows = [("pkg/a.py", "sha256=a", "1"), ("pkg/b.py", "", ""), ("pkg/c.py",), ("a b.py", "sha256=b", "2", "more")]
    plain = end.join(",".join(row) for row in rows) + end + end
    quoted = end.join(",".join(f'"{field}"' for field in row) for row in rows) + end + end
    wanted = [(*row, "", "")[:3] for row in rows]
    assert [row[:3] for row in parse_record(plain.encode()).rows] == wanted
    assert [row[:3] for row in parse_record(quoted.encode()).rows] == wanted
