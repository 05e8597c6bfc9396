"""The start command of a bundle for Windows: a batch file that finds the bundle by its own place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bundler.errors import BadOption
from bundler.systems.windows import start
from tests.material.windows import Wine, embeddable
from tests.material.windows_trees import Layout, drive_c, installation

TELL = "import json, sys\ndef main():\n    print(json.dumps(sys.argv[1:]))\n    return 7\n"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embeddable Python below a folder with a space and an é, with a module that tells its arguments and returns 7."""
    root = tmp_path_factory.mktemp("b") / "a bundlé"
    shutil.copytree(embeddable(), root)
    (root / "Scripts").mkdir()
    (root / "tell.py").write_text(TELL)
    (root / "Scripts/app.py").write_text("import sys, tell\nsys.exit(tell.main())\n")
    return root


def run(bundle: Path, script: bytes, *arguments: str) -> tuple[int, list[str]]:
    (bundle / "Scripts/start.cmd").write_bytes(script)
    done = Wine().run(["cmd", "/c", "Scripts\\start.cmd", *arguments], bundle)
    return done.returncode, json.loads(done.stdout)


def test_a_function_is_called_and_its_status_is_passed_on(bundle: Path) -> None:
    assert run(bundle, start.function_script("tell", "main", ()), "one", "two words") == (7, ["one", "two words"])


def test_no_module_of_the_folder_it_is_started_in_takes_the_place_of_the_bundle_s(tmp_path: Path) -> None:
    """With a Python that is not embedded, which has `-c` put that folder first on `sys.path`."""
    bundle = Path(shutil.copytree(installation(drive_c("3.12"), "3.12", Layout.PYTHON_ORG), tmp_path / "bundle"))
    (bundle / "Lib/site-packages/tell.py").write_text(TELL)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "tell.py").write_text("raise SystemExit('led astray')")
    (bundle / "Scripts/start.cmd").write_bytes(start.function_script("tell", "main", ()))
    done = Wine().run(["cmd", "/c", r"..\bundle\Scripts\start.cmd", "one"], elsewhere)
    assert (done.returncode, json.loads(done.stdout)) == (7, ["one"])


def test_arguments_stand_in_front_of_the_user_s_own(bundle: Path) -> None:
    hard = ["--at", "100%PATH%", 'a "quoted" word', "ends with \\", "", "a&b|c>d^e"]
    script = start.command_script("app.py", hard, ["-I", "-X", "utf8"][2:2])
    assert run(bundle, script, "mine") == (7, [*hard, "mine"])


def test_a_program_is_started_without_python() -> None:
    assert start.command_script("app.exe", ["serve"], None) == b'@"%~dp0app.exe" "serve" %*\r\n'


def test_what_a_batch_file_cannot_hold_on_every_machine_is_refused() -> None:
    with pytest.raises(BadOption, match="ASCII"):
        start.command_script("app.exe", ["é"], None)
