"""Each kind of fault, planted in a sound bundle, is found, named by its path, and told apart from what pip adds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bundler.audit import AuditReport, Fault, FaultKind, verify
from bundler.errors import NotABundle
from tests.binaries.elf.notes import resolution_cache_note
from tests.binaries.elf.programs import compile_c
from tests.material.environments import bundler, empty_environment, pack
from tests.material.interpreters import Python, main_python
from tests.material.programs import need


@pytest.fixture(scope="module")
def python() -> Python:
    return main_python()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, python: Python) -> Path:
    """A bundle of an environment without a package."""
    folder = tmp_path_factory.mktemp("sound")
    pack(empty_environment(folder / "env", python), folder / "bundle", "--no-verify")
    return folder / "bundle"


@pytest.fixture
def bundle(sound: Path, tmp_path: Path) -> Path:
    """A copy to be spoiled: hard links, so every change must be by a new file."""
    subprocess.run(["cp", "-al", sound, tmp_path / "bundle"], check=True)
    return tmp_path / "bundle"


def rewrite(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode if path.exists() else 0o644
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def accept(bundle: Path, *paths: Path) -> None:
    """Write the digests of changed files into bundle.json, as a packer with a bug would have."""
    import hashlib

    manifest = json.loads((bundle / "bundle.json").read_text())
    for path in paths:
        data = path.read_bytes()
        fact = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "origin": "bundler"}
        manifest["files"][str(path.relative_to(bundle))] = fact
    rewrite(bundle / "bundle.json", json.dumps(manifest).encode())


def read_start_files(bundle: Path) -> None:
    """Let bundle.json say that the bundle is of a Python which reads `.start` files."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["python"]["version"] = "3.15.2"
    rewrite(bundle / "bundle.json", json.dumps(manifest).encode())


def faults(report: AuditReport) -> list[tuple[FaultKind, str]]:
    return [(fault.kind, fault.path) for fault in report.faults]


def static(bundle: Path) -> list[tuple[FaultKind, str]]:
    return faults(verify(str(bundle), run=False))


def static_of_315(bundle: Path) -> list[Fault]:
    """What is told of a bundle that says it is of another Python than its own (`read_start_files`), but for that."""
    told, *rest = sorted(verify(str(bundle), run=False).faults, key=lambda fault: fault.kind is not FaultKind.MANIFEST)
    assert "tells Python 3.15.2, and the standard library is that of" in told.message
    return rest


def extension(bundle: Path, name: str) -> Path:
    return next(bundle.glob(f"lib/python3.*/lib-dynload/{name}.*.so"))


def test_a_sound_bundle_has_none_and_its_modules_import(bundle: Path) -> None:
    report = verify(str(bundle))
    assert faults(report) == []
    assert report.run is not None
    assert report.run.tried > 40
    assert report.run.failed == {}
    assert report.added == ()


def test_links_that_are_absolute_lead_out_or_dangle(bundle: Path) -> None:
    (bundle / "absolute").symlink_to("/etc/passwd")
    (bundle / "out").symlink_to("../../somewhere")
    (bundle / "dangling").symlink_to("nothing")
    (bundle / "fine").symlink_to("bin/python")
    assert static(bundle) == [(FaultKind.LINK, "absolute"), (FaultKind.LINK, "dangling"), (FaultKind.LINK, "out")]


def test_changed_and_missing_files(bundle: Path) -> None:
    victim = next(bundle.glob("lib/python3.*/abc.py"))
    rewrite(victim, victim.read_bytes() + b"#")
    (bundle / "bin/python3").unlink()
    found = static(bundle)
    assert (FaultKind.CONTENT, str(victim.relative_to(bundle))) in found
    assert (FaultKind.CONTENT, "bin/python3") in found
    assert len(found) == 2


def test_a_library_that_would_come_from_the_host(bundle: Path) -> None:
    (bundle / "lib/bundled/libsqlite3.so.0").unlink()
    report = verify(str(bundle), run=False)
    sqlite = str(extension(bundle, "_sqlite3").relative_to(bundle))
    assert (FaultKind.LIBRARY, sqlite) in faults(report)
    assert "from the host" in next(fault.message for fault in report.faults if fault.path == sqlite)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--force-rpath", "--set-rpath", "/opt/lib:$ORIGIN/../../bundled"], "/opt/lib"),
        (["--force-rpath", "--set-rpath", "$ORIGIN/../../../../elsewhere:$ORIGIN/../../bundled"], "elsewhere"),
        (["--set-rpath", "$ORIGIN/../../bundled"], "LD_LIBRARY_PATH"),
    ],
)
def test_search_paths_that_lead_out_or_yield(bundle: Path, options: list[str], message: str) -> None:
    need("patchelf")
    path = extension(bundle, "_sqlite3")
    rewrite(path, path.read_bytes())
    if "--force-rpath" not in options:
        subprocess.run(["patchelf", "--remove-rpath", path], check=True)
    subprocess.run(["patchelf", *options, path], check=True)
    accept(bundle, path)
    report = verify(str(bundle), run=False)
    assert faults(report) == [(FaultKind.SEARCH_PATH, str(path.relative_to(bundle)))]
    assert message in report.faults[0].message


