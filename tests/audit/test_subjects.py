"""Extension modules have the names under which Python imports them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bundler.audit.recalled import nothing_recalled
from bundler.audit.seen_files import NOT_LOOKING, FileReader, SeenFile
from bundler.audit.subjects import (
    STANDARD_LIBRARY,
    batches_of,
    entry_modules,
    extension_modules,
    top_level_modules,
)
from bundler.audit.tree import BundleTree
from bundler.manifest.model import FileFact, Manifest, PythonFacts
from bundler.options import AuditDepth
from bundler.trees import Kind, Member
from tests.material.environments import run
from tests.material.programs import need
from tests.material.schemes import POSIX_312, WINDOWS_312

SITE = "lib/python3.12/site-packages"
TAG = ".cpython-312-x86_64-linux-gnu.so"


def tree(*paths: str, later: tuple[str, ...] = (), replaced: tuple[str, ...] = ()) -> BundleTree:
    """A bundle with these files, each of which defines the module of its name; some came later, some were replaced."""
    python = PythonFacts("3.12.1", POSIX_312, None, (SITE,), (TAG, ".abi3.so", ".so"))
    facts = {path: FileFact("old" if path in replaced else "new") for path in (*paths, *replaced)}
    manifest = Manifest("1", python, "x86_64", None, (), facts)
    files = {path: SeenFile("new", 0, defines_module=True) for path in (*facts, *later)}
    rows = "".join(f"{path[len(SITE) + 1 :]},,\n" for path in replaced)  # an installer's own, without digests
    files[f"{SITE}/later-1.dist-info/RECORD"] = SeenFile("new", 0, text=rows.encode())
    return BundleTree("/bundle", manifest, files, {}, frozenset(), frozenset())


def test_modules_are_gathered_by_their_top_level_package() -> None:
    found = extension_modules(
        tree(f"lib/python3.12/lib-dynload/_json{TAG}", f"{SITE}/pkg/fast.abi3.so", f"{SITE}/alone.so")
    )
    assert found == {"": ["_json"], "pkg": ["pkg.fast"], "alone": ["alone"]}


def test_the_embeddable_python_has_its_modules_beside_its_program() -> None:
    files = ("_ssl.pyd", "python313.dll", "_not.txt", "Lib/site-packages/x.pyd", "Lib/other/y.pyd")
    python = PythonFacts("3.13.2", WINDOWS_312, None, ("Lib/site-packages",), (".pyd",))
    found = tree(*files)
    found = replace(found, manifest=replace(found.manifest, python=python))
    assert extension_modules(found) == {"": ["_ssl"], "x": ["x"]}


def test_what_lies_beside_a_posix_python_is_no_module() -> None:
    assert extension_modules(tree(f"bin/tool{TAG}")) == {}


def test_a_compiled_package_is_imported_by_its_own_name() -> None:
    """mypy and black are such packages; imported as `mypy.__init__` their init runs twice, and spoils what comes later."""
    found = extension_modules(tree(f"{SITE}/mypy/__init__{TAG}", f"{SITE}/mypy/build{TAG}", f"{SITE}/__init__{TAG}"))
    assert found == {"mypy": ["mypy", "mypy.build"]}


def test_what_an_installer_brought_or_replaced_is_left_to_it() -> None:
    found = extension_modules(
        tree(f"{SITE}/pkg/fast.so", later=(f"{SITE}/added.so",), replaced=(f"{SITE}/pkg/other.so",))
    )
    assert found == {"pkg": ["pkg.fast"]}


@pytest.mark.parametrize(
    ("symbol", "is_module"),
    [("PyInit_fast", True), ("PyModExport_fast", True), ("PyModExport_other", False), ("fast", False)],
)
def test_a_library_with_the_plain_suffix_is_a_module_by_its_hook(tmp_path: Path, symbol: str, is_module: bool) -> None:
    (tmp_path / "fast.c").write_text(f"int {symbol}(void) {{ return 0; }}\n")
    run([need("gcc"), "-shared", "-fPIC", "-o", tmp_path / "fast.so", tmp_path / "fast.c"])
    with open(tmp_path / "fast.so", "rb") as file:
        seen = FileReader(NOT_LOOKING, nothing_recalled(), random_access=True).look(
            Member(f"{SITE}/fast.so", Kind.FILE, 0o644), file
        )
    assert seen is not None and seen.defines_module is is_module


def text(data: str) -> SeenFile:
    return SeenFile("new", len(data), text=data.encode())


def with_files(tree: BundleTree, **files: SeenFile) -> BundleTree:
    """The bundle with more files in its package folder, which were packed."""
    more = {f"{SITE}/{path}": seen for path, seen in files.items()}
    facts = {**tree.manifest.files, **{path: FileFact(seen.sha256) for path, seen in more.items()}}
    return replace(tree, files={**tree.files, **more}, manifest=replace(tree.manifest, files=facts))


def test_top_level_modules_are_those_that_an_import_statement_reaches() -> None:
    found = top_level_modules(
        tree(
            f"{SITE}/single.py",
            f"{SITE}/pkg/__init__.py",
            f"{SITE}/pkg/sub/__init__.py",
            f"{SITE}/space/one/__init__.py",
            f"{SITE}/space/two.py",
            f"{SITE}/data/script.py",
            f"{SITE}/pkg-1.dist-info/hook.py",
            f"{SITE}/with-dash.py",
        )
    )
    assert found == ["pkg", "single", "space.one", "space.two"]


def test_what_scripts_start_is_imported_with_its_package() -> None:
    points = (
        "[console_scripts]\nrun = pkg.cli:main [extra]\n[other]\nx = not.this:one\n[gui_scripts]\nshow=alone.gui:main\n"
    )
    found = with_files(
        tree(f"{SITE}/pkg/__init__.py", f"{SITE}/alone/gui.py", f"{SITE}/fast/__init__.py", f"{SITE}/fast/it.abi3.so"),
        **{"pkg-1.dist-info/entry_points.txt": text(points)},
    )
    assert entry_modules(found) == ["pkg.cli", "alone.gui"]
    batches = {batch.name: batch.modules for batch in batches_of(found, AuditDepth.FULL)}
    assert batches == {
        STANDARD_LIBRARY: (),
        "fast": ("fast", "fast.it"),
        "pkg": ("pkg", "pkg.cli"),
        "entry points": ("alone.gui",),
    }


def test_the_start_command_is_imported_too() -> None:
    bundle = tree(f"{SITE}/app.py")
    started = replace(bundle, manifest=replace(bundle.manifest, start_module="app"))
    assert entry_modules(started) == ["app"]


def test_a_quick_audit_imports_extension_modules_alone() -> None:
    found = tree(f"{SITE}/pkg/__init__.py", f"{SITE}/fast/__init__.py", f"{SITE}/fast/it.abi3.so")
    assert [batch.modules for batch in batches_of(found, AuditDepth.QUICK)] == [(), ("fast.it",)]


def test_one_more_package_changes_one_process_and_leaves_the_others() -> None:
    names = [f"package{number}" for number in range(300)]

    def processes(names: list[str]) -> set[tuple[str, ...]]:
        batches = batches_of(tree(*(f"{SITE}/{name}/__init__.py" for name in names)), AuditDepth.FULL)
        assert all(len(batch.modules) <= 32 for batch in batches)
        return {batch.modules for batch in batches}

    before = processes(names)
    for name in ("a_first", "package150a", "z_last"):
        assert len(before - processes([*names, name])) <= 1 < len(before) / 4
