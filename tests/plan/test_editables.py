"""Editable installs of a made-up machine: what takes their place, and what cannot be taken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.entries import Literal, Source
from bundler.errors import UnsupportedEditable
from bundler.options import EditableMode
from bundler.plan.editables import Editables, without_editables
from bundler.sysroot import Sysroot
from tests.plan.editable_project import FINDER, HOOK, Project
from tests.plan.made_up import SITE, Machine, entries, entry


@pytest.mark.parametrize(
    ("files", "brought", "kind"),
    [
        pytest.param({"app.pth": "<src>\n"}, {"app": "app"}, "a path", id="a path"),
        pytest.param(
            {"hook.pth": f"import {HOOK}; x()\n", f"{HOOK}.py": FINDER},
            {"app": "app", "single.py": "single.py"},
            "setuptools (finder)",
            id="a hook of setuptools",
        ),
        pytest.param(
            {
                "hook.pth": "import _app_editable\n",
                "_app_editable.py": "F.map_module('app', '<src>/app/__init__.py')\n",
            },
            {"app": "app"},
            "the library editables",
            id="a hook of the library editables",
        ),
    ],
)
def test_what_an_editable_points_to_comes_along(
    project: Project, files: dict[str, str], brought: dict[str, str], kind: str
) -> None:
    project.install(files)
    found = project.plan()
    assert project.brought(found) == brought
    assert found.removed == {f"{SITE}/{name}" for name in files}
    assert found.added == {f"{SITE}/app-1.dist-info": tuple(f"{SITE}/{path}" for path in brought)}
    assert found.notes == (f"editable app of {project.folder} ({kind}): {', '.join(brought)}",)
    assert [mount.origin for mount in found.mounts] == [f"project:app/{path}" for path in brought]
    assert (found.replaced, found.warnings) == ({}, ())


@pytest.mark.parametrize(
    ("settings", "differs"),
    [
        ('[project]\nname = "app"\nversion = "1.0"\nscripts.run = "app.cli:main"\n', ""),
        ('[project]\nname = "app"\ndynamic = ["version", "scripts"]\n', ""),
        ('[project]\nname = "app"\n[tool.poetry]\nversion = "2"\n', ""),
        ('[project]\nversion = "1.1"\n', "version 1.1 (installed: 1)"),
        ('[tool.poetry]\nversion = "1.1"\nscripts.run = "app.cli:main"\n', "version 1.1 (installed: 1)"),
        ('[project]\nscripts.run = "app.cli:main"\nscripts.admin = "app:admin"\n', "script admin (not installed)"),
        (
            '[project]\nscripts.run = "app.new : main"\n',
            "script run = app.new:main (installed: app.cli:main)",
        ),
        (
            '[project]\nversion = "2"\ngui-scripts.show = "app:show"\n[project.scripts]\n',
            "version 2 (installed: 1); script show (not installed); no script run (installed)",
        ),
        ("[project\n", ""),
    ],
)
def test_an_editable_that_was_installed_before_its_project_changed_is_told(
    project: Project, settings: str, differs: str
) -> None:
    project.machine.put("src/pyproject.toml", settings)
    project.install({"app.pth": "<src>\n"})
    points = "[console_scripts]\nrun = app.cli:main\n\n[other]\nx = y\n"
    project.machine.put(f"env/{SITE}/app-1.dist-info/entry_points.txt", points)
    (told, end) = (
        "app: its pyproject.toml says otherwise than what is installed: ",
        "; the bundle has what is installed: install it again",
    )
    assert project.plan().warnings == ((told + differs + end,) if differs else ())


def test_a_compiled_hook_goes_with_the_hook(project: Project) -> None:
    project.install({"hook.pth": f"import {HOOK}\n", f"{HOOK}.py": FINDER})
    pyc = f"{SITE}/__pycache__/{HOOK}.cpython-312.pyc"
    project.machine.put(f"env/{pyc}")
    project.machine.put(f"env/{SITE}/__pycache__/other.cpython-312.pyc")
    assert project.plan().removed == {f"{SITE}/hook.pth", f"{SITE}/{HOOK}.py", pyc}


def test_a_path_that_nobody_installed_brings_all_that_can_be_imported(project: Project) -> None:
    project.write({"mine.pth": "<src>\n"})
    assert set(project.brought(project.plan())) == {"app", "single.py", "tests"}


def test_other_lines_of_a_pth_file_stay_and_lead_into_the_bundle(project: Project) -> None:
    project.install({"app.pth": f"# mine\n<src>\n{project.machine.folder}/env/vendored\nimport sys\n"})
    found = project.plan()
    assert found.removed == frozenset()
    assert found.replaced == {f"{SITE}/app.pth": Literal(b"# mine\n../../../vendored\nimport sys\n")}


@pytest.mark.parametrize(
    ("text", "left", "line"),
    [
        ("/nowhere/src\n", None, "/nowhere/src"),
        ("../../../../nowhere\n", None, "../../../../nowhere"),
        ("import sys\n/nowhere/src\n", b"import sys\n", "/nowhere/src"),
    ],
)
def test_a_line_that_leads_nowhere_goes(project: Project, text: str, left: bytes | None, line: str) -> None:
    project.write({"stale.pth": text})
    found = project.plan()
    assert found.warnings == (f"{SITE}/stale.pth names {line}, which is not there: left out",)
    assert found.removed == ({f"{SITE}/stale.pth"} if left is None else set())
    assert found.replaced == ({f"{SITE}/stale.pth": Literal(left)} if left is not None else {})


@pytest.mark.parametrize("text", ["vendored\n", "import os; os.x\n", "# /nowhere\n", "../site-packages\n"])
def test_lines_that_lead_nowhere_outside_are_no_editables(project: Project, text: str) -> None:
    project.write({"a.pth": text})
    assert project.plan() == Editables((), frozenset(), {}, {}, (), ())


def test_an_egg_link_brings_modules_metadata_and_the_project_s_scripts(project: Project) -> None:
    project.machine.put("src/app.egg-info/top_level.txt", "app\nsingle\n")
    script = project.machine.put("src/run-app", "#!/usr/bin/env python\n")
    project.write({"App.egg-link": "<src>\n.\n", "easy-install.pth": "<src>\n"})
    stand_in = f"#!/x/python\n# EASY-INSTALL-DEV-SCRIPT: 'app==1','run-app'\n__file__ = '{script}'\n"
    project.machine.put("env/bin/run-app", stand_in)
    project.machine.put("env/bin/other", "#!/x/python\n")
    secret = project.machine.put("home/secret", "no script at all\n")
    project.machine.put("env/bin/no-script", stand_in.replace(str(script), str(secret)))
    found = project.plan()
    assert set(project.brought(found)) == {"app.egg-info", "app", "single.py"}
    assert found.removed == {f"{SITE}/App.egg-link", f"{SITE}/easy-install.pth"}
    assert found.replaced == {"bin/run-app": Source(str(script), script.stat().st_size)}


def test_two_editables_that_bring_one_name_are_told_of(project: Project) -> None:
    other = Project(replace(project.machine))
    project.install({"app.pth": "<src>\n"})
    other.machine.put("second/single.py")
    project.write({"second.pth": f"{project.machine.folder}/second\n", "third.pth": "<src>\n"})
    assert "third and app both bring app" in project.plan().warnings


@pytest.mark.parametrize(
    ("files", "mode", "why"),
    [
        ({"app.pth": "<src>\n"}, EditableMode.ERROR, "app is an editable install of"),
        ({"app.pth": "<src>/empty\n"}, EditableMode.COPY, "none of the modules there bears its name"),
        (
            {"h.pth": f"import {HOOK}\n", f"{HOOK}.py": "x = 1\n"},
            EditableMode.COPY,
            "of a kind that bundler does not know",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused(project: Project, files: dict[str, str], mode: EditableMode, why: str) -> None:
    project.machine.put("src/empty/pyproject.toml")
    project.install(files)
    with pytest.raises(UnsupportedEditable, match=why):
        project.plan(mode)


def test_a_project_that_nobody_knows_cannot_be_built(project: Project) -> None:
    project.write({"mine.pth": "<src>\n"})
    with pytest.raises(UnsupportedEditable, match="nothing in the environment says where the project is"):
        project.plan(EditableMode.BUILD)


def test_in_another_root_paths_and_hooks_have_names_of_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, sysroot=Sysroot(str(tmp_path)))
    project = Project(machine)
    project.install({"app.pth": "/src\n"})
    assert project.brought(project.plan()) == {"app": "app"}
    finder = FINDER.replace("<src>", "/src")
    project.install({"app.pth": f"import {HOOK}\n", f"{HOOK}.py": finder})
    assert project.brought(project.plan()) == {"app": "app", "single.py": "single.py"}


def test_in_another_root_what_further_files_speak_of_is_not_read(tmp_path: Path) -> None:
    project = Project(Machine(tmp_path, sysroot=Sysroot(str(tmp_path))))
    meson = "install('app', {'app'}, '/src/build', [], False)\n"
    project.install({"hook.pth": f"import {HOOK}\n", f"{HOOK}.py": meson})
    with pytest.raises(UnsupportedEditable, match="read only in the root that it is for"):
        project.plan()


def test_entries_lose_what_made_installs_editable() -> None:
    whole = entries(entry("a.pth", "1"), entry("b.pth", "2"), "c.py")
    editables = Editables((), frozenset({"a.pth", "gone.pth"}), {"b.pth": Literal(b"3")}, {}, (), ())
    reason = "nothing in it leads to an editable install any more"
    assert without_editables(whole, editables) == entries(
        whole["b.pth"]._replace(content=Literal(b"3"), reason=reason), "c.py"
    )


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"app.pth": "<src>/nowhere\n"}, id="a path"),
        pytest.param(
            {"hook.pth": f"import {HOOK}; x()\n", f"{HOOK}.py": FINDER.replace("<src>", "<src>/nowhere")}, id="a hook"
        ),
    ],
)
def test_an_editable_whose_project_is_gone_is_an_error(project: Project, files: dict[str, str]) -> None:
    project.install(files)
    with pytest.raises(UnsupportedEditable, match=r"app is an editable install of .*/nowhere.*, which is not there"):
        project.plan()


def test_a_foreign_folder_brings_the_metadata_of_its_modules(project: Project) -> None:
    """pipx puts a folder with its shared libraries on the path of each environment."""
    project.machine.put("shared/pip/__init__.py")
    project.machine.put("shared/pip-1.dist-info/METADATA", "Name: pip\nVersion: 1\n")
    project.write({"pipx_shared.pth": f"{project.machine.folder}/shared\n"})
    paths = {mount.path.removeprefix(f"{SITE}/") for mount in project.plan().mounts}
    assert paths == {"pip", "pip-1.dist-info"}


@pytest.mark.parametrize(
    "hook",
    [
        "MAPPING: dict = {'app': 3, 4: '/x', '..': '/x', '/etc': '/x'}\nNAMESPACES: dict = {'ns': 5, 'm': [6, 'a\\0b']}\n",
        "install({'app': 1}, {}, {'app': 2, 'b': [3]}, None)\n",
        "install_inplace([1], [2])\n",
        "install_inplace(['app'], ['/nowhere/at/all'])\n",
        "MAPPING = {'a': " + "-" * 5000 + "1}\n",
    ],
)
def test_a_hook_with_values_of_other_kinds_is_an_error_or_brings_nothing(project: Project, hook: str) -> None:
    project.install({"hook.pth": f"import {HOOK}; x()\n", f"{HOOK}.py": hook})
    try:
        assert project.plan().mounts == ()
    except UnsupportedEditable as error:
        assert "app" in str(error) or "editable" in str(error)


@pytest.mark.parametrize("destination", ["../../../../outside.py", "../../../..", "../../../../../../etc/x.py"])
def test_an_editable_that_would_put_a_file_out_of_the_bundle_is_an_error(project: Project, destination: str) -> None:
    """What a build back end left in a folder of its own says where each file goes."""
    source = f"{project.folder}/single.py"
    plan = {"python": {source: {"destination": f"{{py_platlib}}/{destination}", "tag": "runtime"}}}
    project.machine.put("build/meson-info/intro-install_plan.json", json.dumps(plan))
    meson = f"install('app', {{'app'}}, '{project.machine.folder}/build', [], False)\n"
    project.install({"hook.pth": f"import {HOOK}; x()\n", f"{HOOK}.py": meson})
    with pytest.raises(UnsupportedEditable, match="out of the environment"):
        project.plan()


@pytest.mark.parametrize(
    "plan",
    [[], {"python": 3}, {"python": {"a": []}}, {"python": {"a": {"destination": "{py_purelib}/a", "exclude_dirs": 4}}}],
)
def test_a_plan_of_meson_with_values_of_other_kinds_is_an_error_or_brings_nothing(
    project: Project, plan: object
) -> None:
    project.machine.put("build/meson-info/intro-install_plan.json", json.dumps(plan))
    meson = f"install('app', {{'app'}}, '{project.machine.folder}/build', [], False)\n"
    project.install({"hook.pth": f"import {HOOK}; x()\n", f"{HOOK}.py": meson})
    try:
        assert project.plan().mounts == ()
    except UnsupportedEditable as error:
        assert "a is not built" in str(error)
