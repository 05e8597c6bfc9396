"""Lines at the head of a module lead libraries to what came along, while they read it, and leave nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.rewrite.companions import Called, Led, rewrite_companion_module
from tests.binaries.elf.programs import compile_c
from tests.material.interpreters import Python, every_python

LIST = Led("PLUGIN_PATH", "../../share/plugins", True, "", stays=False)
FILE = Led("PLUGIN_FILE", "list.cache", False, "", stays=False)
DIRS = Led("DATA_DIRS", "../data", True, "/usr/share", stays=False)
LATE = Led("LATE", "late", False, "", stays=True)
READER = r"""
#include <stdio.h>
#include <stdlib.h>
void read_variables(const char *label) {
    const char *names[] = {"PLUGIN_PATH", "PLUGIN_FILE", "DATA_DIRS", "LATE"};
    for (int i = 0; i < 4; i++) {
        const char *value = getenv(names[i]);
        printf("%s %s=%s\n", label, names[i], value ? value : "-");
    }
    fflush(stdout);
}
"""


def ran(module: Path, python: str, **variables: str) -> tuple[dict[str, str], dict[str, str]]:
    """What a library reads while a module is imported, and what a child process sees afterwards."""
    code = (
        "import runpy, subprocess, sys, json;"
        f"runpy.run_path({str(module)!r});"
        "print(subprocess.check_output([sys.executable, '-c', 'import json, os; print(json.dumps(dict(os.environ)))'], text=True))"
    )
    done = subprocess.run([python, "-c", code], env=variables, capture_output=True, text=True, check=True)
    *read, child = done.stdout.strip().splitlines()
    return dict(line.split(" ", 1)[1].split("=", 1) for line in read), json.loads(child)


def rewritten(folder: Path, led: tuple[Led, ...], calls: tuple[Called, ...]) -> Path:
    module = folder / "site/package/__init__.py"
    module.parent.mkdir(parents=True)
    new = rewrite_companion_module(b'"""Doc."""\nassert __doc__ == "Doc."\n', led, calls)
    assert new is not None
    module.write_bytes(new.data)
    return module


@pytest.mark.parametrize("python", every_python(), ids=str)
def test_a_library_reads_the_bundle_s_paths_and_child_processes_do_not(tmp_path: Path, python: Python) -> None:
    library = compile_c(READER, tmp_path / "libreader.so", "-shared", "-fPIC")
    module = rewritten(tmp_path, (LIST, FILE, DIRS), (Called(str(library), "read_variables", (b"call",)),))
    read, child = ran(module, python.executable)
    assert read == {
        "PLUGIN_PATH": f"{tmp_path}/share/plugins",
        "PLUGIN_FILE": f"{tmp_path}/site/package/list.cache",
        "DATA_DIRS": f"/usr/share:{tmp_path}/site/data",
        "LATE": "-",
    }
    assert not {*read} & {*child}


def test_what_the_user_has_set_counts_as_ever(tmp_path: Path) -> None:
    library = compile_c(READER, tmp_path / "libreader.so", "-shared", "-fPIC")
    module = rewritten(tmp_path, (LIST, FILE, DIRS), (Called(str(library), "read_variables", (b"call",)),))
    own = {"PLUGIN_PATH": "/own:/other", "PLUGIN_FILE": "/own/file", "DATA_DIRS": "/own"}
    read, child = ran(module, sys.executable, **own)
    assert read == {
        "PLUGIN_PATH": f"/own:/other:{tmp_path}/share/plugins",
        "PLUGIN_FILE": "/own/file",
        "DATA_DIRS": f"/own:{tmp_path}/site/data",
        "LATE": "-",
    }
    assert {name: child[name] for name in own} == own
    assert ran(module, sys.executable, PLUGIN_FILE="")[1]["PLUGIN_FILE"] == ""


def test_a_variable_that_is_read_late_stays_set(tmp_path: Path) -> None:
    module = rewritten(tmp_path, (LIST, LATE), ())
    _, child = ran(module, sys.executable)
    assert child["LATE"] == f"{tmp_path}/site/package/late"
    assert "PLUGIN_PATH" not in child


TOLD = r"""
#include <stdio.h>
#include <string.h>
static int made = 7;
void *make(void) { return &made; }
void tell(const char *option, const char *path, char *answer, int *made, const char *nothing) {
    memset(answer, 1, 8);
    printf("read %s=%s\n", option, path);
    printf("read made=%d\n", *made);
    printf("read nothing=%s\n", nothing ? nothing : "-");
    fflush(stdout);
}
"""


def test_a_function_of_a_library_is_told_the_place(tmp_path: Path) -> None:
    library = compile_c(TOLD, tmp_path / "libtold.so", "-shared", "-fPIC")
    call = Called(str(library), "tell", (b"OPTION", "../../share/data", 8, ("make",), None), "DATA")
    module = rewritten(tmp_path, (), (call,))
    read, child = ran(module, sys.executable)
    assert read == {"OPTION": f"{tmp_path}/share/data", "made": "7", "nothing": "-"}
    assert str(tmp_path / "share") not in "".join(child.values())
    assert ran(module, sys.executable, DATA="/own")[0] == {}, "the user's own variable counts"


@pytest.mark.parametrize(
    "call", [Called("libabsent.so.77", "any", (None,)), Called("libc.so.6", "no_such_function", (None,))]
)
def test_a_library_that_is_not_there_stops_nothing(tmp_path: Path, call: Called) -> None:
    _, child = ran(rewritten(tmp_path, (LIST,), (call,)), sys.executable)
    assert "PLUGIN_PATH" not in child


@pytest.mark.parametrize(
    ("text", "above"),
    [
        ("import os\n", ""),
        ('"""Doc."""\n\nimport os\n', '"""Doc."""\n\n'),
        ('"""Doc."""\nfrom __future__ import annotations\nimport os\n', '"""Doc."""\nfrom __future__ import annotations\n'),
        ("# Licence\n\n# why\nimport os\n", "# Licence\n\n"),
        ("# -*- coding: latin-1 -*-\nx = 'ä'\n", "# -*- coding: latin-1 -*-\n"),
        ("import functools\r\n", ""),
        ("@staticmethod\ndef f(): pass\n", ""),
    ],
)  # fmt: skip
def test_lines_stand_before_the_first_statement(text: str, above: str) -> None:
    data = text.encode("latin-1")
    new = rewrite_companion_module(data, (LIST,), ())
    assert new is not None
    assert new.data.startswith(above.encode("latin-1") + b"def _with_companions():")
    assert new.data.endswith(data[len(above) :])
    compile(new.data, "module", "exec")
    assert rewrite_companion_module(new.data, (LIST,), ()) is None


@pytest.mark.parametrize(
    "data",
    [b"def broken(:\n", b"", b"from __future__ import annotations; import os\n", b"\xef\xbb\xbfimport os\n", b"\0"],
)
def test_where_they_cannot_stand_the_module_stays_as_it_is(data: bytes) -> None:
    assert rewrite_companion_module(data, (LIST,), ()) is None


def test_the_variables_name_places_from_the_module_s_folder() -> None:
    new = rewrite_companion_module(b"import os\n", (LIST,), ())
    assert new is not None
    assert os.fsencode(os.getcwd()) not in new.data