def test_a_note_of_absolute_paths_for_the_loader_of_nixos(bundle: Path, tmp_path: Path) -> None:
    text = resolution_cache_note("libm.so.6 =/nix/store/libm.so.6") + "int made;"
    path = extension(bundle, "_sqlite3")
    rewrite(path, compile_c(text, tmp_path / "made.so", "-shared", "-fPIC").read_bytes())
    accept(bundle, path)
    report = verify(str(bundle), run=False)
    assert (FaultKind.SEARCH_PATH, str(path.relative_to(bundle))) in faults(report)
    assert any("NixOS" in fault.message for fault in report.faults)


def test_capabilities_of_the_interpreter_s_file(bundle: Path) -> None:
    executable = (bundle / "bin/python").resolve()
    rewrite(executable, executable.read_bytes())
    try:
        os.setxattr(
            executable, "security.capability", bytes.fromhex("01000002") + bytes.fromhex("00040000") + bytes(12)
        )
    except (OSError, AttributeError) as error:
        pytest.skip(f"needs root, and a file system of Linux's with capabilities: {error}")
    report = verify(str(bundle), run=False)
    assert faults(report) == [(FaultKind.LIBRARY, str(executable.relative_to(bundle)))]
    assert "setcap -r" in report.faults[0].hint and "--ambient-caps" in report.faults[0].hint


