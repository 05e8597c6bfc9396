"""Editable installs that only a `.start` file leads to (3.15), and those of which nothing is left but the word."""

from __future__ import annotations

import codecs
import json

import pytest

from bundler.entries import Literal
from bundler.environment.facts import VersionInfo
from bundler.errors import UnsupportedEditable
from bundler.options import EditableMode
from bundler.plan.editables.found import Editable
from bundler.plan.editables.mapping import EditableFiles, FileMapping
from tests.plan.editable_project import FINDER, HOOK, Project
from tests.plan.made_up import SITE

LOADER = "_app_editable_loader"
PLAN = '{"python": {"<src>/app": {"destination": "{py_purelib}/app"}}}'
MESON = "def init():\n    finder = MesonpyMetaFinder('app', {'app'}, '<src>/build', [], False)\n"
SCIKIT = "def entrypoint() -> None:\n    install({'app': '<src>/app/__init__.py'}, {}, {'app': ['<src>/app']}, ['app'], None)\n"
BOM = codecs.BOM_UTF8.decode()


@pytest.fixture
def project(project: Project) -> Project:
    """The project, in an environment of 3.15."""
    project.machine.version = VersionInfo(3, 15, 2, "final", 0)
    project.machine.put("src/build/meson-info/intro-install_plan.json", PLAN.replace("<src>", project.folder))
    return project


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        pytest.param(
            {"app-editable.start": f"{LOADER}:init", f"{LOADER}.py": MESON}, "meson-python", id="meson-python 0.22"
        ),
        pytest.param(
            {"_editable_skbc_app.start": f"{BOM}_editable_skbc_app:entrypoint", "_editable_skbc_app.py": SCIKIT},
            "scikit-build-core (redirect)",
            id="scikit-build-core 1.1, with its byte order mark",
        ),
        pytest.param(
            {"x.start": f"# mine\r\n\r\n  {HOOK} : install \r\n", f"{HOOK}.py": FINDER.replace("'single'", "'app.x'")},
            "setuptools (finder)",
            id="comments and spaces",
        ),
        pytest.param(
            {"app.start": "hidden_loader:init", "hidden_loader.py": MESON},
            "meson-python",
            id="any name in its own list",
        ),
    ],
)
def test_what_a_start_file_leads_to_comes_along(project: Project, files: dict[str, str], kind: str) -> None:
    project.install(files)
    found = project.plan()
    assert project.brought(found)["app"] == "app"
    assert found.removed == {f"{SITE}/{name}" for name in files}
    assert found.notes[0].startswith(f"editable app of {project.folder} ({kind}): app")
    assert (found.replaced, found.warnings) == ({}, ())


def test_a_python_that_does_not_read_start_files_runs_none(project: Project) -> None:
    project.machine.version = VersionInfo(3, 14, 0, "final", 0)
    project.write({"x.start": f"{HOOK}:install\n", f"{HOOK}.py": FINDER})
    assert project.plan().mounts == ()


def test_entry_points_of_others_stay(project: Project) -> None:
    project.write({"x.start": f"os:getcwd\n{LOADER}:init\n", f"{LOADER}.py": MESON})
    found = project.plan()
    assert found.removed == {f"{SITE}/{LOADER}.py"}
    assert found.replaced == {f"{SITE}/x.start": Literal(b"os:getcwd\n")}


def test_a_hook_that_is_named_twice_is_read_once(project: Project) -> None:
    """A back end may serve older Pythons by an `import` line beside the `.start` file, which silences it."""
    hook = {f"{LOADER}.py": MESON}
    project.install({"x.start": f"{LOADER}:init\n", "x.pth": f"import {LOADER}; {LOADER}.init()\n", **hook})
    found = project.plan()
    assert [mount.path for mount in found.mounts] == [f"{SITE}/app"]
    assert found.removed == {f"{SITE}/x.start", f"{SITE}/x.pth", f"{SITE}/{LOADER}.py"}


def test_lines_that_a_start_file_silenced_stay_silent(project: Project) -> None:
    project.install({"x.start": f"{LOADER}:init\n", "x.pth": "import os; os.abort()\n", f"{LOADER}.py": MESON})
    found = project.plan()
    assert found.removed == {f"{SITE}/{LOADER}.py"}
    assert found.replaced == {f"{SITE}/x.start": Literal(b"")}


def test_a_silenced_line_leads_to_no_editable(project: Project) -> None:
    project.write({"x.start": "", "x.pth": f"import {HOOK}\n", f"{HOOK}.py": FINDER})
    assert project.plan().mounts == ()


@pytest.mark.parametrize("minor", [8, 12, 15])
def test_an_editable_to_which_nothing_leads_is_an_error(project: Project, minor: int) -> None:
    project.machine.version = VersionInfo(3, minor, 0, "final", 0)
    project.install({"app.pth": "# nothing\n"})
    for mode in (EditableMode.COPY, EditableMode.ERROR):
        with pytest.raises(
            UnsupportedEditable, match=rf"app is an editable install of {project.folder} .* nothing in the environment"
        ) as caught:
            project.plan(mode)
        assert "--allow-incomplete" in caught.value.hint
    found = project.plan(allow_incomplete=True)
    assert found.warnings == ("app is an editable install to which nothing leads: its modules stay behind",)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="a project without modules"),
        pytest.param({"app/__init__.py": ""}, id="maturin: the module itself"),
        pytest.param({"app.cpython-312-x86_64-linux-gnu.so": ""}, id="an extension"),
    ],
)
def test_an_editable_that_has_what_it_installed_is_not_lost(project: Project, files: dict[str, str]) -> None:
    project.install(files)
    assert project.plan().warnings == ()


def test_modules_that_are_no_hooks_may_be_imported_by_pth_files(project: Project) -> None:
    """An editable's own beside its path, and those of a distribution whose name only looks like a hook's."""
    project.install({"_app.pth": "<src>\n", "app_autoload.pth": "import app_autoload\n", "app_autoload.py": ""})
    project.write({"editable_forms.pth": "import editable_forms\n", "editable_forms/__init__.py": ""})
    project.machine.install("editable_forms", "editable_forms.pth,,", "editable_forms/__init__.py,,")
    found = project.plan()
    assert found.warnings == ()
    assert "app" in project.brought(found)


def test_its_wheel_is_built_from_the_project_that_its_metadata_names(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.install({"app.pth": "# nothing\n"})
    asked = []

    def build(editable: Editable, *_: object) -> EditableFiles:
        asked.append((editable.name, editable.project))
        return EditableFiles("built", (FileMapping(f"{project.folder}/app", "app"),))

    monkeypatch.setattr("bundler.plan.editables.planning.files_of", build)
    found = project.plan(EditableMode.BUILD)
    assert asked == [("app", project.folder)]
    assert (project.brought(found), found.warnings) == ({"app": "app"}, ())
    assert found.added == {f"{SITE}/app-1.dist-info": (f"{SITE}/app",)}


@pytest.mark.parametrize("line", ["<src>\n", "<env>/src/app\n"])
def test_one_whose_list_names_nothing_is_known_by_its_project(project: Project, line: str) -> None:
    """An installer may leave no list; pip clones a project into the environment's own folder, which comes along as it is."""
    place = line.strip().replace("<src>", project.folder).replace("<env>", f"{project.machine.folder}/env")
    project.machine.put(f"{place}/app/__init__.py")
    project.write({"other.pth": place + "\n"})
    url = json.dumps({"url": f"file://{place}", "dir_info": {"editable": True}})
    project.machine.install("app", direct_url__json=url)
    project.plan()
