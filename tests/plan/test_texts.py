"""Texts that embed a path: which rewriter is for which file, and what cannot move."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bundler.entries import Literal
from bundler.environment import EnvironmentKind
from bundler.plan.texts import Texts, moved_directories, plan_texts
from bundler.rewrite.sysconfig import MovedDirectory
from tests.material.schemes import POSIX_312
from tests.plan.made_up import SITE, STDLIB, Machine


def planned(machine: Machine) -> Texts:
    return plan_texts(machine.entries, machine.environment, machine.mounts)


def rewritten(machine: Machine, path: str, text: str, mode: int = 0o644) -> str | None:
    """What a file at a bundle path becomes; `<env>` and `<base>` in the text are the two folders. None where it stays."""
    root = "base" if path.startswith(f"{STDLIB}/") and "site-packages" not in path else "env"
    folders = {"<env>": f"{machine.folder}/env", "<base>": f"{machine.folder}/base"}
    for name, folder in folders.items():
        text = text.replace(name, folder)
    machine.put(f"{root}/{path}", text, mode)
    changed = {entry.path: entry.content for entry in planned(machine).entries}
    content = changed.pop(path, None)
    assert changed.keys() <= {f"libexec/bundler/{path}"}
    assert isinstance(content, Literal | None)
    return content.data.decode() if content is not None else None


@pytest.mark.parametrize(
    ("path", "text", "new"),
    [
        pytest.param(f"{SITE}/a.pth", "<env>/vendored\n", "../../../vendored\n", id=".pth into the environment"),
        pytest.param(f"{SITE}/a.pth", "/elsewhere\n", None, id=".pth elsewhere"),
        pytest.param(f"{SITE}/pkg/a.pth", "<env>/vendored\n", None, id=".pth that site does not read"),
        pytest.param(f"{SITE}/pkg/pyvenv.cfg.py", "home = <env>\n", None, id="a module"),
        pytest.param(
            "lib/pkgconfig/a.pc", "prefix=<env>\n", "prefix=${pcfiledir}/../..\n", id="pkg-config of a package"
        ),
        pytest.param("share/pkgconfig/a.pc", "prefix=<env>\n", "prefix=${pcfiledir}/../..\n", id="pkg-config in share"),
        pytest.param("share/other/a.pc", "prefix=<env>\n", None, id="pkg-config that nobody finds"),
        pytest.param("share/jupyter/kernels/a/other.json", '{"argv": ["<env>/bin/python"]}', None, id="no kernel"),
        pytest.param(
            f"{STDLIB}/config-3.12/python-config.py",
            "#!<base>/bin/python3.12\nx\n",
            "#!/usr/bin/env python3\nx\n",
            id="config",
        ),
        pytest.param(f"{STDLIB}/config-3.12/Makefile", "A=<base>/lib\n", "A=$(prefix)/lib\n", id="Makefile"),
        pytest.param(f"{STDLIB}/_sysconfig_vars_x.json", '"<base>/lib"', '"/@bundle@/lib"', id="settings as JSON"),
        pytest.param(f"{STDLIB}/other.py", "A = '<base>/lib'\n", None, id="any module of the standard library"),
        pytest.param("bin/app", "import sys\n", None, id="no shebang"),
        pytest.param("bin/app", "#!/usr/bin/perl\n", None, id="another program"),
    ],
)
def test_a_file_becomes(machine: Machine, path: str, text: str, new: str | None) -> None:
    assert rewritten(machine, path, text) == new


@pytest.mark.parametrize(
    ("path", "mode", "first", "is_ours"),
    [
        ("bin/app", 0o644, "#!<env>/bin/python", True),
        ("bin/app", 0o755, "#!<base>/bin/python3.12", True),
        ("bin/app", 0o755, "#!/usr/bin/env python3", True),
        ("bin/app", 0o755, "#!/usr/bin/python3", True),
        (f"{SITE}/pkg/tool.py", 0o755, "#!<env>/bin/python", True),
        (f"{SITE}/pkg/tool.py", 0o755, "#!/usr/bin/env python3", False),
        (f"{SITE}/pkg/tool.py", 0o644, "#!<env>/bin/python", False),
        ("bin/app", 0o755, "#!/usr/bin/env node", False),
    ],
)
def test_a_script_finds_the_bundle_s_python(machine: Machine, path: str, mode: int, first: str, is_ours: bool) -> None:
    """Every Python in the folder of scripts is the bundle's; elsewhere the environment's alone, in files that may be run."""
    new = rewritten(machine, path, f"{first}\nprint()\n", mode)
    assert (new is not None) == is_ours
    if new is not None:
        way = "python" if path == "bin/app" else "../../../../bin/python"
        assert f'exec "${{__bundler_file%/*}}/{way}"' in new


def test_the_body_of_a_script_with_a_docstring_lies_beside(machine: Machine) -> None:
    machine.put("env/bin/app", f'#!{machine.folder}/env/bin/python\n"""Words."""\n', 0o755)
    found = {entry.path: entry for entry in planned(machine).entries}
    assert set(found) == {"bin/app", "libexec/bundler/bin/app"}
    assert (found["bin/app"].mode, found["libexec/bundler/bin/app"].mode) == (0o755, 0o644)


def test_a_stand_in_of_develop_becomes_the_project_s_script(machine: Machine) -> None:
    script = machine.put("project/app", "#!/usr/bin/env python\nprint('mine')\n")
    text = f"#!<env>/bin/python\n# EASY-INSTALL-DEV-SCRIPT: 'app==1','app'\n__file__ = '{script}'\nexec(...)\n"
    new = rewritten(machine, "bin/app", text, 0o755)
    assert new is not None and new.endswith("' '''\nprint('mine')\n")


def test_a_stand_in_that_names_no_script_brings_nothing_of_what_it_names(machine: Machine) -> None:
    """It could name any file of the machine that packs."""
    secret = machine.put("home/secret", "first line\nno script at all\n")
    text = f"#!<env>/bin/python\n# EASY-INSTALL-DEV-SCRIPT: 'app==1','app'\n__file__ = '{secret}'\nexec(...)\n"
    new = rewritten(machine, "bin/app", text, 0o755)
    assert new is not None and "no script at all" not in new and "exec(...)" in new


def test_a_kernel_of_jupyter_runs_the_bundle_s_python(machine: Machine) -> None:
    new = rewritten(machine, "share/jupyter/kernels/a/kernel.json", '{"argv": ["<env>/bin/python", "-m", "k"]}')
    assert new is not None and json.loads(new) == {"argv": ["python", "-m", "k"]}


def test_a_local_url_goes_and_another_stays(machine: Machine) -> None:
    machine.install("local", direct_url__json='{"url": "file:///src/local"}')
    machine.install("remote", direct_url__json='{"url": "https://example.org/remote.whl"}')
    assert planned(machine).removed == {f"{SITE}/local-1.dist-info/direct_url.json"}


@pytest.mark.parametrize(
    ("path", "text", "warning"),
    [
        ("bin/app", "#!<env>/bin/xonsh\n", "bin/app is run by <env>/bin/xonsh: it will not run in the bundle"),
        (
            "bin/run",
            "#!/bin/sh\ncat <<'E'\n<env>/x\nE\n",
            "bin/run names the environment's place where a shell expands nothing: it will not run in the bundle",
        ),
        (
            "share/v/pyvenv.cfg",
            "home = /x\n",
            "share/v is a virtual environment of its own, whose Python stays behind: it will not run in the bundle",
        ),
    ],
)
def test_what_cannot_move_is_told(machine: Machine, path: str, text: str, warning: str) -> None:
    env = f"{machine.folder}/env"
    machine.put(f"env/{path}", text.replace("<env>", env), 0o755)
    assert planned(machine) == Texts((), frozenset(), (warning.replace("<env>", env),))


def test_a_shell_script_names_the_bundle(machine: Machine) -> None:
    new = rewritten(machine, "bin/run", "#!/bin/sh\nexec <env>/bin/app\n", 0o755)
    assert new is not None and new.endswith('exec "${__bundler_root}"/bin/app\n')


def test_debian_s_standard_library_is_made_like_everybody_s(machine: Machine) -> None:
    path = f"{STDLIB}/site.py"
    text = "dist-packages\nif 'VIRTUAL_ENV' in os.environ or sys.base_prefix != sys.prefix:\n"
    assert rewritten(machine, path, text) is None
    debian = replace(machine.environment, interpreter=replace(machine.interpreter, dist_packages=True))
    (entry,) = plan_texts(machine.entries, debian, machine.mounts).entries
    assert entry.content == Literal(b"dist-packages\nif True:\n")


@pytest.mark.parametrize("name", ["build-details.json", "build-details..x86_64-linux-gnu.json"])
def test_build_details_name_what_came_along_under_any_name(machine: Machine, name: str) -> None:
    config = f"{STDLIB}/config-3.12/libpython3.12.a"
    machine.put(f"base/{config}")
    details = {
        "base_prefix": "<base>",
        "libpython": {"static": "<base>/lib/x/libpython3.12.a", "dynamic": "<base>/lib/no.so"},
    }
    new = rewritten(machine, f"{STDLIB}/{name}", json.dumps(details))
    assert new is not None
    assert json.loads(new) == {"base_prefix": "../..", "libpython": {"static": config}}


def test_what_a_profile_leaves_out_is_told_by_the_error_for_it(machine: Machine) -> None:
    for path in ("tkinter/__init__.py", "turtle.py", "os.py", "lib-dynload/_tkinter.cpython-312-x.so", "data.txt"):
        machine.put(f"base/{STDLIB}/{path}")
    machine.put(
        f"base/{STDLIB}/_missing_stdlib_info.py",
        "_MISSING_STDLIB_MODULE_MESSAGES = {'nt': 'Unsupported platform for it'}\n",
    )
    assert planned(machine).entries == ()
    kept = {path: entry for path, entry in machine.entries.items() if "tkinter" not in path and "turtle" not in path}
    (entry,) = plan_texts(kept, machine.environment, machine.mounts).entries
    assert isinstance(entry.content, Literal)
    told = entry.content.data.decode()
    assert [name for name in ("tkinter", "_tkinter", "turtle", "os", "data", "nt") if f"{name!r} was left out" in told] == [
        "tkinter", "_tkinter", "turtle",
    ]  # fmt: skip


def test_a_library_of_compiled_modules_alone_is_told(machine: Machine) -> None:
    for name in ("ssl", "json"):
        machine.put(f"base/{STDLIB}/{name}.pyc")
    (warning,) = planned(machine).warnings
    assert warning.startswith(f"{STDLIB}/ssl.pyc: compiled modules without their sources are not rewritten")
    machine.put(f"base/{STDLIB}/ssl.py")
    assert planned(machine).warnings == ()


def moved(machine: Machine, prefix: str | None = None) -> dict[str, tuple[str, bool]]:
    """The bundle path of each directory that moves, and whether it does so alone; `BASE` is the base's folder."""
    interpreter = machine.interpreter
    if prefix is not None:
        library, include = f"{prefix}/{STDLIB}", f"{prefix}/include/python3.12"
        interpreter = replace(interpreter, base_prefix=prefix, stdlib=library, include=include)
    found = moved_directories(interpreter, POSIX_312)
    assert all(isinstance(item, MovedDirectory) for item in found)
    base = f"{machine.folder}/base"
    return {item.source.replace(base, "BASE"): (item.path, item.alone) for item in found}


