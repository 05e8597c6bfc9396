"""The interpreter's own configuration follows the bundle, and keeps no path of the builder."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from bundler.rewrite.sysconfig import (
    MARK,
    MovedDirectory,
    replace_directories,
    rewrite_build_details,
    rewrite_makefile,
    rewrite_sh_config,
    rewrite_sysconfigdata,
)
from tests.material.programs import need

DATA = b"""# generated
build_time_vars = {'BINDIR': '/opt/py/bin',
 'CONFIG_ARGS': "'--prefix=/opt/py' 'LDFLAGS=-L/opt/py/lib -Wl,-rpath,/opt/py/lib'",
 'LIBDIR': '/opt/py/lib',
 'N': 3,
 'OTHER': '/opt/pyother/lib',
 'prefix': '/opt/py'}
"""
PLAIN = [MovedDirectory("/opt/py", "")]
DEBIAN = [
    MovedDirectory("/usr/lib/python3.11", "lib/python3.11"),
    MovedDirectory("/usr/lib/x86_64-linux-gnu", "lib", alone=True),
    MovedDirectory("/usr/bin", "bin", alone=True),
    MovedDirectory("/usr", "", alone=True),
]


def values(file: Path, how: list[str], text: bytes | None = None) -> dict[str, object]:
    done = subprocess.run([sys.executable, *how], input=text, capture_output=True, cwd=file.parent, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert isinstance(result, dict)
    return result


def test_the_data_follow_the_file_imported_and_the_running_python_as_text(tmp_path: Path) -> None:
    new = rewrite_sysconfigdata(DATA, PLAIN, 2)
    assert new is not None
    assert b"/opt/py/" not in new.data and b"'/opt/py'" not in new.data
    assert new.data.splitlines()[1].startswith(b"build_time_vars = {")
    folder = tmp_path / "B with space/lib/python3.12"
    folder.mkdir(parents=True)
    file = folder / "_sysconfigdata__linux_x.py"
    file.write_bytes(new.data)
    show = "import json; print(json.dumps({0}build_time_vars))"
    imported = values(file, ["-c", "import _sysconfigdata__linux_x as d; " + show.format("d.")])
    prefix = str(tmp_path / "B with space")
    assert imported["LIBDIR"] == f"{prefix}/lib"
    assert imported["prefix"] == prefix
    assert imported["OTHER"] == "/opt/pyother/lib"
    assert imported["N"] == 3
    assert f"-L{prefix}/lib -Wl,-rpath,{prefix}/lib" in str(imported["CONFIG_ARGS"])
    read = values(file, ["-"], new.data + b"\n" + show.format("").encode())
    assert read["LIBDIR"] == f"{sys.base_prefix}/lib"


def test_words_for_a_shell_stay_words_below_a_path_with_spaces_and_quotes(tmp_path: Path) -> None:
    data = (
        b"build_time_vars = {'LDSHARED': 'gcc -shared -L/opt/py/lib -Wl,-rpath,/opt/py/lib',\n"
        b" 'CONFIG_ARGS': \"'--prefix=/opt/py' 'LDFLAGS=-L/opt/py/lib' -L/opt/py\", 'LIBDIR': '/opt/py/lib'}\n"
    )
    new = rewrite_sysconfigdata(data, PLAIN, 2)
    assert new is not None
    prefix = tmp_path / "sp ace's $x"
    (prefix / "lib/python3.12").mkdir(parents=True)
    file = prefix / "lib/python3.12/_sysconfigdata_x.py"
    file.write_bytes(new.data)
    code = "import json, _sysconfigdata_x; print(json.dumps(_sysconfigdata_x.build_time_vars))"
    found = values(file, ["-c", code])
    assert shlex.split(str(found["LDSHARED"])) == ["gcc", "-shared", f"-L{prefix}/lib", f"-Wl,-rpath,{prefix}/lib"]
    assert shlex.split(str(found["CONFIG_ARGS"])) == [f"--prefix={prefix}", f"LDFLAGS=-L{prefix}/lib", f"-L{prefix}"]
    assert found["LIBDIR"] == f"{prefix}/lib"


def test_debian_s_data_lose_their_own_folders_and_keep_the_host_s(tmp_path: Path) -> None:
    data = (
        b"build_time_vars = {'BINDIR': '/usr/bin',\n 'INSTALL': '/usr/bin/install -c',\n 'LIBDIR': '/usr/lib/x86_64-linux-gnu',\n"
        b" 'LIBPL': '/usr/lib/python3.11/config-3.11-x86_64-linux-gnu',\n 'TZPATH': '/usr/share/zoneinfo',\n 'prefix': '/usr'}\n"
    )
    new = rewrite_sysconfigdata(data, DEBIAN, 2)
    assert new is not None
    text = new.data.decode()
    assert f"'BINDIR': '{MARK}/bin'" in text
    assert "'INSTALL': '/usr/bin/install -c'" in text
    assert f"'LIBDIR': '{MARK}/lib'" in text
    assert f"'LIBPL': '{MARK}/lib/python3.11/config-3.11-x86_64-linux-gnu'" in text
    assert "'TZPATH': '/usr/share/zoneinfo'" in text
    assert f"'prefix': '{MARK}'" in text
    assert rewrite_sysconfigdata(new.data, DEBIAN, 2) is None


def test_make_computes_the_prefix_from_the_makefile_s_place(tmp_path: Path) -> None:
    data = b"prefix=\t\t/opt/py\nLIBDIR=\t$(prefix)/lib\nOTHER=-L/opt/py/lib\nshow:\n\t@echo $(LIBDIR) $(OTHER)\n"
    new = rewrite_makefile(data, PLAIN)
    assert new is not None
    folder = tmp_path / "lib/python3.12/config-3.12"
    folder.mkdir(parents=True)
    (folder / "Makefile").write_bytes(new.data)
    make = need("make")
    done = subprocess.run([make, "-s", "-f", folder / "Makefile", "show"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"{tmp_path}/lib", f"-L{tmp_path}/lib"]


def test_the_shell_script_uses_the_prefix_that_it_found() -> None:
    data = b'prefix_real=$(installed_prefix "$0")\nprefix="/opt/py"\nLIBS="-L/opt/py/lib"\n'
    new = rewrite_sh_config(data, PLAIN)
    assert new is not None
    assert b"installed_prefix" not in new.data
    assert new.data.endswith(b'prefix="${prefix_real}"\nLIBS="-L${prefix_real}/lib"\n')
    assert rewrite_sh_config(b"#!/bin/sh\n/opt/py\n", PLAIN) is None


def test_the_shell_script_finds_itself_below_a_path_with_spaces_and_through_a_link(tmp_path: Path) -> None:
    data = b'#!/bin/sh\nprefix_real=$(installed_prefix "$0")\nprefix="/opt/py"\necho "$prefix"\n'
    new = rewrite_sh_config(data, PLAIN)
    assert new is not None
    script = tmp_path / "sp ace's/bin/python3-config"
    script.parent.mkdir(parents=True)
    script.write_bytes(new.data)
    (tmp_path / "link").symlink_to(script)
    for path in (script, tmp_path / "link"):
        done = subprocess.run(["sh", path], capture_output=True, text=True, check=True)
        assert done.stdout == f"{tmp_path}/sp ace's\n"


def test_build_details_are_relative_as_pep_739_allows() -> None:
    details = {
        "schema_version": "1.0",
        "base_prefix": "/opt/py",
        "base_interpreter": "/opt/py/bin/python3.14",
        "libpython": {"dynamic": "/opt/py/lib/libpython3.14.so.1.0", "link_extensions": True},
        "c_api": {"headers": "/opt/py/include/python3.14"},
    }
    new = rewrite_build_details(json.dumps(details).encode(), "lib/python3.14", PLAIN)
    assert new is not None
    read = json.loads(new.data)
    assert os.path.normpath(os.path.join("/B/lib/python3.14", read["base_prefix"])) == "/B"
    assert read["base_interpreter"] == "bin/python3.14"
    assert read["libpython"]["dynamic"] == "lib/libpython3.14.so.1.0"
    assert rewrite_build_details(new.data, "lib/python3.14", PLAIN) is None


def test_build_details_name_nothing_that_stayed_behind() -> None:
    libraries = {"static": "/opt/py/lib/x/libpython3.15.a", "dynamic": "/opt/py/lib/gone.so", "link_extensions": True}
    details = {
        "base_prefix": "/opt/py",
        "libpython": libraries,
        "c_api": {"headers": "/opt/py/include", "pkgconfig_path": "/x/pc"},
    }
    config = "lib/python3.15/config-3.15/libpython3.15.a"

    def place(path: str) -> str | None:
        return {"lib/x/libpython3.15.a": config, "include": "include"}.get(path)

    new = rewrite_build_details(json.dumps(details).encode(), "lib/python3.15", PLAIN, place)
    assert new is not None
    read = json.loads(new.data)
    assert read["libpython"] == {"static": config, "link_extensions": True}
    assert read["c_api"] == {"headers": "include"}
    new = rewrite_build_details(json.dumps(details).encode(), "lib/python3.15", PLAIN, lambda _: None)
    assert new is not None and "c_api" not in json.loads(new.data)


def test_only_whole_directories_are_replaced() -> None:
    def replaced(text: str) -> str | None:
        new = replace_directories(text.encode(), PLAIN, "@")
        return None if new is None else new.decode()

    for same in ("/srv/opt/py/lib", "/opt/pyother", "relative/opt/py", "/x//opt/py", "/opt/py-3", "-L/srv/opt/py"):
        assert replaced(same) is None
    assert replaced("/opt/py") == "@"
    assert replaced("-L/opt/py/lib -Wl,-rpath,/opt/py/lib") == "-L@/lib -Wl,-rpath,@/lib"
    assert replaced("--prefix=/opt/py:/opt/py/bin '/opt/py'") == "--prefix=@:@/bin '@'"
    assert replaced("'./opt/py'") == "'.@'"
    assert replaced("file:///opt/py/share") == "file://@/share"
    assert replaced("'first\\n/opt/py/lib'") == "'first\\n@/lib'"
