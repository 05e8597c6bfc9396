"""The Python API takes what the command line takes, under the same names, and says what is wrong with anything else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

import click
import pytest

import bundler
from bundler.audit import AuditReport
from bundler.binaries import elf, macho
from bundler.binaries.request import Request
from bundler.cli.pack import pack as command
from bundler.errors import BadOption, BundlerError, Problems
from bundler.faults import Fault, FaultKind
from bundler.fixing import FixReport
from bundler.floor import Floor
from bundler.formats import FORMAT_NAMES
from bundler.keywords import PackKeywords
from bundler.manifest import ChangedFile, FileFact, Manifest, PythonFacts
from bundler.option_kinds import read_fields, values_of
from bundler.option_names import named_options, with_keywords
from bundler.options import (
    AuditDepth,
    ContentOptions,
    EditableMode,
    ImageOptions,
    LinkMode,
    PackOptions,
    Profile,
    Pyc,
    SbomFormat,
    Symlinks,
)
from bundler.report import PackReport
from tests.material.environments import make
from tests.material.interpreters import main_python
from tests.material.schemes import POSIX_312

API: Any = bundler
"""For calls that a type checker refuses."""
OF_THE_COMMAND = {"out", "config", "trace-save", "json", "quiet", "verbose", "help"}


def chosen(**keywords: Any) -> PackOptions:
    return with_keywords(PackOptions(), keywords)


def test_command_line_configuration_and_keywords_have_the_same_options() -> None:
    words = {
        max(option.opts, key=len).lstrip("-") for option in command.params if isinstance(option, click.Option)
    } - OF_THE_COMMAND
    assert words == set(named_options())
    assert {option.keyword for option in named_options().values()} == set(get_type_hints(PackKeywords))


def test_every_keyword_reaches_its_option() -> None:
    options = chosen(
        root=Path("/image"),
        link="copy",
        profile="runtime",
        pyc=Pyc.NONE,
        editable="build",
        symlinks="none",
        audit="quick",
        exclude=["tests/", "docs/"],
        include=("docs/api.md",),
        add=[Path("data"), "etc=share/etc"],
        exclude_lib=["libz.so.1"],
        entry="app.cli:main",
        base="image.tar",
        image_env=["A=b"],
        image_name="app:1",
        threads=2,
        level=None,
        system_site=False,
        format="tar.gz",
        thin="arm64",
        sbom=["cyclonedx", SbomFormat.SPDX],
        licences=Path("texts"),
    )
    assert options == PackOptions(
        content=ContentOptions(
            profile=Profile.RUNTIME,
            pyc=Pyc.NONE,
            editable=EditableMode.BUILD,
            symlinks=Symlinks.NONE,
            patterns=("tests/", "docs/", "!docs/api.md"),
            add=("data", "etc=share/etc"),
            exclude_libs=("libz.so.1",),
            entry="app.cli:main",
            system_site=False,
            thin="arm64",
            sbom=(SbomFormat.CYCLONEDX, SbomFormat.SPDX),
        ),
        image=ImageOptions(base="image.tar", variables=("A=b",), name="app:1"),
        root="/image",
        link=LinkMode.COPY,
        audit=AuditDepth.QUICK,
        threads=2,
        format="tar.gz",
        licences="texts",
    )


def test_keywords_change_what_options_say() -> None:
    before = PackOptions(ContentOptions(profile=Profile.SLIM, patterns=("a",), pyc=Pyc.NONE), level=3, force=True)
    after = with_keywords(before, {"profile": "full", "include": ["b"], "level": None, "pyc": None})
    assert after == PackOptions(ContentOptions(profile=Profile.FULL, patterns=("a", "!b")), force=True)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"profile": "runtim"}, ("profile", "full", "standard", "runtime", "slim", "'runtim'")),
        ({"profile": Pyc.NONE}, ("profile", "full, ", "Pyc.NONE")),
        ({"profile": None}, ("profile", "None")),
        ({"format": "rar"}, ("format", *FORMAT_NAMES)),
        ({"thin": "ppc"}, ("thin", "arm64, x86_64")),
        ({"exclude": "tests/"}, ("exclude", "a list of strings", "['tests/']")),
        ({"add": [3]}, ("add", "a list of strings")),
        ({"sbom": ["spdx", "swid"]}, ("sbom", "cyclonedx, spdx", "'swid'")),
        ({"sbom": "spdx"}, ("sbom", "a list of strings", "['spdx']")),
        ({"force": "no"}, ("force", "true or false")),
        ({"level": "9"}, ("level", "a number")),
        ({"threads": 0}, ("threads", "1 or more")),
        ({"entry": 3}, ("entry", "a string")),
        ({"add": ["a\0b"]}, ("add", "a list of strings", "a\\x00b")),
        ({"exclude_libs": ["x"]}, ("exclude_libs", "did you mean exclude_lib?")),
        ({"qwertz": 1}, ("qwertz", "there are add, allow_incomplete")),
    ],
)
def test_a_wrong_option_is_an_error_that_lists_the_right_ones(keywords: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(BadOption) as caught:
        bundler.pack("/nowhere", "/nowhere/out", **keywords)
    for word in words:
        assert word in f"{caught.value.message}; {caught.value.hint}"


def test_several_wrong_options_are_told_together() -> None:
    with pytest.raises(BadOption) as caught:
        bundler.pack("/nowhere", "/nowhere/out", profile="x", link="y")
    assert isinstance(caught.value, Problems) and len(caught.value.errors) == 2


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: API.ContentOptions(profile="runtim"), "full, standard, runtime, slim"),
        (lambda: API.ContentOptions(patterns="tests/"), "['tests/']"),
        (lambda: API.ContentOptions(thin="ppc"), "arm64, x86_64"),
        (lambda: API.PackOptions(link="soft"), "auto, copy, hardlink, reflink"),
        (lambda: API.PackOptions(content="runtime"), "ContentOptions(...)"),
        (lambda: API.PackOptions(API.ImageOptions()), "ContentOptions(...)"),
        (lambda: API.ImageOptions(variables="A=b"), "['A=b']"),
        (lambda: API.pack("/nowhere", "/out", "runtime"), "PackOptions(...)"),
        (lambda: API.pack("/nowhere", "/out", API.ContentOptions()), "PackOptions(...)"),
        (lambda: API.pack("/nowhere"), "in_place=True"),
        (lambda: API.pack(None, "/out"), "environment must be a path, not None"),
        (lambda: API.pack("/nowhere", 3), "out must be a path, not 3"),
        (lambda: API.pack("/nowhere", "/out\0"), "out must be a path, not '/out\\x00'"),
        (lambda: API.verify("/nowhere", audit="deep"), "quick, full"),
        (lambda: API.verify("/nowhere", depth="deep"), "quick, full"),
        (lambda: API.verify("/nowhere", run="no"), "true or false"),
        (lambda: API.verify(3), "bundle must be a path"),
        (lambda: API.inspect(""), "path must be a path"),
        (lambda: API.inspect("/nowhere", probe="no"), "true or false"),
        (lambda: API.diff("", "/nowhere"), "old must be a path"),
        (lambda: API.diff("/nowhere", 3), "new must be a path"),
        (lambda: API.fix(None), "bundle must be a path"),
    ],
)
def test_a_wrong_argument_of_any_function_is_an_error_that_says_the_right_ones(call: Any, word: str) -> None:
    with pytest.raises(BundlerError) as caught:
        call()
    assert word in f"{caught.value.message}; {caught.value.hint}"


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (kind, field.name)
        for kind in (elf.Edits, macho.Edits, Request)
        for field in fields(kind)
        if re.match(r"(Sequence|Collection|tuple|frozenset)\[", str(field.type))
    ],
)
def test_the_patcher_does_not_take_one_text_apart_where_several_are_wanted(kind: Any, field: str) -> None:
    with pytest.raises(BadOption, match=f"{field} must be a list of strings, not 'libz.so'"):
        kind(**{field: "libz.so"})


def test_a_pack_in_place_names_no_output(tmp_path: Path) -> None:
    environment = make("uv venv", main_python(), tmp_path / ".venv")
    report = bundler.pack(environment, in_place=True, dry_run=True, verify=False)
    assert (report.out, report.format) == (None, "directory")
    assert report.files > 100
    with pytest.raises(BundlerError, match="lies elsewhere"):
        bundler.pack(environment, tmp_path / "other", in_place=True, dry_run=True)


def test_options_values_take_text_as_well() -> None:
    assert API.ContentOptions(profile="slim", add=[Path("a")]) == ContentOptions(Profile.SLIM, add=("a",))


def test_a_pack_s_report_tells_files_floor_and_changes_without_the_manifest() -> None:
    floor = Floor("glibc", (2, 34), "bin/python3.12", "GLIBC_2.34")
    change = ChangedFile("bin/app", "env:bin/app", "a script")
    files = {"bin/python3": FileFact(link="python3.12"), "bin/python3.12": FileFact("0"), "bin/app": FileFact("1")}
    python = PythonFacts("3.12.1", POSIX_312, None, (), (".so",))
    manifest = Manifest("1", python, "x86_64", floor, (), files, (change,), libc="glibc")
    audit = AuditReport((Fault(FaultKind.CONTENT, "bin/app", "differs", "pack again"),), 3)
    report = PackReport("app", "directory", manifest, 0, (), 0, 0, audit, None)
    assert (report.files, report.floor, report.changed, report.faults) == (2, floor, (change,), 1)
    told = json.loads(json.dumps(report.to_dict()))
    assert (told["files"], told["links"], told["floor"]["glibc"]) == (2, 1, "2.34")
    assert told["changed"] == [{"path": "bin/app", "origin": "env:bin/app", "reason": "a script"}]
    assert told["audit"] == json.loads(json.dumps(audit.to_dict())) == audit.as_json()
    assert told["audit"]["faults"] == [
        {"kind": "content", "path": "bin/app", "message": "differs", "hint": "pack again"}
    ]


def test_a_field_that_is_no_option_is_held_to_its_type() -> None:
    @dataclass(frozen=True)
    class Own:
        names: frozenset[str] = frozenset()
        mark: str = ""

    assert set(values_of(Own)) == {"mark"}
    read_fields(Own(frozenset({"a"})))
    with pytest.raises(BadOption, match=r"names must be frozenset\(...\), not 'a'"):
        read_fields(Own("a"))  # type: ignore[arg-type]


def test_the_import_is_light() -> None:
    heavy = ("click", "rich", "elftools", "bundler.environment", "bundler.audit", "bundler.plan", "bundler.report")
    script = f"import sys, bundler; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_type_checkers_know_the_keywords(tmp_path: Path) -> None:
    """mypy, on a user's file: what is right passes, each wrong line is told."""
    pytest.importorskip("mypy")
    (tmp_path / "use.py").write_text(
        "from pathlib import Path\n"
        "import bundler\n"
        'report = bundler.pack(Path("e"), "o", profile="runtime", exclude=["a"], link=bundler.LinkMode.COPY)\n'
        "print(report.files + 1, report.changed[0].path, report.floor.text if report.floor else '', report.to_dict())\n"
        'bundler.pack("e", "o", bundler.PackOptions())\n'
        'bundler.pack("e", "o", profil="runtime")\n'
        'bundler.pack("e", "o", force="yes")\n'
        'bundler.pack("e", "o", exclude="tests/")\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", "--cache-dir", tmp_path / "cache", "use.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"MYPYPATH": str(Path(__file__).parents[1]), "PATH": ""},
    )
    wrong = [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line]
    assert wrong == ["6", "7", "8"], done.stdout + done.stderr


@pytest.mark.parametrize("name", ["pack", "verify", "inspect", "diff", "read_contents", "fix"])
def test_programs_can_ask_for_the_types_of_the_api(name: str) -> None:
    hints = get_type_hints(getattr(bundler, name))
    reports = (PackReport, AuditReport, FixReport, bundler.Contents, bundler.Difference)
    assert hints["return"] in reports or name == "inspect"
    assert len(hints) > 1
