"""Extension modules have the names under which Python imports them."""

from __future__ import annotations

from bundler.audit.modules import extension_modules
from bundler.audit.tree import BundleTree, SeenFile
from bundler.manifest.model import FileFact, Manifest, PythonFacts
from tests.material.schemes import POSIX_312

SITE = "lib/python3.12/site-packages"
TAG = ".cpython-312-x86_64-linux-gnu.so"


def tree(*paths: str, later: tuple[str, ...] = (), replaced: tuple[str, ...] = ()) -> BundleTree:
    """A bundle with these files, each of which defines the module of its name; some came later, some were replaced."""
    python = PythonFacts("3.12.1", POSIX_312, None, (SITE,), (TAG, ".abi3.so", ".so"))
    facts = {path: FileFact("old" if path in replaced else "new") for path in (*paths, *replaced)}
    manifest = Manifest("1", python, "x86_64", None, (), facts)
    files = {path: SeenFile("new", 0, defines_module=True) for path in (*facts, *later)}
    return BundleTree("/bundle", manifest, files, {}, frozenset(), frozenset())


def test_modules_are_gathered_by_their_top_level_package() -> None:
    found = extension_modules(
        tree(f"lib/python3.12/lib-dynload/_json{TAG}", f"{SITE}/pkg/fast.abi3.so", f"{SITE}/alone.so")
    )
    assert found == {"": ["_json"], "pkg": ["pkg.fast"], "alone": ["alone"]}


def test_a_compiled_package_is_imported_by_its_own_name() -> None:
    """mypy and black are such packages; imported as `mypy.__init__` their init runs twice, and spoils what comes later."""
    found = extension_modules(tree(f"{SITE}/mypy/__init__{TAG}", f"{SITE}/mypy/build{TAG}", f"{SITE}/__init__{TAG}"))
    assert found == {"mypy": ["mypy", "mypy.build"]}


def test_what_an_installer_brought_or_replaced_is_left_to_it() -> None:
    found = extension_modules(
        tree(f"{SITE}/pkg/fast.so", later=(f"{SITE}/added.so",), replaced=(f"{SITE}/pkg/other.so",))
    )
    assert found == {"pkg": ["pkg.fast"]}
