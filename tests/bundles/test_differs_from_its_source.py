"""A bundle that does not do what its source does says so, or is put right; what is no difference is not told as one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.audit import verify
from bundler.audit.cage import CageKind
from tests.binaries.elf.programs import compile_c
from tests.material.environments import SLIM, bundler, empty_environment
from tests.material.isolation import hidden, namespace

OPENER = """
#include <dlfcn.h>
int opened(void) {
    void *library = dlopen("libvendor.so.1", RTLD_NOW);
    int (*answer)(void) = library ? (int (*)(void))dlsym(library, "answer") : 0;
    return answer ? answer() : -1;
}
"""
CALLER = """
import ctypes, os

value = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "_opener.so")).opened()
"""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One to be added to."""
    return empty_environment(tmp_path / "env")


def site(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


def vendor(folder: Path, name: str = "libvendor.so.1") -> Path:
    """A library that answers 42."""
    folder.mkdir(parents=True, exist_ok=True)
    return compile_c("int answer(void) { return 42; }", folder / name, "-shared", f"-Wl,-soname,{name}")


def opener(package: Path, *flags: str) -> None:
    """A package that opens the vendor's library by its name, and goes on without it."""
    package.mkdir()
    compile_c(OPENER, package / "_opener.so", "-shared", "-fPIC", *flags)
    (package / "__init__.py").write_text(CALLER)


def answer(bundle: Path, *places: Path) -> str:
    """What the package in the bundle answers where some places are hidden."""
    return hidden(places, [bundle / "bin/python", "-c", "import opener; print(opener.value)"]).stdout.strip()


@pytest.mark.parametrize("tag", ["--disable-new-dtags", "--enable-new-dtags"])
def test_a_library_that_a_search_path_served_comes_along(environment: Path, tmp_path: Path, tag: str) -> None:
    vendor(tmp_path / "vendor")
    opener(site(environment) / "opener", f"-Wl,{tag},-rpath,{tmp_path}/vendor")
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "-v"])
    assert done.returncode == 0, done.stderr
    assert "libvendor.so.1 came along" in done.stderr
    assert answer(tmp_path / "app", tmp_path / "vendor", environment) == "42"


def test_the_name_that_was_asked_for_lies_beside_the_library(environment: Path, tmp_path: Path) -> None:
    vendor(tmp_path / "vendor", "libplain.so.5")
    (tmp_path / "vendor/libplain.so").symlink_to("libplain.so.5")
    (site(environment) / "opener.py").write_text("import ctypes\n\nvalue = ctypes.CDLL('libplain.so').answer()\n")
    variables = {"LD_LIBRARY_PATH": str(tmp_path / "vendor")}
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app"], variables)
    assert done.returncode == 0, done.stderr
    assert answer(tmp_path / "app", tmp_path / "vendor", environment) == "42"


def test_a_relative_folder_on_the_library_path_counts_from_where_the_user_is(environment: Path, tmp_path: Path) -> None:
    vendor(tmp_path / "here/vendor")
    package = site(environment) / "opener"
    package.mkdir()
    compile_c(
        "int answer(void); int opened(void) { return answer(); }",
        package / "_opener.so", "-shared", "-fPIC", "-Wl,--no-as-needed", f"-L{tmp_path}/here/vendor", "-l:libvendor.so.1",
    )  # fmt: skip
    (package / "__init__.py").write_text(CALLER)
    command: list[str | Path] = [sys.executable, "-m", "bundler", "pack", *SLIM, environment, "--out", tmp_path / "app"]
    variables = {**os.environ, "LD_LIBRARY_PATH": "vendor", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=tmp_path / "here", env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert answer(tmp_path / "app", tmp_path / "here", environment) == "42"


def test_a_foreign_folder_brings_distributions_and_entry_points(environment: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "extra").mkdir(parents=True)
    (shared / "extra/__init__.py").write_text("")
    metadata = shared / "extra-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[plugins]\none = extra:one\n")
    (site(environment) / "pipx_shared.pth").write_text(f"{shared}\n")
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app"])
    assert done.returncode == 0, done.stderr
    code = "from importlib.metadata import distribution as d; print(d('extra').version, list(d('extra').entry_points))"
    seen = hidden([shared, environment], [tmp_path / "app/bin/python", "-c", code])
    assert seen.stdout.startswith("1 [EntryPoint("), seen.stderr


