"""`--libc auto`: a bundle that runs on the target's libc where that is new enough, and on its own everywhere else."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.bundles.test_own_libc import SEES, WORKS, empty_root, musl_root
from tests.material.debian import debian_root, inside
from tests.material.environments import bundler, pack
from tests.material.isolation import ENVIRONMENT, hidden, in_root, namespace


@pytest.fixture(scope="session")
def auto(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the sample application that chooses its libc."""
    out = tmp_path_factory.mktemp("auto") / "bundle"
    done = pack(sample.environment, out, "--libc", "auto")
    assert "needs Linux" in done.stderr and "needs glibc" not in done.stderr, done.stderr
    assert "uses the target's glibc from 2." in done.stderr and "else its own" in done.stderr
    return out


def loader_of(bundle: Path) -> str:
    """The path of the loader of this machine, which the bundle's Python looks at."""
    facts = json.loads(bundler(["inspect", "--json", bundle / "bin" / os.readlink(bundle / "bin/python3")]).stdout)
    return str(facts["interpreter"])


def without_loader(bundle: Path, sample: Sample, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the bundle where the environment and the machine's loader are hidden: no program of the machine starts."""
    loader = os.path.realpath(loader_of(bundle))
    script = (
        'while [ "$1" != -- ]; do if [ -f "$1" ]; then mount --bind /dev/null "$1"; else mount -t tmpfs none "$1"; fi'
        " || exit 99; shift; done; shift;"
        ' mount --bind /dev/null "$1" || exit 99; shift; exec "$@"'
    )
    variables = [f"{key}={value}" for key, value in ENVIRONMENT.items()]
    start = [
        *namespace(),
        "env",
        "-i",
        "-C",
        "/",
        *variables,
        "sh",
        "-c",
        script,
        "sh",
        *sample.originals,
        "--",
        loader,
    ]
    return subprocess.run([*start, *command], capture_output=True, text=True, check=False)


def modules_of(bundle: Path) -> str:
    """Code that imports each extension module of the standard library, and tells what was mapped."""
    names = sorted(name.split(".")[0] for name in os.listdir(next(bundle.glob("lib/python3*/lib-dynload"))))
    return f"import importlib\nfor name in {names!r}: importlib.import_module(name)\n{SEES}"


def family_of(libraries: list[str]) -> list[str]:
    """What is of libc's family among mapped files."""
    return [
        path for path in libraries if os.path.basename(path).startswith(("libc.", "libm.", "ld-", "libdl.", "librt."))
    ]


def test_on_this_machine_all_of_libc_is_the_machine_s(auto: Path, sample: Sample) -> None:
    done = hidden(sample.originals, [auto / "bin/python3", "-c", modules_of(auto)])
    assert done.returncode == 0, done.stderr
    _, executable, libraries = json.loads(done.stdout)
    assert executable.startswith(f"{auto}/bin/python3")
    assert len(family_of(libraries)) >= 3
    assert [path for path in libraries if path.startswith(f"{auto}/lib/libc/")] == []


def test_without_the_machine_s_loader_all_of_libc_is_the_bundle_s(auto: Path, sample: Sample) -> None:
    program = auto / "bin" / os.readlink(auto / "bin/python3")
    done = without_loader(auto, sample, [str(program), "-c", modules_of(auto)])
    assert done.returncode == 0, done.stderr
    _, executable, libraries = json.loads(done.stdout)
    assert executable == str(program)
    assert [path for path in libraries if not path.startswith(str(auto))] == []
    assert [path for path in libraries if path.endswith("/libc.so.6")] == [f"{auto}/lib/libc/libc.so.6"]


def test_it_runs_in_a_root_that_holds_nothing_else(auto: Path, tmp_path: Path) -> None:
    done = in_root(empty_root(tmp_path), auto, ["/opt/app/bin/python3", "-c", SEES])
    assert done.returncode == 0, done.stderr
    prefix, _, libraries = json.loads(done.stdout)
    assert prefix == "/opt/app"
    assert libraries and all(path.startswith("/opt/app/") for path in libraries)


def test_with_its_own_libc_it_finds_its_place_under_another_name(auto: Path, tmp_path: Path) -> None:
    code = f"import os, sys; os.execve(sys.executable, ['worker', '-c', {SEES!r}], {{}})"
    done = in_root(empty_root(tmp_path), auto, ["/opt/app/bin/python3", "-c", code])
    assert done.returncode == 0, done.stderr
    prefix, executable, libraries = json.loads(done.stdout)
    assert prefix == "/opt/app" and executable.startswith("/opt/app/bin/python3")
    assert libraries and all(path.startswith("/opt/app/") for path in libraries)


def test_it_runs_without_proc(auto: Path, tmp_path: Path) -> None:
    root = empty_root(tmp_path)
    (root / "opt/app").mkdir()
    script = 'mount --bind "$1" "$0/opt/app" && exec env -i "$2" "$0" /opt/app/bin/python3 -c "import sys; print(sys.prefix)"'
    chroot = shutil.which("chroot") or "/usr/sbin/chroot"
    command = [*namespace(), "sh", "-c", script, str(root), str(auto), chroot]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "/opt/app\n", done.stderr


@pytest.mark.parametrize("own", [pytest.param(False, marks=pytest.mark.everything), True])
def test_what_python_does_with_processes_threads_and_libraries_works(
    auto: Path, sample: Sample, tmp_path: Path, own: bool
) -> None:
    script = tmp_path / "works.py"
    script.write_text(WORKS)
    command = [f"{auto}/bin/python3", str(script)]
    done = without_loader(auto, sample, command) if own else hidden(sample.originals, command)
    assert done.stdout == "works\n", done.stderr


def test_verify_runs_it_with_both(auto: Path) -> None:
    done = bundler(["verify", "--json", auto])
    told = json.loads(done.stdout)
    assert done.returncode == 0, told
    assert told["run"]["tried"] > told["run"]["with_own_libc"] > 20
    assert "with its own libc as well" in bundler(["verify", auto]).stderr


def edited(auto: Path, tmp_path: Path, file: str, *words: str) -> str:
    """What `verify` says of a copy in which a file was changed by the patcher."""
    copy = Path(shutil.copytree(auto, tmp_path / "copy", symlinks=True))
    assert bundler(["patch", *words, copy / file]).returncode == 0
    return bundler(["verify", "--no-run", "-v", copy]).stderr


def test_verify_finds_a_program_that_does_not_choose_as_the_bundle_does(auto: Path, tmp_path: Path) -> None:
    python = f"bin/{os.readlink(auto / 'bin/python3')}"
    said = edited(auto, tmp_path / "one", python, "--host-from", "2.99")
    assert "takes the target's loader from glibc 2.99 on, and the bundle does from glibc 2." in said
    assert "is started by the target's loader" in edited(auto, tmp_path / "two", python, "--host-loader")
    said = edited(auto, tmp_path / "three", python, "--own-rpath", "$ORIGIN/../lib:$ORIGIN/../lib/bundled")
    assert "would take libc.so.6 from the host" in said


@pytest.mark.everything
def test_verify_finds_a_search_path_that_leads_to_a_libc_which_others_do_not_have(auto: Path, tmp_path: Path) -> None:
    module = next(path for path in auto.glob("lib/python3*/lib-dynload/_ssl*.so")).relative_to(auto)
    said = edited(auto, tmp_path / "one", str(module), "--add-rpath", "$ORIGIN/../../libc")
    assert "leads to the bundle's libc, and its process may have another one" in said
    python = f"bin/{os.readlink(auto / 'bin/python3')}"
    said = edited(auto, tmp_path / "two", python, "--add-rpath", "$ORIGIN/../lib/libc")
    assert "leads to the bundle's libc, and its process may have another one" in said


@pytest.mark.everything
def test_verify_finds_a_runpath_that_would_mix_the_two(auto: Path, tmp_path: Path) -> None:
    module = next(path for path in auto.glob("lib/python3*/lib-dynload/math*.so")).relative_to(auto)
    said = edited(auto, tmp_path, str(module), "--set-rpath", "$ORIGIN", "--runpath")
    assert "math" in said and "has a RUNPATH" in said


def test_inspect_tells_the_kernel_and_both_loaders(auto: Path) -> None:
    told = json.loads(bundler(["inspect", "--json", auto]).stdout)
    assert told["linux"] == "3.2" and "glibc" not in told
    assert told["loader"].startswith("lib/libc/ld-") and told["host_loader"].startswith("from glibc 2.")
    program = json.loads(bundler(["inspect", "--json", auto / "bin" / os.readlink(auto / "bin/python3")]).stdout)
    assert program["loader"].startswith("the host's from glibc 2.") and "lib/libc" not in program["rpath"]
    assert program["own_rpath"].endswith("$ORIGIN/../lib/libc")


@pytest.mark.everything
def test_two_packs_are_equal(sample: Sample, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        pack(sample.environment, tmp_path / name, "--libc", "auto", "--no-verify")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


@pytest.mark.everything
@pytest.mark.parametrize("mode", ["host", "bundle"])
def test_packed_again_it_is_a_bundle_of_another_kind(auto: Path, sample: Sample, tmp_path: Path, mode: str) -> None:
    done = pack(auto, tmp_path / "again", "--libc", mode)
    assert "uses the target's" not in done.stderr
    assert (tmp_path / "again/lib/libc").exists() is (mode == "bundle")
    seen = hidden(sample.originals, [tmp_path / "again/bin/python3", "-c", SEES])
    _, _, libraries = json.loads(seen.stdout)
    family = family_of(libraries)
    assert family and all(path.startswith(str(tmp_path)) is (mode == "bundle") for path in family)


@pytest.mark.everything
def test_a_bundle_with_its_own_libc_packed_again_may_choose(auto: Path, sample: Sample, tmp_path: Path) -> None:
    pack(auto, tmp_path / "own", "--libc", "bundle", "--no-verify")
    pack(tmp_path / "own", tmp_path / "again", "--libc", "auto")
    one, other = (json.loads((path / "bundle.json").read_bytes()) for path in (auto, tmp_path / "again"))
    assert one["libraries"]["host_libc"] == other["libraries"]["host_libc"]
    seen = hidden(sample.originals, [tmp_path / "again/bin/python3", "-c", SEES])
    assert not [path for path in json.loads(seen.stdout)[2] if path.startswith(f"{tmp_path}/again/lib/libc")]


@pytest.mark.everything
@pytest.mark.parametrize(("suite", "own"), [("bullseye", True), ("trixie", False), ("sid", False)])
def test_it_chooses_on_other_releases(auto: Path, tmp_path: Path, suite: str, own: bool) -> None:
    if platform.libc_ver()[1] != "2.36":
        pytest.skip("needs a machine with glibc 2.36, between those of the releases")
    root = debian_root(suite, tmp_path / "root")
    (root / "tmp/sees.py").write_text("import numpy, ssl\n" + SEES)
    done = inside(root, "/opt/app/bin/python3 /tmp/sees.py", [(auto, "opt/app")])
    assert done.returncode == 0, done.stderr
    family = family_of(json.loads(done.stdout)[2])
    assert family and all(path.startswith("/opt/app/lib/libc/") is own for path in family)


@pytest.mark.everything
def test_it_runs_on_musl(auto: Path, tmp_path: Path) -> None:
    root = musl_root(tmp_path / "root")
    (root / "tmp/works.py").write_text(WORKS)
    done = in_root(root, auto, ["/opt/app/bin/python3", "/tmp/works.py"])
    assert done.stdout == "works\n", done.stderr
