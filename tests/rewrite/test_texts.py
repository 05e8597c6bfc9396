"""RECORD, .pth, pyvenv.cfg, direct_url.json and pkg-config: what must change changes, the rest stays to the byte."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from bundler.entries import Digest
from bundler.rewrite.direct_url import is_editable, names_local_path
from bundler.rewrite.jupyter import rewrite_kernel
from bundler.rewrite.pkg_config import follow_place, rewrite_pkg_config
from bundler.rewrite.pth import ImportLine, OtherLine, PathLine, parse_pth, rewrite_pth
from bundler.rewrite.pyvenv_cfg import parse, pyvenv_cfg
from bundler.rewrite.record import parse_record, rewrite_record
from bundler.rewrite.sysconfig import MovedDirectory

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
        RECORD,
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
        assert rewrite_record(data, site_packages=SITE, resolve=same, added=(), digests={}, changed=set()) == data


def test_a_damaged_record_ends_where_it_is_damaged() -> None:
    data = b'pkg.py,sha256=a,1\n"no end,,\n' + b"x" * 200_000
    assert [row.path for row in parse_record(data)] == ["pkg.py"]


def test_absolute_rows_of_an_installer_become_relative() -> None:
    data = b"/venv/bin/app,sha256=a,1\n"
    new = rewrite_record(data, site_packages=SITE, resolve=lambda _: "bin/app", added=(), digests={}, changed=set())
    assert parse_record(new)[0].path == "../../../bin/app"


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n\0", codec="utf-8"), min_size=1), max_size=5))
def test_any_names_survive_a_record(names: list[str]) -> None:
    data = rewrite_record(
        b"",
        site_packages="s",
        resolve=lambda row: row,
        added=[f"s/{name}" for name in names],
        digests={f"s/{name}": Digest(b"", 0) for name in names},
        changed=set(),
    )
    assert {row.path for row in parse_record(data)} == set(names)


def test_pth_lines_are_told_apart_as_site_does() -> None:
    lines = parse_pth(b"# comment\n\nimport os; x\nimportant\n/abs/path \nimport\tsys\n")
    assert lines == [
        OtherLine("# comment"), OtherLine(""), ImportLine("import os; x"), PathLine("important"), PathLine("/abs/path"),
        ImportLine("import\tsys"),
    ]  # fmt: skip


def test_pth_paths_into_the_environment_become_relative_and_others_stay() -> None:
    data = b"import x\n/venv/lib/extra\r\nrelative\n/other\n"
    new = rewrite_pth(data, lambda path: "../../extra" if path.startswith("/venv") else None)
    assert new is not None
    assert new.data == b"import x\n../../extra\r\nrelative\n/other\n"
    assert rewrite_pth(b"relative\n/other\n", lambda _: None) is None


def test_pyvenv_cfg_names_no_place_and_is_read_back() -> None:
    config = parse(pyvenv_cfg("3.12.1", "my prompt", "0.1").decode())
    assert "home" not in config
    assert config["include-system-site-packages"] == "false"
    assert config["version"] == config["version_info"] == "3.12.1"
    assert config["relocatable"] == "true"
    assert config["prompt"] == "my prompt"


def test_local_urls_and_editables_are_recognised() -> None:
    assert names_local_path(b'{"url": "file:///src/x", "dir_info": {"editable": true}}')
    assert is_editable(b'{"url": "file:///src/x", "dir_info": {"editable": true}}')
    assert not names_local_path(b'{"url": "https://example.org/x.whl"}')
    assert not is_editable(b'{"url": "file:///x", "dir_info": {}}')
    assert not names_local_path(b"not json")


def test_pkg_config_files_follow_their_place() -> None:
    data = b"prefix=/opt/py\nexec_prefix=${prefix}\nlibdir=/opt/py/lib\nincludedir=${prefix}/include\nLibs.private: -L/opt/py/lib\n"
    new = rewrite_pkg_config(data, [MovedDirectory("/opt/py", "")])
    assert new is not None
    assert b"/opt/py" not in new.data
    assert new.data.startswith(b"prefix=${pcfiledir}/../..\n")
    assert b"-L${prefix}/lib" in new.data
    assert rewrite_pkg_config(new.data, [MovedDirectory("/opt/py", "")]) is None


def test_pkg_config_files_use_only_variables_that_they_define() -> None:
    new = rewrite_pkg_config(
        b"libdir=/opt/py/lib\nName: x\nLibs: -L/opt/py/lib -L${libdir}\n", [MovedDirectory("/opt/py", "")]
    )
    assert new is not None
    assert new.data == b"libdir=${pcfiledir}/../../lib\nName: x\nLibs: -L${pcfiledir}/../../lib -L${libdir}\n"
    new = rewrite_pkg_config(b"prefix=/opt/py\nlibdir=/opt/py/lib\n", [MovedDirectory("/opt/py", "")])
    assert new is not None
    assert new.data == b"prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n"


def test_pkg_config_files_of_packages_keep_their_layout() -> None:
    data = b"prefix=/env\nlibdir=/env/share/app/lib\nsystem=/usr\nLibs: -L${libdir} -L/env/lib -L/envelope\n"
    new = follow_place(data, [MovedDirectory("/env", "")])
    assert new is not None
    assert new.data == (
        b"prefix=${pcfiledir}/../..\nlibdir=${pcfiledir}/../../share/app/lib\nsystem=/usr\n"
        b"Libs: -L${libdir} -L${pcfiledir}/../../lib -L/envelope\n"
    )
    assert follow_place(b"prefix=/usr\n", [MovedDirectory("/env", "")]) is None


def test_a_kernel_runs_on_the_bundle_s_python() -> None:
    def ours(path: str) -> bool:
        return path.startswith("/env \u00e9/")

    kernel = {
        "argv": ["/env \u00e9/bin/python3.12", "-m", "ipykernel_launcher"],
        "display_name": "k",
        "env": {"A": "1"},
    }
    new = rewrite_kernel(json.dumps(kernel).encode(), ours)
    assert new is not None
    assert json.loads(new.data) == kernel | {"argv": ["python", "-m", "ipykernel_launcher"]}
    assert rewrite_kernel(new.data, ours) is None


def test_kernels_of_other_programs_stay_as_they_are() -> None:
    for data in (
        b'{"argv": ["/usr/bin/python3", "-m", "x"]}', b'{"argv": ["/env/bin/xcpp"]}', b'{"argv": []}', b'{"argv": [1]}',
        b"[]", b"no json", b'{"argv": ["python", "-m", "x"]}', b"\xff",
    ):  # fmt: skip
        assert rewrite_kernel(data, lambda path: path.startswith("/env/")) is None, data
