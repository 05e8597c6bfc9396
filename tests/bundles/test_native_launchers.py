"""`--launcher native`: scripts run where there is no shell, as they do with the shell header elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.binaries.elf.launchers import HEAD_SIZE, is_launcher, read_launcher
from tests.material.environments import SLIM, SMALL, bundler, empty_environment, pack, run, uv
from tests.material.foreign import AARCH64, bare_root_of, emulated, root_of, venv_in
from tests.material.interpreters import main_python
from tests.material.isolation import ENVIRONMENT, hidden, in_root
from tests.material.own_wheels import make_wheel, scripts_wheel

KINDS = ("console", "gui", "data", "doc", "latin")
WAITS = (
    "import os, signal, sys\n\ndef main():\n    if sys.argv[1:2] == ['exit']:\n        sys.exit(int(sys.argv[2]))\n"
    "    signal.signal(signal.SIGTERM, lambda *_: os._exit(5))\n    print('ready', flush=True)\n    signal.pause()\n"
)


@dataclass(frozen=True)
class Native:
    """A bundle with launchers, made of an environment with scripts of every kind."""

    environment: Path
    bundle: Path
    originals: tuple[str, ...]


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Native:
    python = main_python()
    folder = tmp_path_factory.mktemp("native")
    environment = folder / "env"
    waits = {"waits.py": WAITS, "entry_points.txt": "[console_scripts]\nwaits = waits:main\n"}
    uv(["venv", "--seed", "--python", python.executable, environment])
    wheels = [scripts_wheel(folder, "one"), make_wheel(folder, "waits", waits)]
    pip: list[str | Path] = [environment / "bin/python", "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "-q", "--no-index", *wheels])
    (environment / "bin/in-sh").write_text(f'#!/bin/sh\nexec {environment}/bin/one-data "$@"\n')
    (environment / "bin/in-sh").chmod(0o755)
    pack(environment, folder / "packed", "--launcher", "native", *SLIM)
    return Native(environment, (folder / "packed").rename(folder / "moved é to"), (str(environment), *python.places))


@pytest.fixture(scope="module")
def own(native: Native, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a libc of its own, and a start command."""
    out = tmp_path_factory.mktemp("own") / "bundle"
    options = ("--launcher", "native", "--libc", "bundle", "--entry", "one-console first")
    pack(native.environment, out, *options, *SLIM)
    return out


def told(done: subprocess.CompletedProcess[str]) -> list[object]:
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, list)
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_script_runs_moved_however_it_is_called(native: Native, tmp_path: Path, kind: str) -> None:
    name, bundle = f"one-{kind}", native.bundle
    assert is_launcher((bundle / "bin" / name).read_bytes())
    (tmp_path / "tree").symlink_to(bundle)
    (tmp_path / "first").symlink_to(bundle / "bin" / name)
    (tmp_path / "second").symlink_to("first")
    path = {"PATH": f"{bundle}/bin:/usr/bin:/bin"}
    calls: list[tuple[Sequence[str | Path], str | Path, dict[str, str], str]] = [
        ([bundle / "bin" / name], "/", {}, name),
        ([f"./{name}"], bundle / "bin", {}, name),
        ([f"bin/{name}"], tmp_path / "tree", {}, name),
        ([tmp_path / "second"], "/usr", {}, "second"),
        ([tmp_path / "tree/bin" / name], "/", {}, name),
        ([name], "/", path, name),
        (["bash", "-c", 'exec -a other "$0" "$@"', bundle / "bin" / name], "/", ENVIRONMENT | {}, name),
        ([bundle / "bin/python", bundle / "bin" / name], "/", {}, name),
    ]
    for command, cwd, env, shown in calls:
        answer = told(hidden(native.originals, [*command, "a b", "", "*"], env=env, cwd=cwd))
        assert answer == [shown, ["a b", "", "*"], os.path.realpath(cwd), str(bundle)], command