def test_a_hook_that_finds_modules_outside_is_a_fault(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/far.py").write_text("")
    (site(environment) / "_far_away.py").write_text(
        f"""
import importlib.machinery, sys

class Finder:
    folder = {str(tmp_path / "project")!r}

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return importlib.machinery.PathFinder.find_spec(name, [cls.folder]) if name == "far" else None

sys.meta_path.append(Finder)
"""
    )
    (site(environment) / "far.pth").write_text("import _far_away\n")
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app"])
    assert done.returncode == 3, done.stderr
    assert "finds modules in" in done.stderr and "--editable build" in done.stderr


def test_what_a_module_makes_of_its_own_surroundings_is_no_fault(environment: Path, tmp_path: Path) -> None:
    """One adds its working directory to `sys.path`, another compiles a library into its cache and a module beside it."""
    folder = site(environment)
    (folder / "here.py").write_text("import os, sys\nsys.path.insert(0, os.getcwd())\n")
    made = compile_c("int answer(void) { return 42; }", tmp_path / "libmade.so", "-shared", "-Wl,-soname,libmade.so")
    (folder / "made.bin").write_bytes(made.read_bytes())
    (folder / "generated.py").write_text(
        "import ctypes, os, shutil, sys\n"
        "cache = os.path.expanduser('~/cache')\n"
        "os.makedirs(cache, exist_ok=True)\n"
        "shutil.copy(os.path.join(os.path.dirname(__file__), 'made.bin'), os.path.join(cache, 'libmade.so'))\n"
        "ctypes.CDLL(os.path.join(cache, 'libmade.so'))\n"
        "open(os.path.join(cache, 'compiled_here.py'), 'w').close()\n"
        "sys.path.append(cache)\n"
        "import compiled_here\n"
    )
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "-v"])
    assert done.returncode == 0, done.stderr
    assert "came along" not in done.stderr


def test_a_quick_audit_imports_no_plain_module_and_claims_to_know_none(environment: Path, tmp_path: Path) -> None:
    (site(environment) / "fragile.py").write_text("raise RuntimeError('no such device')\n")
    for depth, known in (("full", {"fragile": "RuntimeError: no such device"}), ("quick", None)):
        done = bundler(["pack", *SLIM, environment, "--out", tmp_path / depth, "--audit", depth])
        assert done.returncode == 0, done.stderr
        assert json.loads((tmp_path / depth / "bundle.json").read_text())["import_failures"] == known
        checked = bundler(["verify", tmp_path / depth, "--audit", "quick"])
        assert checked.returncode == 0 and "fragile" not in checked.stdout + checked.stderr
    checked = bundler(["verify", tmp_path / "quick"])
    assert checked.returncode == 0, checked.stderr
    assert "fragile cannot be imported" in checked.stderr and "is not known" in checked.stderr


def test_what_every_process_of_the_machine_has_is_no_use_by_the_bundle(environment: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("an agent is preloaded for every process: run as root")
    agent = compile_c("int agent;", tmp_path / "libagent.so", "-shared", "-Wl,-soname,libagent.so")
    for name in ("upper", "work"):
        (tmp_path / name).mkdir()
    script = (
        f"mount -t overlay none -o lowerdir=/etc,upperdir={tmp_path}/upper,workdir={tmp_path}/work /etc || exit 99;"
        f'echo {agent} > /etc/ld.so.preload; exec "$@"'
    )
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "bundler",
        "pack",
        environment,
        "--out",
        tmp_path / "app",
        "--no-cache",
    ]
    done = subprocess.run(
        [*namespace(), "sh", "-c", script, "sh", *command], capture_output=True, text=True, check=False
    )
    if done.returncode == 99:
        pytest.skip("no overlay of /etc to be had here")
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "app").rglob("libagent*"))


