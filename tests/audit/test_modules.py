"""Extension modules have the names under which Python imports them."""

from __future__ import annotations

from bundler.audit.modules import extension_modules
from bundler.audit.tree import BundleTree, SeenFile
from bundler.manifest.model import Manifest, PythonFacts

SITE = "lib/python3.12/site-packages"
TAG = ".cpython-312-x86_64-linux-gnu.so"


def tree(*paths: str) -> BundleTree:
    """A bundle with these files, each of which defines the module of its name."""
    python = PythonFacts("3.12.1", "bin/python3.12", "lib/python3.12", (SITE,), (TAG, ".abi3.so", ".so"))
    manifest = Manifest("1", python, "x86_64", None, None, None, (), {})
    files = {path: SeenFile("", 0, defines_module=True) for path in paths}
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
