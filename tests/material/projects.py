"""Small projects, one for each way in which a back end makes an editable install."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

_EXTENSION = """\
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", 0, -1, 0};
PyMODINIT_FUNC PyInit__core(void) {
    PyObject *module = PyModule_Create(&definition);
    PyModule_AddIntConstant(module, "answer", 42);
    return module;
}
"""


@dataclass(frozen=True)
class Project:
    """The files of a project by path, the modules that it means, and how pip is to install it."""

    name: str
    files: dict[str, str]
    modules: tuple[str, ...]
    needs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    tells: str = "a path"
    """How the report names the kind."""
    absent: tuple[str, ...] = field(default=())
    """Modules that lie beside and are not meant."""

    def write(self, where: Path) -> Path:
        folder = where / self.name
        for path, text in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder


def _pyproject(name: str, back_end: str, requires: str, more: str = "") -> str:
    return (
        f'[build-system]\nrequires = ["{requires}"]\nbuild-backend = "{back_end}"\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\n{more}'
    )


def _setuptools(name: str, setup: str) -> dict[str, str]:
    return {
        "setup.py": f"from setuptools import Extension, setup\nsetup({setup})\n",
        "pyproject.toml": _pyproject(name, "setuptools.build_meta", "setuptools"),
    }


def _scikit(name: str, mode: str, more: str = "") -> dict[str, str]:
    output = (
        "set_target_properties(_core PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/src/scikit_inplace)\n"
        if mode == "inplace"
        else ""
    )
    return {
        "pyproject.toml": _pyproject(
            name,
            "scikit_build_core.build",
            "scikit-build-core",
            f'[tool.scikit-build]\neditable.mode = "{mode}"\n{more}',
        ),
        "CMakeLists.txt": (
            "cmake_minimum_required(VERSION 3.15)\nproject(p LANGUAGES C)\n"
            "find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)\n"
            f"Python_add_library(_core MODULE core.c WITH_SOABI)\n{output}"
            f"install(TARGETS _core DESTINATION {name})\ninstall(FILES data.txt DESTINATION {name})\n"
        ),
        "core.c": _EXTENSION,
        "data.txt": "data\n",
        f"src/{name}/__init__.py": "from ._core import answer\n",
        f"src/{name}/table.csv": "1,2\n",
    }


FINDER = Project(
    "st_finder",
    {
        **_setuptools(
            "st_finder",
            'packages=["finder_one", "finder_two", "finder_two.sub"], py_modules=["finder_alone"],'
            ' package_data={"finder_two": ["*.txt"]}, ext_modules=[Extension("finder_one._core", ["core.c"])]',
        ),
        "core.c": _EXTENSION,
        "finder_one/__init__.py": "",
        "finder_two/__init__.py": "import finder_one\n",
        "finder_two/data.txt": "x\n",
        "finder_two/sub/__init__.py": "",
        "finder_alone.py": "",
        "tests/test_it.py": "",
    },
    ("finder_one._core", "finder_two.sub", "finder_alone"),
    ("setuptools",),
    tells="setuptools (finder)",
    absent=("tests",),
)
STRICT = Project(
    "st_strict",
    {
        **_setuptools("st_strict", 'packages=["strict_one", "strict_two"]'),
        "strict_one/__init__.py": "",
        "strict_two/__init__.py": "",
        "strict_two/left_out.txt": "",
        "strict_alone.py": "",
    },
    ("strict_one", "strict_two"),
    ("setuptools",),
    ("editable_mode=strict",),
    "setuptools (strict)",
    ("strict_alone",),
)
MAPPED = Project(
    "st_mapped",
    {
        **_setuptools(
            "st_mapped",
            'packages=["mapped", "mapped_space.inner"],'
            ' package_dir={"mapped": "lib/thing", "mapped_space.inner": "ns/inner"}',
        ),
        "lib/thing/__init__.py": "",
        "ns/inner/__init__.py": "",
    },
    ("mapped", "mapped_space.inner"),
    ("setuptools",),
    tells="setuptools (finder)",
    absent=("thing",),
)
SOURCE_FOLDER = Project(
    "st_src",
    {
        **_setuptools("st_src", 'packages=["st_src"], package_dir={"": "src"}'),
        "src/st_src/__init__.py": "",
    },
    ("st_src",),
    ("setuptools",),
)
REDIRECT = Project(
    "scikit_redirect",
    _scikit("scikit_redirect", "redirect"),
    ("scikit_redirect._core",),
    ("scikit-build-core", "cmake", "ninja"),
    tells="scikit-build-core (redirect)",
)
PERSISTENT = Project(  # what is built stays in the project, and the hook names it by its whole path
    "scikit_persistent",
    _scikit("scikit_persistent", "redirect", 'editable.rebuild = true\nbuild-dir = "build/{wheel_tag}"\n'),
    ("scikit_persistent._core",),
    ("scikit-build-core>=1.1", "cmake", "ninja"),
    tells="scikit-build-core (redirect)",
)
INPLACE = Project(
    "scikit_inplace",
    _scikit("scikit_inplace", "inplace"),
    ("scikit_inplace._core",),
    ("scikit-build-core", "cmake", "ninja"),
    tells="scikit-build-core (inplace)",
)
MESON = Project(
    "by_meson",
    {
        "pyproject.toml": _pyproject("by_meson", "mesonpy", "meson-python"),
        "meson.build": (
            "project('by_meson', 'c', version: '1.0')\n"
            "py = import('python').find_installation(pure: false)\n"
            "py.extension_module('_core', 'core.c', install: true, subdir: 'by_meson')\n"
            "py.install_sources('python/__init__.py', subdir: 'by_meson')\n"
            "install_subdir('python/inner', install_dir: py.get_install_dir() / 'by_meson', exclude_files: 'not_this.py')\n"
            "configure_file(input: 'made.py.in', output: 'made.py', configuration: {'v': '3'}, install: true,\n"
            "  install_dir: py.get_install_dir() / 'by_meson')\n"
        ),
        "core.c": _EXTENSION,
        "made.py.in": "value = @v@\n",
        "python/__init__.py": "from ._core import answer\n",
        "python/inner/__init__.py": "",
        "python/inner/not_this.py": "",
    },
    ("by_meson._core", "by_meson.made", "by_meson.inner"),
    ("meson-python", "meson", "ninja"),
    tells="meson-python",
    absent=("by_meson.inner.not_this",),
)
MATURIN = Project(
    "by_maturin",
    {
        "pyproject.toml": _pyproject(
            "by_maturin", "maturin", "maturin", '[tool.maturin]\nbindings = "bin"\npython-source = "python"\n'
        ),
        "Cargo.toml": '[package]\nname = "by_maturin"\nversion = "1.0.0"\nedition = "2021"\n',
        "src/main.rs": 'fn main() { println!("by Rust"); }\n',
        "python/by_maturin/__init__.py": "",
    },
    ("by_maturin",),
    ("maturin",),
)
HATCHLING = Project(
    "by_hatchling",
    {
        "pyproject.toml": _pyproject(
            "by_hatchling", "hatchling.build", "hatchling", "[tool.hatch.build]\ndev-mode-exact = true\n"
        ),
        "src/by_hatchling/__init__.py": "",
        "src/by_hatchling/inner.py": "",
    },
    ("by_hatchling.inner",),
    ("hatchling", "editables"),
    tells="the library editables",
)
FLIT = Project(
    "by_flit",
    {
        "pyproject.toml": _pyproject("by_flit", "flit_core.buildapi", "flit_core", 'description = "x"\n'),
        "by_flit.py": '"""By flit."""\n',
        "setup_helpers.py": "",
    },
    ("by_flit",),
    ("flit_core",),
    absent=("setup_helpers",),
)
POETRY = Project(
    "by_poetry",
    {"pyproject.toml": _pyproject("by_poetry", "poetry.core.masonry.api", "poetry-core"), "by_poetry/__init__.py": ""},
    ("by_poetry",),
    ("poetry-core",),
)
PDM = Project(
    "by_pdm",
    {
        "pyproject.toml": _pyproject(
            "by_pdm", "pdm.backend", "pdm-backend", '[tool.pdm.build]\neditable-backend = "editables"\n'
        ),
        "src/by_pdm/__init__.py": "",
    },
    ("by_pdm",),
    ("pdm-backend", "editables"),
    tells="the library editables",
)
BY_PIP = (
    FINDER, STRICT, MAPPED, SOURCE_FOLDER, REDIRECT, PERSISTENT, INPLACE, MESON, MATURIN, HATCHLING, FLIT, POETRY, PDM,
)  # fmt: skip