def test_scripts_configuration_and_pth_files_that_name_a_place(bundle: Path) -> None:
    script = bundle / "bin/tool"
    rewrite(script, b"#!/srv/venv/bin/python3\nprint()\n")
    config = bundle / "pyvenv.cfg"
    rewrite(config, b"home = /usr/bin\n")
    pth = next(bundle.glob("lib/python3.*/site-packages")) / "x.pth"
    rewrite(pth, b"/srv/project/src\n")
    accept(bundle, script, config, pth)
    assert static(bundle) == [
        (FaultKind.CONFIGURATION, "pyvenv.cfg"),
        (FaultKind.CONFIGURATION, "pyvenv.cfg"),
        (FaultKind.CONFIGURATION, str(pth.relative_to(bundle))),
        (FaultKind.SCRIPT, "bin/tool"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.pth", "import _x_editable\n"), ("x.start", "\ufeff_x_editable:entrypoint\n")],
)
def test_the_import_hook_of_an_editable_install_leads_out(bundle: Path, name: str, text: str) -> None:
    packages = next(bundle.glob("lib/python3.*/site-packages"))
    file, hook = packages / name, packages / "_x_editable.py"
    read_start_files(bundle)
    rewrite(file, text.encode())
    (alone,) = static_of_315(bundle)
    # Its module is not there: it is run, and fails.
    assert (alone.kind, alone.path) == (FaultKind.ADDED, str(file.relative_to(bundle)))
    rewrite(hook, b"")
    added = static_of_315(bundle)
    assert [fault.message.partition(",")[0] for fault in added] == ["was added"]
    assert "the import hook of an editable install: _x_editable" in added[0].message
    accept(bundle, file, hook)
    (listed,) = static_of_315(bundle)
    assert (listed.kind, listed.path) == (FaultKind.CONFIGURATION, str(file.relative_to(bundle)))


@pytest.mark.parametrize(("name", "text"), [("x.pth", "import os\n"), ("x.start", "os:getcwd\n")])
def test_code_that_python_runs_at_each_start_is_no_addition_like_others(bundle: Path, name: str, text: str) -> None:
    packages = next(bundle.glob("lib/python3.*/site-packages"))
    read_start_files(bundle)
    rewrite(packages / name, b"# nothing\n")
    assert static_of_315(bundle) == []
    rewrite(packages / name, text.encode())
    (fault,) = static_of_315(bundle)
    assert "is run by Python at each start" in fault.message


def test_a_module_that_fails_or_kills_its_process_is_named_and_the_rest_is_tried(bundle: Path, tmp_path: Path) -> None:
    need("gcc")
    packages = next(bundle.glob("lib/python3.*/site-packages"))
    suffix = extension(bundle, "_sqlite3").name.partition(".")[2]
    for name, body in (
        ("aa_crash", "abort();"),
        ("bb_exit", "exit(3);"),
        ("cc_fail", 'PyErr_SetString(PyExc_ImportError, "not today");'),
    ):
        source = tmp_path / f"{name}.c"
        source.write_text(f"#include <Python.h>\nPyMODINIT_FUNC PyInit_{name}(void) {{ {body} return NULL; }}\n")
        include = next(bundle.glob("include/python3.*"))
        target = packages / f"{name}.{suffix}"
        subprocess.run(["gcc", "-shared", "-fPIC", f"-I{include}", "-o", target, source], check=True)
        accept(bundle, target)
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["import_failures"] = {}  # as after an audit: nothing failed in the source
    rewrite(bundle / "bundle.json", json.dumps(manifest).encode())
    report = verify(str(bundle))
    assert report.run is not None
    assert {fault.path: fault.message for fault in report.faults} == {
        "aa_crash": "cannot be imported: the process was ended by signal 6",
        "bb_exit": "cannot be imported: the process ended with status 3",
        "cc_fail": "cannot be imported: ImportError: not today",
    }


def test_a_module_and_a_path_from_outside_are_seen_at_run_time(bundle: Path, tmp_path: Path) -> None:
    packages = next(bundle.glob("lib/python3.*/site-packages"))
    (tmp_path / "stray").mkdir()
    pth = packages / "stray.pth"
    rewrite(pth, f"import sys; sys.path.append({str(tmp_path / 'stray')!r})\n".encode())
    accept(bundle, pth)
    assert faults(verify(str(bundle))) == [(FaultKind.OUTSIDE, str(tmp_path / "stray"))]


def test_a_binary_that_an_installer_brought_is_a_note(bundle: Path) -> None:
    """Wheels have a RUNPATH, lean on the host's libraries, and miss some: that is no fault of the bundle's."""
    need("patchelf")
    need("gcc")
    packages = next(bundle.glob("lib/python3.*/site-packages"))
    module = packages / extension(bundle, "_sqlite3").name.replace("_sqlite3", "wheel")
    shutil.copy(extension(bundle, "_sqlite3"), module)
    subprocess.run(
        ["patchelf", "--set-rpath", "$ORIGIN/../../bundled", "--add-needed", "libnone.so.1", module], check=True
    )
    report = verify(str(bundle))
    assert faults(report) == []
    assert any("came after the pack" in note for note in report.notes)
    accept(bundle, module)
    assert {path for _, path in static(bundle)} == {str(module.relative_to(bundle))}


def test_what_came_later_is_a_fault_only_when_strict(bundle: Path) -> None:
    packages = next(bundle.glob("lib/python3.*/site-packages"))
    rewrite(packages / "later.py", b"")
    report = verify(str(bundle), run=False)
    assert faults(report) == []
    assert report.added == (str((packages / "later.py").relative_to(bundle)),)
    assert [kind for kind, _ in faults(verify(str(bundle), run=False, strict=True))] == [FaultKind.ADDED]


def test_nothing_of_a_bundle_with_static_faults_is_run(bundle: Path) -> None:
    (bundle / "absolute").symlink_to("/etc/passwd")
    report = verify(str(bundle))
    assert report.run is None
    assert len(report.faults) == 1
    assert report.notes == ("no module was imported: what is wrong with the files comes first",)
    assert verify(str(bundle), run=False).notes == ()


def test_what_is_no_bundle_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotABundle):
        verify(str(tmp_path))
    (tmp_path / "bundle.json").write_text("{}")
    with pytest.raises(NotABundle):
        verify(str(tmp_path))


def test_an_archive_is_looked_at_without_running_it_and_leaves_nothing(sound: Path, tmp_path: Path) -> None:
    archive = tmp_path / "bundle.tar"
    subprocess.run(["tar", "cf", archive, "-C", sound, "."], check=True)
    done = bundler(["verify", archive, "--json"])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == []
    assert report["run"] is None
    assert verify(str(archive)).run is None, "the API decides as the command line does"
    assert os.listdir(tmp_path) == ["bundle.tar"]
    (tmp_path / "noise.tar.gz").write_bytes(b"noise")
    done = bundler(["verify", tmp_path / "noise.tar.gz"])
    assert done.returncode == 1
    assert "no archive that bundler knows" in done.stderr