def test_scripts_of_a_shell_stay_scripts(native: Native) -> None:
    assert (native.bundle / "bin/in-sh").read_bytes().startswith(b"#!/bin/sh\n")
    assert told(hidden(native.originals, [native.bundle / "bin/in-sh", "x"]))[:2] == ["one-data", ["x"]]


def test_it_runs_where_there_is_neither_shell_nor_libc(own: Path, tmp_path: Path) -> None:
    for folder in ("proc", "opt", "tmp", "usr/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "usr/bin/app").symlink_to("/opt/app/bin/one-console")
    for kind in KINDS:
        answer = told(in_root(tmp_path, own, [f"/opt/app/bin/one-{kind}", "x"], env={}))
        assert answer == [f"one-{kind}", ["x"], "/", "/opt/app"]
    assert told(in_root(tmp_path, own, ["/usr/bin/app", "x"], env={}))[:2] == ["app", ["x"]]
    assert told(in_root(tmp_path, own, ["/opt/app/bin/start", "x"], env={}))[:2] == ["one-console", ["first", "x"]]


def test_variables_for_another_python_do_not_reach_it(native: Native) -> None:
    variables = {"PYTHONHOME": "/x", "PYTHONPLATLIBDIR": "x", "PYTHONEXECUTABLE": "/x", "__PYVENV_LAUNCHER__": "/x"}
    done = hidden(native.originals, [native.bundle / "bin/one-console"], env=variables)
    assert told(done) == ["one-console", [], "/", str(native.bundle)]


def test_exit_status_and_signals_pass_through(native: Native) -> None:
    program = native.bundle / "bin/waits"
    assert subprocess.run([program, "exit", "42"], check=False).returncode == 42
    for number, status in ((signal.SIGTERM, 5), (signal.SIGKILL, -signal.SIGKILL)):
        with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            assert process.wait() == status


def test_record_agrees_and_pip_takes_all_of_it_away_again(native: Native, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(native.bundle, tmp_path / "bundle", symlinks=True))
    pip: list[str | Path] = [bundle / "bin/pip", "--disable-pip-version-check"]
    assert "one" in hidden(native.originals, [*pip, "list"]).stdout
    done = hidden(native.originals, [*pip, "uninstall", "-y", "one"])
    assert done.returncode == 0, done.stderr
    assert list(bundle.rglob("*one-*")) == []


def test_fix_gives_launchers_to_what_pip_installed(native: Native, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(native.bundle, tmp_path / "bundle", symlinks=True))
    pip: list[str | Path] = [bundle / "bin/pip", "--disable-pip-version-check", "install", "-q", "--no-index"]
    for wheel in (scripts_wheel(tmp_path, "four"), scripts_wheel(tmp_path, "one", "2.0")):
        done = hidden(native.originals, [*pip, wheel])
        assert done.returncode == 0, done.stderr
    done = bundler(["fix", bundle, "--json"])
    names = sorted(f"bin/{name}-{kind}" for name in ("four", "one") for kind in KINDS)
    assert list(json.loads(done.stdout)["scripts"]) == names
    bundle = bundle.rename(tmp_path / "second")
    for name in names:
        assert is_launcher((bundle / name).read_bytes())
        assert told(hidden(native.originals, [bundle / name, "x"]))[3] == str(bundle)
    assert bundler(["verify", "--no-run", bundle]).returncode == 0
    assert json.loads(bundler(["fix", bundle, "--json"]).stdout)["scripts"] == {}


def test_verify_finds_a_launcher_whose_words_were_changed(native: Native, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(native.bundle, tmp_path / "bundle", symlinks=True))
    data = (bundle / "bin/one-console").read_bytes()
    (bundle / "bin/one-console").write_bytes(data.replace(b"bin/one-console\0", b"bin/one-consoLe\0"))
    (bundle / "bin/one-gui").write_bytes(data.replace(b"ppython\0", b"qpython\0"))
    done = bundler(["verify", "--no-run", bundle])
    assert done.returncode == 3
    assert "bin/one-console: starts ../libexec/bundler/bin/one-consoLe, which is not in the bundle\n" in done.stderr
    assert "bin/one-gui: starts nothing: a launcher has a word of no known kind" in done.stderr


def test_inspect_says_what_a_launcher_starts(native: Native) -> None:
    done = bundler(["inspect", native.bundle / "bin/one-console", "--json"])
    assert json.loads(done.stdout)["starts"] == ["python", "-Xbundler=", "../libexec/bundler/bin/one-console"]


def test_two_packs_are_equal(native: Native, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        pack(native.environment, tmp_path / name, "--launcher", "native", "--no-verify", *SMALL)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_an_update_keeps_launchers_and_gives_them_up(native: Native, tmp_path: Path) -> None:
    pack(native.environment, tmp_path / "app", "--launcher", "native", "--no-verify", *SMALL)
    launcher = tmp_path / "app/bin/one-console"
    before = launcher.stat()
    done = pack(native.environment, tmp_path / "app", "--update", "--no-verify")
    assert launcher.stat().st_ino == before.st_ino, done.stderr
    assert is_launcher(launcher.read_bytes())
    pack(native.environment, tmp_path / "app", "--update", "--no-verify", "--launcher", "sh")
    assert launcher.read_bytes().startswith(b"#!/bin/sh\n")
    assert not (tmp_path / "app/libexec/bundler/bin/one-console").exists()


def test_a_bundle_that_is_packed_again_keeps_its_launchers(native: Native, tmp_path: Path) -> None:
    pack(native.bundle, tmp_path / "again", *SLIM)
    again = (tmp_path / "again").rename(tmp_path / "moved")
    for kind in KINDS:
        name = f"one-{kind}"
        assert (again / "bin" / name).read_bytes() == (native.bundle / "bin" / name).read_bytes()
        assert told(hidden(native.originals, [again / "bin" / name]))[3] == str(again)


def test_a_function_is_started_without_a_shell(tmp_path: Path) -> None:
    environment = empty_environment(tmp_path / "env")
    options = ("--launcher", "native", "--isolated", "--entry", "platform:python_version", *SLIM)
    pack(environment, tmp_path / "app", *options)
    with open(tmp_path / "app/bin/start", "rb") as file:
        launcher = read_launcher(file.read(HEAD_SIZE))
    assert launcher is not None and [word.text for word in launcher.words[1:4]] == ["-Xbundler=", "-E", "-s"]
    done = hidden((str(environment), *main_python().places), [tmp_path / "app/bin/start"])
    assert (done.returncode, done.stdout) == (1, "")  # the function returns a text, which is what the exit says
    assert done.stderr.count(".") == 2


@pytest.mark.everything
def test_an_image_starts_the_launcher(native: Native, tmp_path: Path) -> None:
    image = tmp_path / "app.oci.tar"
    options = ("--launcher", "native", "--libc", "bundle", "--entry", "one:main", "--no-verify", *SLIM)
    pack(native.environment, image, *options)
    with tarfile.open(image) as file:
        texts = [content.read() for member in file if (content := file.extractfile(member)) and member.size < 100_000]
    (config,) = [
        found for text in texts if text[:1] == b"{" and "config" in (found := json.loads(text)) and "rootfs" in found
    ]
    assert [*(config["config"].get("Entrypoint") or ()), *(config["config"].get("Cmd") or ())] == ["/app/bin/start"]


@pytest.mark.everything
def test_it_runs_on_aarch64_without_a_shell(tmp_path: Path) -> None:
    root = root_of(AARCH64, tmp_path / "root")
    venv_in(root, "/srv/application/.venv")
    pack(Path("/srv/application/.venv"), tmp_path / "app", "--root", root, "--launcher", "native", *SLIM)
    bare = bare_root_of(AARCH64, root, tmp_path / "bare")
    (bare / "bin/sh").unlink()
    (bare / "bin/link").symlink_to("/opt/app/bin/where")
    for command in ("/opt/app/bin/where", "/bin/link"):
        done = emulated(AARCH64, bare, tmp_path / "app", [command])
        assert (done.stdout, done.stderr) == ("/opt/app\n", "")