def test_where_nothing_may_be_executed_that_is_a_note(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    script = f'mount -t tmpfs -o noexec none {tmp_path}/mounted || exit 99; exec "$@"'
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "bundler",
        "pack",
        environment,
        "--out",
        tmp_path / "mounted/app",
    ]
    done = subprocess.run(
        [*namespace(), "sh", "-c", script, "sh", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "nothing of it was run: nothing may be executed in" in done.stderr


def test_a_python_that_does_not_start_is_one_fault_with_its_last_words(environment: Path, tmp_path: Path) -> None:
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--no-verify"])
    assert done.returncode == 0, done.stderr
    (encodings,) = (tmp_path / "app").glob("lib/python3*/encodings/__init__.py")
    encodings.write_text("raise SystemError('not today')\n")
    manifest = json.loads((tmp_path / "app/bundle.json").read_text())
    import hashlib

    fact = manifest["files"][str(encodings.relative_to(tmp_path / "app"))]
    fact["sha256"], fact["size"] = hashlib.sha256(encodings.read_bytes()).hexdigest(), encodings.stat().st_size
    for pyc in encodings.parent.glob("__pycache__/__init__*.pyc"):
        pyc.unlink()
        del manifest["files"][str(pyc.relative_to(tmp_path / "app"))]
    (tmp_path / "app/bundle.json").write_text(json.dumps(manifest))
    report = verify(str(tmp_path / "app"))
    assert len(report.faults) == 1
    assert "does not start" in report.faults[0].message and "not today" in report.faults[0].message


def test_what_may_fail_in_the_source_as_well_is_not_known_without_an_audit(environment: Path, tmp_path: Path) -> None:
    (site(environment) / "broken.py").write_text("import nowhere_to_be_found\n")
    for options, notes in ((["--no-verify"], True), ([], False)):
        out = tmp_path / ("without" if options else "with")
        assert bundler(["pack", *SLIM, environment, "--out", out, *options]).returncode == 0
        report = verify(str(out))
        assert report.faults == ()
        assert any("broken cannot be imported" in note and "not known" in note for note in report.notes) is notes
        assert report.run is not None and "broken" in report.run.failed


def test_the_report_says_what_was_out_of_reach(environment: Path, tmp_path: Path) -> None:
    namespace()
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--json"])
    run = json.loads(done.stdout)["audit"]["run"]
    assert (run["cage"], run["compared"]) == (CageKind.HIDDEN.value, True)


@pytest.mark.parametrize("kind", ["app.tar", pytest.param("app.tar.gz", marks=pytest.mark.everything)])
def test_whoever_unpacks_an_archive_of_a_private_environment_can_run_it(
    environment: Path, tmp_path: Path, kind: str
) -> None:
    for folder, folders, files in os.walk(environment):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode & 0o700)
    assert bundler(["pack", *SLIM, environment, "--out", tmp_path / kind]).returncode == 0
    shutil.unpack_archive(tmp_path / kind, tmp_path / "app")
    locked = [
        path for path in (tmp_path / "app").rglob("*") if not path.is_symlink() and not path.stat().st_mode & 0o004
    ]
    assert locked == []


def test_what_is_left_to_the_target_is_named_with_who_asks_for_it(environment: Path, tmp_path: Path) -> None:
    library = vendor(tmp_path / "vendor", "libGL.so.1")
    module = compile_c(
        "int answer(void); int paint(void) { return answer(); }",
        site(environment) / "libpaint.so", "-shared", "-fPIC", str(library), f"-Wl,-rpath,{library.parent}",
    )  # fmt: skip
    inside = str(module.relative_to(environment))
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--no-verify"])
    assert f"needs libGL.so.1 of the target (Debian: libgl1): {inside} asks for it\n" in done.stderr
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "again", "--no-verify", "--json"])
    assert json.loads(done.stdout)["asked_of_target"] == {"libGL.so.1": [inside]}


def test_a_plugin_that_stays_behind_is_one_fault_that_names_the_library_which_opens_it(
    environment: Path, tmp_path: Path
) -> None:
    """As OpenSSL's providers: the path of a folder of plugins is a constant of the library, and no header tells it."""
    (tmp_path / "plugins").mkdir()
    plugin = compile_c("int plugged(void) { return 1; }", tmp_path / "plugins/plug.so", "-shared", "-fPIC")
    text = OPENER.replace('dlopen("libvendor.so.1"', "dlopen(join()").replace("opened(void)", "host(void)", 1)
    join = 'static const char *join(void) { static char path[4096]; sprintf(path, "%s/plug.so", folder); return path; }'
    folder = f'#include <stdio.h>\nstatic const char *volatile folder = "{plugin.parent}";\n{join}\n'
    (tmp_path / "vendor").mkdir()
    library = compile_c(folder + text, tmp_path / "vendor/libhost.so.1", "-shared", "-fPIC", "-Wl,-soname,libhost.so.1")
    package = site(environment) / "opener"
    package.mkdir()
    compile_c(
        "int host(void); int opened(void) { return host(); }",
        package / "_opener.so", "-shared", "-fPIC", str(library), f"-Wl,-rpath,{library.parent}",
    )  # fmt: skip
    (package / "__init__.py").write_text(CALLER)
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--json"])
    assert done.returncode == 3, done.stderr
    (fault,) = json.loads(done.stdout)["audit"]["faults"]
    assert fault["path"] == str(plugin)
    assert fault["hint"].startswith("libhost.so.1 opens it") and "--exclude-lib libhost.so.1" in fault["hint"]
