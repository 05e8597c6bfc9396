"""`--libc bundle`: a bundle that brings its own libc runs where the target's is too old, another one, or not there."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.debian import debian_packages, debian_root, inside
from tests.material.environments import bundler, pack
from tests.material.isolation import hidden, in_root

SEES = """
import json, os, sys
libraries = {line.split()[-1] for line in open('/proc/self/maps') if '.so' in line}
print(json.dumps([sys.prefix, os.readlink('/proc/self/exe'), sorted(libraries)]))
"""
PROCESSES = """
import concurrent.futures, ctypes, multiprocessing, os, socket, subprocess, sys, threading

def main():
    done = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True)
    assert done.stdout == "42\\n", done
    for method in ("spawn", "fork"):
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
            assert pool.submit(abs, -3).result() == 3
    found = []
    thread = threading.Thread(target=lambda: found.append(threading.get_native_id()))
    thread.start()
    thread.join()
    assert len(found) == 1 and found[0] != os.getpid()
    assert ctypes.CDLL(None).getpid() == os.getpid()
    assert socket.getaddrinfo("127.0.0.1", 80)
    os.execv(sys.executable, [sys.executable, "-c", "print('works')"])

if __name__ == "__main__":
    main()
"""
WORKS = f"import ssl, sqlite3\nssl.create_default_context(); sqlite3.connect(':memory:')\n{PROCESSES}"


@pytest.fixture(scope="session")
def own(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the sample application with its own libc."""
    out = tmp_path_factory.mktemp("own") / "bundle"
    done = pack(sample.environment, out, "--libc", "bundle")
    assert "needs Linux" in done.stderr and "needs glibc" not in done.stderr, done.stderr
    return out


def empty_root(where: Path) -> Path:
    """A root directory with nothing in it but folders to mount on."""
    for folder in ("proc", "opt", "tmp", "dev/shm"):  # the last one for semaphores
        (where / folder).mkdir(parents=True)
    (where / "tmp").chmod(0o1777)
    return where


def musl_root(where: Path) -> Path:
    """A root directory with musl and busybox."""
    root = empty_root(where)
    packages = debian_packages("bookworm", ["musl", "busybox-static"], label="musl")
    shutil.copytree(packages / "usr/lib", root / "lib", symlinks=True)
    (root / "bin").mkdir()
    shutil.copy(packages / "usr/bin/busybox", root / "bin/sh")
    return root


def test_it_runs_in_a_root_that_holds_nothing_else(own: Path, tmp_path: Path) -> None:
    done = in_root(empty_root(tmp_path), own, ["/opt/app/bin/python3", "-c", SEES])
    assert done.returncode == 0, done.stderr
    prefix, executable, libraries = json.loads(done.stdout)
    assert prefix == "/opt/app"
    assert executable == f"/opt/app/bin/{own.joinpath('bin/python').readlink()}"
    assert libraries and all(path.startswith("/opt/app/") for path in libraries)


def test_what_python_does_with_processes_threads_and_libraries_works(own: Path, sample: Sample, tmp_path: Path) -> None:
    script = tmp_path / "works.py"
    script.write_text(WORKS)
    moved = Path(shutil.copytree(own, tmp_path / "moved é", symlinks=True))
    done = hidden(sample.originals, [moved / "bin/python3", script])
    assert done.stdout == "works\n", done.stderr


def test_every_extension_module_maps_the_bundle_s_libc_and_no_other(own: Path, sample: Sample) -> None:
    names = sorted(name.split(".")[0] for name in os.listdir(next(own.glob("lib/python3*/lib-dynload"))))
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)\n{SEES}"
    done = hidden(sample.originals, [own / "bin/python3", "-c", code])
    _, _, libraries = json.loads(done.stdout)
    outside = [path for path in libraries if not path.startswith(str(own))]
    assert outside == []
    assert [path for path in libraries if path.endswith("/libc.so.6")] == [f"{own}/lib/libc/libc.so.6"]


def test_programs_that_it_starts_use_the_host_s_libc(own: Path, sample: Sample) -> None:
    code = "import os, subprocess; print(subprocess.check_output(['cat', '/proc/self/maps'], text=True), os.environ)"
    done = hidden(sample.originals, [own / "bin/python3", "-c", code])
    assert done.returncode == 0, done.stderr
    assert "libc.so.6" in done.stdout and f"{own}/lib/libc/libc.so.6" not in done.stdout
    assert "LD_" not in done.stdout


def test_verify_finds_a_program_that_the_target_would_start(own: Path, tmp_path: Path) -> None:
    assert bundler(["verify", own]).returncode == 0
    copy = Path(shutil.copytree(own, tmp_path / "copy", symlinks=True))
    program = copy / "bin" / os.readlink(copy / "bin/python3")
    assert bundler(["patch", "--host-loader", program]).returncode == 0
    done = bundler(["verify", "--no-run", copy])
    assert "is started by the target's loader" in done.stderr


def test_inspect_tells_the_kernel_and_the_loader(own: Path) -> None:
    told = json.loads(bundler(["inspect", "--json", own]).stdout)
    assert told["linux"] == "3.2" and "glibc" not in told
    assert told["loader"].startswith("lib/libc/ld-")


def test_two_packs_are_equal(sample: Sample, own: Path, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        pack(sample.environment, tmp_path / name, "--libc", "bundle")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_a_bundle_that_is_packed_again_may_go_back_to_the_target_s_libc(
    own: Path, sample: Sample, tmp_path: Path
) -> None:
    done = pack(own, tmp_path / "back")
    assert "needs glibc" in done.stderr, done.stderr
    seen = hidden(sample.originals, [tmp_path / "back/bin/python3", "-c", SEES])
    _, _, libraries = json.loads(seen.stdout)
    assert not [path for path in libraries if path.endswith("/libc.so.6") and path.startswith(str(tmp_path))]
    assert not (tmp_path / "back/lib/libc").exists()


@pytest.mark.everything
def test_it_runs_on_an_older_glibc(own: Path, tmp_path: Path) -> None:
    root = debian_root("bullseye", tmp_path / "root")
    done = inside(root, "/opt/app/bin/python3 -c 'import numpy, ssl; print(numpy.__version__)'", [(own, "opt/app")])
    assert done.returncode == 0, done.stderr


@pytest.mark.everything
def test_it_runs_on_musl(own: Path, tmp_path: Path) -> None:
    root = musl_root(tmp_path / "root")
    (root / "tmp/works.py").write_text(WORKS)
    done = in_root(root, own, ["/opt/app/bin/python3", "/tmp/works.py"])
    assert done.stdout == "works\n", done.stderr
    done = in_root(root, own, ["/opt/app/bin/stockroom", "where"])
    assert done.returncode == 0, done.stderr
