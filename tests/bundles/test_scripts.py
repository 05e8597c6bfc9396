"""Every kind of script runs in a moved bundle, however it is called and whatever /bin/sh is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.environments import FIXTURES, bundler, empty_environment, pack, run, uv
from tests.material.interpreters import main_python
from tests.material.isolation import ENVIRONMENT, hidden, in_root, put_program
from tests.material.own_wheels import scripts_wheel
from tests.material.programs import need

# By whom installed: "one" by pip, "two" by uv, "three" by uv into a relocatable environment.
INSTALLED = [
    f"{name}-{kind}" for name in ("one", "two", "three") for kind in ("console", "gui", "data", "doc", "latin")
]
WRITTEN = {
    "developed": "#!{python}\n# EASY-INSTALL-DEV-SCRIPT: 'one==1.0','developed'\n__requires__ = 'one==1.0'\n"
    "__import__('pkg_resources').require('one==1.0')\n__file__ = '{root}/src/developed'\n"
    "with open(__file__) as f:\n    exec(compile(f.read(), __file__, 'exec'))\n",
    "old-entry-point": "#!{python}\n# EASY-INSTALL-ENTRY-SCRIPT: 'one==1.0','console_scripts','one-console'\n"
    "__requires__ = 'one==1.0'\nimport re\nimport sys\nfrom importlib.metadata import entry_points\nfrom one import main\n"
    "if __name__ == '__main__':\n    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n    sys.exit(main())\n",
    "with-arguments": "#!{python} -E\nimport sys\nassert sys.flags.ignore_environment\nfrom one import main\nmain()\n",
    "any-python": "#!/usr/bin/env python\nfrom one import main\nmain()\n",
    "in-sh": '#!/bin/sh -e\nexec {root}/bin/python "{root}/bin/one-data" "$@"\n'.replace(
        "exec {root}", "exec '{root}'"
    ),
}
SHELLS = ("dash", "bash", "busybox", "zsh")


@dataclass(frozen=True)
class Scripts:
    """A bundle of an environment that lies under a path with a space, so that pip writes its long form."""

    bundle: Path
    originals: tuple[str, ...]
    report: str


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Scripts:
    python = main_python()
    folder = tmp_path_factory.mktemp("scripts")
    environment = folder / "with space/env"
    uv(["venv", "--seed", "--python", python.executable, environment])
    wheels = [scripts_wheel(folder, name) for name in ("one", "two", "three")]
    run(
        [
            environment / "bin/python",
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "-q",
            "--no-index",
            wheels[0],
        ]
    )
    uv(["pip", "install", "--python", environment, "--no-index", wheels[1]])
    with open(environment / "pyvenv.cfg", "a") as config:
        config.write("relocatable = true\n")
    uv(["pip", "install", "--python", environment, "--no-index", wheels[2]])
    site = environment / f"lib/python{python.version}/site-packages"
    for name, text in WRITTEN.items():
        write(environment / "bin" / name, text.format(python=environment / "bin/python", root=environment))
    (environment / "src").mkdir()
    write(environment / "src/developed", '#!/usr/bin/env python\n"""The docs."""\nfrom one import main\nmain()\n')
    write(site / "one/inside", WRITTEN["with-arguments"].format(python=environment / "bin/python3"))
    shutil.copy(need("true"), environment / "bin/a-binary")
    assert (environment / "bin/one-console").read_text().startswith("#!/bin/sh\n'''exec'")
    done = pack(environment, folder / "packed", "--no-verify")
    bundle = (folder / "packed").rename(folder / "moved")
    return Scripts(bundle, (str(environment), *python.places), done.stderr)


def linked(bundle: Path, where: Path) -> Path:
    """A copy that shares its files with the bundle: installers and `fix` put new files in the places of old ones."""
    return Path(shutil.copytree(bundle, where, symlinks=True, copy_function=os.link))


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def told(done: subprocess.CompletedProcess[str]) -> list[object]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert isinstance(answer, list)
    return answer


@pytest.mark.parametrize("name", [*INSTALLED, *WRITTEN])
def test_every_kind_of_script_runs_moved(scripts: Scripts, name: str) -> None:
    done = hidden(scripts.originals, [scripts.bundle / "bin" / name, "a b", "", "*"], cwd="/usr")
    shown = "one-data" if name == "in-sh" else name
    assert told(done) == [shown, ["a b", "", "*"], "/usr", str(scripts.bundle)]


def test_a_script_among_the_packages_and_a_binary_run(scripts: Scripts) -> None:
    (inside,) = scripts.bundle.glob("lib/python*/site-packages/one/inside")
    assert told(hidden(scripts.originals, [inside, "x"]))[0] == "inside"
    assert hidden(scripts.originals, [scripts.bundle / "bin/a-binary"]).returncode == 0


def test_no_script_of_a_bundle_names_the_place_of_the_environment(scripts: Scripts) -> None:
    for path in (scripts.bundle / "bin").iterdir():
        if path.is_file() and path.read_bytes()[:2] == b"#!":
            assert scripts.originals[0] not in path.read_text("latin-1"), path


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_run_whatever_bin_sh_is_and_however_they_are_called(scripts: Scripts, root: Path, shell: str) -> None:
    put_program(root, shell, "sh")
    put_program(root, "readlink", "readlink")
    names = ("one-console", "two-doc", "in-sh")
    place = "/opt/sp ace 'q\" é"
    for name in names:
        (root / f"tmp/{name}").symlink_to(f"-two {name}")
        (root / f"tmp/-two {name}").symlink_to(f"/tmp/three {name}")
        (root / f"tmp/three {name}").symlink_to(f"..{place}/bin/{name}")
    calls = [
        '"$B/bin/$name"', 'cd "$B" && "bin/$name"', 'cd "$B/bin" && "./$name"', 'PATH=$B/bin "$name"', '"/tmp/$name"',
        'cd /tmp && "./$name"', 'cd /tmp && PATH=/tmp:$PATH "$name"', 'cd "$B/bin" && /bin/sh "$name"',
        'cd /tmp && /bin/sh "./-two $name"',
    ]  # fmt: skip
    driver = ["PATH=/bin; B=$1; cd /proc", f"for name in {' '.join(names)}; do"]
    driver += [f'( {call} "a b" \'$x\' ) || echo "failed: {index}"' for index, call in enumerate(calls)]
    done = in_root(root, scripts.bundle, ["/bin/sh", "-c", "\n".join([*driver, "done"]), "sh", place], at=place)
    answers = [json.loads(line) for line in done.stdout.splitlines() if not line.startswith("failed")]
    assert "failed" not in done.stdout, done.stderr + done.stdout
    assert done.stderr == ""
    assert len(answers) == len(names) * len(calls)
    assert {tuple(answer[1]) for answer in answers} == {("a b", "$x")}
    assert {os.path.normpath(answer[3]) for answer in answers} == {place}
    assert [answer[2] for answer in answers[:3]] == ["/proc", place, f"{place}/bin"]


def test_without_readlink_a_link_is_an_error_that_names_it(scripts: Scripts, root: Path) -> None:
    (root / "tmp/link").symlink_to("/opt/app/bin/one-console")
    done = in_root(root, scripts.bundle, ["/tmp/link"])
    assert done.returncode != 0
    assert "readlink" in done.stderr
    assert "python" not in done.stderr
    assert told(in_root(root, scripts.bundle, ["/opt/app/bin/one-console"]))[0] == "one-console"


def test_a_shell_script_that_names_the_environment_in_a_quoted_text_is_a_warning(tmp_path: Path) -> None:
    environment = tmp_path / "env"
    empty_environment(environment)
    write(environment / "bin/quoted", f"#!/bin/sh\ncat <<'END'\n{environment}\nEND\n")
    write(environment / "bin/by-node", f"#!{environment}/bin/node\n")
    done = pack(environment, tmp_path / "bundle", "--no-verify")
    assert "warning: bin/quoted names the environment's place where a shell expands nothing" in done.stderr
    assert f"warning: bin/by-node is run by {environment}/bin/node" in done.stderr


HOST = {"PYTHONHOME": "/usr", "PYTHONPATH": "/tmp", "PYTHONWARNINGS": "error", "PATH": "/usr/bin:/bin"}
FLAGS = (
    "import json, os, sys, site\n"
    "print(json.dumps([sys.flags.ignore_environment, site.ENABLE_USER_SITE, '/tmp' in sys.path, sys.warnoptions,"
    " sys.path[0] == os.path.dirname(os.path.realpath(__file__)) or sys.path[0], 'PYTHONHOME' in os.environ]))\n"
)


def test_pythonpath_reaches_scripts_and_with_isolated_it_does_not(tmp_path: Path) -> None:
    environment = tmp_path / "env"
    empty_environment(environment)
    write(environment / "bin/flags", f"#!{environment}/bin/python\n{FLAGS}")
    write(environment / "bin/flags-doc", f'#!{environment}/bin/python -B\n"""Docs."""\n{FLAGS}')
    answers = {}
    for name, options in (("open", []), ("closed", ["--isolated", "--entry", "platform:python_version"])):
        pack(environment, tmp_path / name, "--no-verify", *options)
        for script in ("flags", "flags-doc"):
            answers[name, script] = told(hidden([environment], [tmp_path / name / "bin" / script], env=HOST))
    for script in ("flags", "flags-doc"):
        assert answers["open", script] == [0, False, True, ["error"], True, False]
        assert answers["closed", script] == [1, False, False, [], True, False]
    start = (tmp_path / "closed/bin/start").read_text()
    assert '/python" -E -s "$__bundler_script"' in start
    assert "isolated = true" in (tmp_path / "closed/pyvenv.cfg").read_text()


@pytest.mark.everything
def test_an_image_starts_an_isolated_application_without_a_shell(tmp_path: Path) -> None:
    environment = tmp_path / "env"
    empty_environment(environment)
    image = tmp_path / "app.oci.tar"
    pack(environment, image, "--isolated", "--entry", "platform:python_version", "--no-verify", "--pyc", "none")
    with tarfile.open(image) as file:
        texts = [content.read() for member in file if (content := file.extractfile(member)) and member.size < 100_000]
    (config,) = [
        found for text in texts if text[:1] == b"{" and "config" in (found := json.loads(text)) and "rootfs" in found
    ]
    command = [*(config["config"].get("Entrypoint") or ()), *(config["config"].get("Cmd") or ())]
    assert re.fullmatch(r"/app/bin/python3\.\d+ -E -s /app/bin/start", " ".join(command))


def fix(bundle: Path, *options: str) -> dict[str, dict[str, str]]:
    done = bundler(["fix", bundle, "--json", *options])
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pip(bundle: Path, *arguments: str | Path) -> list[str | Path]:
    return [bundle / "bin/python", "-m", "pip", "--disable-pip-version-check", *arguments]


@pytest.mark.parametrize("moved_between", [False, True])
def test_fix_makes_the_scripts_move_that_pip_wrote(scripts: Scripts, tmp_path: Path, moved_between: bool) -> None:
    bundle = linked(scripts.bundle, tmp_path / "bundle")
    wheel = scripts_wheel(tmp_path, "four")
    done = hidden(scripts.originals, pip(bundle, "install", "--no-index", wheel))
    assert done.returncode == 0, done.stderr
    names = ["bin/env-python", *(f"bin/four-{kind}" for kind in ("console", "gui", "data", "doc", "latin"))]
    write(bundle / "bin/by-hand", f'#!/bin/sh\nexec {bundle}/bin/python -m one "$@"\n')
    write(bundle / "bin/env-python", "#!/usr/bin/env python3\nfrom one import main\nmain()\n")
    if moved_between:
        bundle = bundle.rename(tmp_path / "second")
    before = files(bundle / "bin")
    assert list(fix(bundle, "--dry-run")["scripts"]) == sorted([*names, *([] if moved_between else ["bin/by-hand"])])
    assert files(bundle / "bin") == before
    report = fix(bundle)
    assert list(report["scripts"]) == sorted([*names, *([] if moved_between else ["bin/by-hand"])])
    assert fix(bundle)["scripts"] == {}
    third = bundle.rename(tmp_path / "third")
    for name in names:
        answer = told(hidden(scripts.originals, [third / name, "a b"]))
        assert answer == [os.path.basename(name), ["a b"], "/", str(third)]
        assert os.access(third / name, os.X_OK)
    if not moved_between:
        assert told(hidden(scripts.originals, [third / "bin/by-hand"]))[3] == str(third)
    # RECORD agrees: what pip checks and takes away again.
    (record,) = third.glob("lib/python*/site-packages/four-1.0.dist-info/RECORD")
    rows = [line.split(",") for line in record.read_text().splitlines()]
    for path, digest, size in rows:
        if digest:
            file = record.parents[1] / path
            assert file.stat().st_size == int(size), path
    done = hidden(scripts.originals, pip(third, "uninstall", "-y", "four"))
    assert done.returncode == 0, done.stderr
    assert [path for path in third.rglob("*four*") if not re.search("__pycache__", str(path))] == []


def test_what_pip_installed_before_and_after_the_pack_goes_wholly(scripts: Scripts, tmp_path: Path) -> None:
    bundle = linked(scripts.bundle, tmp_path / "bundle")
    assert (bundle / "libexec/bundler/bin/one-doc").exists()
    for name in ("inside", "__pycache__"):
        for path in bundle.glob(f"lib/python*/site-packages/one/{name}"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = hidden(scripts.originals, pip(bundle, "uninstall", "-y", "one"))
    assert done.returncode == 0, done.stderr
    places = [*bundle.glob("bin/*"), *bundle.glob("libexec/bundler/bin/*"), *bundle.glob("lib/python*/site-packages/*")]
    assert [path for path in places if path.name.startswith("one")] == []


def test_verify_names_the_scripts_that_an_upgrade_tied_down_and_fix_frees_them(
    scripts: Scripts, tmp_path: Path
) -> None:
    bundle = linked(scripts.bundle, tmp_path / "bundle")
    done = hidden(scripts.originals, pip(bundle, "install", "--no-index", scripts_wheel(tmp_path, "one", "2.0")))
    assert done.returncode == 0, done.stderr
    done = bundler(["verify", bundle, "--no-run"])
    assert done.returncode == 3
    assert f"bin/one-console: is run by {bundle}/bin/python\n" in done.stderr
    assert "bundler fix BUNDLE mends it" in done.stderr
    fix(bundle)
    done = bundler(["verify", bundle, "--no-run"])
    assert done.returncode == 0, done.stderr


def test_fix_of_an_isolated_bundle_writes_isolated_scripts(scripts: Scripts, tmp_path: Path) -> None:
    bundle = linked(scripts.bundle, tmp_path / "bundle")
    config = (bundle / "pyvenv.cfg").read_text()
    (bundle / "pyvenv.cfg").unlink()
    (bundle / "pyvenv.cfg").write_text(config + "isolated = true\n")
    write(bundle / "bin/new", f"#!{bundle}/bin/python -u\n{FLAGS}")
    fix(bundle)
    assert '/python" -E -s -u "$__bundler_script"' in (bundle / "bin/new").read_text()


def refused(arguments: Sequence[str | Path]) -> str:
    done = bundler(arguments)
    assert done.returncode == 1
    return done.stderr


def test_fix_says_what_it_mended_and_why_it_cannot_write(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "bin").mkdir(parents=True)
    (bundle / "bundle.json").write_text(
        '{"schema": 1, "bundler": "1", "python": {"executable": "bin/python3", "site_packages": ["lib/python3.12/site-packages"]}}'
    )
    write(bundle / "bin/app", f"#!{bundle}/bin/python3\n")
    site = bundle / "lib/python3.12/site-packages"
    site.mkdir(parents=True)
    write(site / "foreign", "#!/usr/local/nowhere/bin/python3\n")  # as packages ship it: not an installer's work
    write(site / "own", f"#!{bundle}/bin/python3\n")
    command: list[str | Path] = [sys.executable, "-m", "bundler", "fix", bundle]
    read_only = f"mount --bind '{bundle}' '{bundle}' && mount -o remount,bind,ro '{bundle}'"
    done = hidden([], command, env={**ENVIRONMENT, "PYTHONPATH": str(FIXTURES.parent)}, prepare=read_only)
    assert done.returncode == 1
    assert f"cannot write {bundle}/bin/app: Read-only file system" in done.stderr
    assert "run it as the owner, where the bundle is writable" in done.stderr
    own = "lib/python3.12/site-packages/own"
    assert bundler(["fix", bundle]).stderr == "".join(
        f"{path}: shebang made relocatable\n" for path in ("bin/app", own)
    )
    assert bundler(["fix", bundle]).stderr == f"{bundle}: every script moves already\n"


def test_fix_refuses_what_is_no_bundle(tmp_path: Path) -> None:
    assert "is no bundle" in refused(["fix", tmp_path])
    archive = tmp_path / "app.tar"
    archive.write_bytes(b"")
    assert "unpack an archive first" in refused(["fix", archive])
