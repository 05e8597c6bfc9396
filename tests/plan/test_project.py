"""The modules that an editable install means, by the settings of each back end and without any."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.plan.project import importable, modules_of

SUFFIXES = (".cpython-312-x86_64-linux-gnu.so", ".abi3.so", ".so")
NAMED = '[project]\nname = "my-app"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's root with more beside its modules than belongs into site-packages."""
    for name in ("my_app", "other", "tests", "docs", "scripts"):
        (tmp_path / name).mkdir()
    for name in (
        "my_app/__init__.py",
        "other/__init__.py",
        "tests/test_it.py",
        "single.py",
        "setup.py",
        "docs/index.md",
    ):
        (tmp_path / name).write_text("")
    return tmp_path


def settings(project: Path, text: str) -> Path:
    (project / "pyproject.toml").write_text(text)
    return project


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[tool.uv.build-backend]\nmodule-name = "other"\nmodule-root = ""\n', id="uv"),
        pytest.param('[tool.uv.build-backend]\nmodule-name = "other.inner"\n', id="uv, in a namespace"),
        pytest.param('[tool.hatch.build.targets.wheel]\npackages = ["other"]\n', id="hatchling, packages"),
        pytest.param(
            '[tool.hatch.build.targets.wheel]\nonly-include = ["/other/inner"]\n', id="hatchling, only-include"
        ),
        pytest.param('[tool.flit.module]\nname = "other"\n', id="flit"),
        pytest.param('[tool.poetry]\npackages = [{ include = "other" }]\n', id="poetry"),
        pytest.param(
            '[tool.poetry]\npackages = [{ include = "other/**/*.py", format = "sdist" }]\n', id="poetry, glob"
        ),
        pytest.param('[tool.pdm.build]\nincludes = ["other/"]\n', id="pdm"),
    ],
)
def test_what_the_back_ends_settings_name_is_meant_and_nothing_beside_it(project: Path, text: str) -> None:
    assert modules_of(str(settings(project, NAMED + text)), "my-app", SUFFIXES) == ["other"]


@pytest.mark.parametrize(
    "text",
    [
        '[tool.uv.build-backend]\nmodule-name = ["single", "my_app"]\n',
        '[tool.hatch.build.targets.wheel]\npackages = ["my_app"]\nonly-include = ["single.py", "my_app"]\n',
        '[tool.poetry]\npackages = [{ include = "single.py" }, { include = "my_app" }, { include = "my_app/sub" }]\n',
        '[tool.pdm.build]\nincludes = ["my_app", "single.py", "README.md"]\n',
    ],
)
def test_several_modules_are_each_named_once_with_module_files_by_their_file(project: Path, text: str) -> None:
    assert modules_of(str(settings(project, NAMED + text)), "my-app", SUFFIXES) == ["my_app", "single.py"]


@pytest.mark.parametrize(
    "text",
    [
        NAMED,
        "",
        '[tool.poetry]\npackages = [{ include = "other", from = "lib" }]\n',
        '[tool.hatch.build.targets.wheel]\npackages = ["not-there"]\n',
        "[tool.poetry]\npackages = 3\n",
        '[tool.poetry]\npackages = ["other", 3]\n',
        'tool = "none"\n',
        '[tool]\nuv = "other"\nhatch = ["other"]\n',
        "[tool.flit.module]\nname = { other = 1 }\n",
        '[tool.hatch.build.targets.wheel]\npackages = ["", "/", "."]\n',
    ],
)
def test_settings_that_name_nothing_there_leave_the_module_of_the_projects_name(project: Path, text: str) -> None:
    assert modules_of(str(settings(project, text)), "my-app", SUFFIXES) == ["my_app"]


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("my-app", ["my_app"]),
        ("my.app", ["my_app"]),
        ("my_app", ["my_app"]),
        ("my-_app", ["my_app"]),
        ("My-App", ["my_app"]),
        ("MY.APP", ["my_app"]),
        ("single", ["single.py"]),
        ("Single", ["single.py"]),
        ("other.thing", ["other"]),
        ("unheard-of", []),
    ],
)
def test_a_name_becomes_a_module_as_back_ends_do_it(project: Path, name: str, modules: list[str]) -> None:
    assert modules_of(str(settings(project, NAMED)), name, SUFFIXES) == modules


def test_a_module_that_is_spelled_like_the_name_goes_before_one_in_small_letters(tmp_path: Path) -> None:
    for name in ("MyApp", "myapp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    assert modules_of(str(settings(tmp_path, NAMED)), "MyApp", SUFFIXES) == ["MyApp"]


@pytest.mark.parametrize("data", [b"[project\nname = 3", b"\xff\xfe", b"\xef\xbb\xbf[project]\n"])
def test_a_broken_pyproject_leaves_the_module_of_the_projects_name(project: Path, data: bytes) -> None:
    (project / "pyproject.toml").write_bytes(data)
    assert modules_of(str(project), "my-app", SUFFIXES) == ["my_app"]


def test_a_folder_of_sources_without_a_pyproject_means_all_that_can_be_imported(project: Path) -> None:
    source = project / "src"
    source.mkdir()
    for name in ("my_app", "namespace/inner", "typed-stubs", "my_app.egg-info", "my_app-1.0.dist-info", "__pycache__"):
        (source / name).mkdir(parents=True)
        (source / name / "module.py").write_text("")
    for name in ("single.py", "fast.cpython-312-x86_64-linux-gnu.so", ".hidden.py", "notes.txt", "my_app.pyi"):
        (source / name).write_text("")
    (source / "empty").mkdir()
    (source / "data").mkdir()
    (source / "data/table.csv").write_text("")
    expected = ["fast.cpython-312-x86_64-linux-gnu.so", "my_app", "namespace", "single.py"]
    assert modules_of(str(source), "my-app", SUFFIXES) == expected
    assert importable(str(source), SUFFIXES) == expected


def test_a_source_folder_is_not_asked_for_the_settings_above_it(project: Path) -> None:
    settings(project, '[tool.flit.module]\nname = "nothing"\n')
    (project / "src").mkdir()
    (project / "src/whatever.py").write_text("")
    assert modules_of(str(project / "src"), "my-app", SUFFIXES) == ["whatever.py"]


def test_an_empty_folder_means_nothing(tmp_path: Path) -> None:
    assert modules_of(str(tmp_path), "my-app", SUFFIXES) == []
    assert modules_of(str(settings(tmp_path, NAMED)), "my-app", SUFFIXES) == []
