"""Promise 8: what would stop a bundle on a newer or another machine is told, and what can be mended is mended on request."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.binaries.elf import read_image
from bundler.binaries.elf.stack import Stack, stack_of
from tests.binaries.elf.notes import resolution_cache_note
from tests.binaries.elf.programs import compile_c
from tests.material.debian import debian_root, inside
from tests.material.environments import SLIM, bundler, empty_environment, pack

FUNCTION = "int which(void) { return 42; }\n"
MODULE = """
import ctypes, os

which = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "libstacky.so")).which
"""
CODE = "import stacky; print(stacky.which())"
SECRET = "/nix/store/abc/lib/libm.so.6"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a package that opens a library which asks for an executable stack, and others that nobody opens."""
    made = empty_environment(tmp_path_factory.mktemp("ceiling") / "env")
    package = next(made.glob("lib/python3*/site-packages")) / "stacky"
    package.mkdir()
    (package / "__init__.py").write_text(MODULE)
    shared = ("-shared", "-fPIC")
    compile_c(FUNCTION, package / "libstacky.so", *shared, "-Wl,-z,execstack")
    compile_c(FUNCTION, package / "libnew.so", *shared, "-Wl,-z,x86-64-v4")
    compile_c(resolution_cache_note(f"libm.so.6 ={SECRET}") + FUNCTION, package / "libnix.so", *shared)
    return made


@pytest.fixture(scope="module")
def bundle(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of it, with the flag cleared."""
    out = tmp_path_factory.mktemp("fixed") / "app"
    pack(environment, out, *SLIM, "--fix-execstack")
    return out


def files_of(bundle: Path) -> dict[str, Path]:
    return {path.name: path for path in bundle.glob("lib/python3*/site-packages/stacky/*.so")}


def stack(path: Path) -> Stack:
    with path.open("rb") as file:
        return stack_of(read_image(file))


def test_the_report_and_bundle_json_name_what_is_refused_and_where(environment: Path, tmp_path: Path) -> None:
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--json"])
    assert done.returncode == 0, done.stderr
    ceiling = json.loads(done.stdout)["ceiling"]
    files = {name: str(path.relative_to(tmp_path / "app")) for name, path in files_of(tmp_path / "app").items()}
    assert files["libstacky.so"] in ceiling["executable_stacks"]
    assert ceiling["cpu_level"] == {"name": "x86-64-v4", "file": files["libnew.so"]}
    assert json.loads((tmp_path / "app/bundle.json").read_text())["platform"]["ceiling"] == ceiling
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--force", "--dry-run"])
    assert f"glibc 2.41 and later refuse to open {files['libstacky.so']}" in done.stderr
    assert f"needs a processor of the level x86-64-v4 or higher ({files['libnew.so']})" in done.stderr
    told = json.loads(bundler(["inspect", "--json", tmp_path / "app"]).stdout)
    assert told["executable_stacks"] == ceiling["executable_stacks"]
    assert told["cpu_level"] == "x86-64-v4"


def test_a_cleared_flag_is_one_byte_is_told_with_its_reason_and_passes_the_audit(
    environment: Path, bundle: Path
) -> None:
    source = next(environment.glob("lib/python3*/site-packages/stacky/libstacky.so"))
    assert stack(source) is Stack.EXECUTABLE
    fixed = files_of(bundle)["libstacky.so"]
    assert stack(fixed) is Stack.PLAIN
    pairs = zip(source.read_bytes(), fixed.read_bytes(), strict=True)
    assert sum(one != other for one, other in pairs) == 1
    manifest = json.loads((bundle / "bundle.json").read_text())
    reasons = {change["path"]: change["reason"] for change in manifest["changed"]}
    assert reasons[str(fixed.relative_to(bundle))].startswith("asks for an executable stack")
    assert manifest["platform"]["ceiling"]["executable_stacks"] == []
    done = bundler(["verify", bundle])
    assert done.returncode == 0, done.stderr


def test_a_note_for_the_loader_of_nixos_never_comes_along(bundle: Path, tmp_path: Path) -> None:
    found = files_of(bundle)["libnix.so"]
    assert SECRET.encode() not in found.read_bytes()
    manifest = json.loads((bundle / "bundle.json").read_text())
    reasons = {change["path"]: change["reason"] for change in manifest["changed"]}
    assert "the loader of NixOS" in reasons[str(found.relative_to(bundle))]


def test_a_bundle_that_has_such_a_note_all_the_same_is_at_fault(bundle: Path, environment: Path) -> None:
    source = next(environment.glob("lib/python3*/site-packages/stacky/libnix.so"))
    found = files_of(bundle)["libnix.so"]
    good = found.read_bytes()
    try:
        found.write_bytes(source.read_bytes())
        done = bundler(["verify", "--no-run", bundle])
    finally:
        found.write_bytes(good)
    assert "a note of absolute paths" in done.stderr + done.stdout


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sid-") as folder:
        yield debian_root("sid", Path(folder) / "root")


@pytest.mark.everything
def test_today_s_glibc_refuses_the_stack_and_opens_what_was_cleared(
    environment: Path, bundle: Path, root: Path, tmp_path: Path
) -> None:
    pack(environment, tmp_path / "app", *SLIM)
    binds = [(tmp_path / "app", "opt/asks"), (bundle, "opt/cleared")]
    done = inside(root, f"/opt/asks/bin/python -c '{CODE}'", binds)
    assert done.returncode != 0
    assert "cannot enable executable stack" in done.stderr
    done = inside(root, f"/opt/cleared/bin/python -c '{CODE}'", binds)
    assert done.stdout == "42\n", done.stderr