def test_a_prefix_of_python_s_own_moves_as_a_whole(machine: Machine) -> None:
    assert moved(machine) == {"BASE": ("", False)}


def test_the_prefix_that_it_was_built_for_moves_too(machine: Machine) -> None:
    machine.variables = {"BINDIR": "/built/bin"}
    assert moved(machine) == {"BASE": ("", False), "/built": ("", False)}
    machine.variables = {"PYTHON_BUILD_STANDALONE": "1"}
    assert moved(machine) == {"BASE": ("", False), "/install": ("", False)}


def test_of_a_system_s_prefix_only_python_s_folders_move_as_a_whole(machine: Machine) -> None:
    machine.variables = {"LIBDIR": "/usr/lib/x86_64-linux-gnu", "WHEEL_PKG_DIR": "/usr/share/python-wheels"}
    assert moved(machine, "/usr") == {
        "/usr/lib/python3.12": ("lib/python3.12", False),
        "/usr/include/python3.12": ("include/python3.12", False),
        "/usr/share/python-wheels": ("share/python-wheels", False),
        "/usr": ("", True),
        "/usr/bin": ("bin", True),
        "/usr/include": ("include", True),
        "/usr/lib": ("lib", True),
        "/usr/lib/x86_64-linux-gnu": ("lib", True),
        "/usr/lib/x86_64-linux-gnu/pkgconfig": ("lib/pkgconfig", True),
        "/usr/share": ("share", True),
        "/usr/share/man": ("share/man", True),
    }


def test_the_root_itself_is_no_directory_that_a_text_could_name(machine: Machine) -> None:
    found = moved(machine, "/")
    assert {"/bin", "/lib", "/share"} <= found.keys()
    assert not {"", "/"} & found.keys()


def test_pkg_config_files_of_an_installation_may_name_the_prefix_that_it_was_built_for(machine: Machine) -> None:
    machine.variables = {"BINDIR": "/built/bin"}
    text, new = (
        f"Libs: -L{machine.folder}/base/lib -L/built/lib\n",
        b"Libs: -L${pcfiledir}/../../lib -L${pcfiledir}/../../lib\n",
    )
    machine.put("base/share/pkgconfig/a.pc", text)
    machine.put("env/share/pkgconfig/a.pc", text)
    assert planned(machine).entries == ()
    machine.kind = EnvironmentKind.INSTALLATION
    (entry,) = planned(machine).entries
    assert entry.content == Literal(new)
