"""The examples of docs/api.md run as they stand there, one after the other, and the page names what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import bundler
from tests.material.environments import clean, make
from tests.material.interpreters import main_python
from tests.material.signing import make_keys

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/api.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_examples_run(tmp_path: Path) -> None:
    """In one small environment, in a process of their own; what the first one made is started."""
    assert len(EXAMPLES) > 5
    environment = make("uv venv", main_python(), tmp_path / ".venv")
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "app").mkdir()
    (packages / "app/__init__.py").touch()
    (packages / "app/cli.py").write_text("def main():\n    print('started')\n")
    (tmp_path / "settings.toml").write_text("a = 1\n")
    (tmp_path / "dist").mkdir()
    keys = make_keys(tmp_path / "keys")
    keys.private.rename(tmp_path / "key.pem")
    keys.public.rename(tmp_path / "key.pub")
    script = tmp_path / "examples.py"
    start = "import subprocess\nsubprocess.run(['dist/app/bin/start'], check=True)\n"
    script.write_text("".join([EXAMPLES[0], start, *EXAMPLES[1:]]))
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**clean(), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "started\n" in done.stdout
    assert (tmp_path / "dist/app.tar.gz").is_file()
    assert not (tmp_path / "dist/app/share").exists()


def test_the_page_names_what_reports_have_and_nothing_else() -> None:
    for kind in (bundler.PackReport, bundler.AuditReport, bundler.FixReport):
        public = {name for name in vars(kind) if not name.startswith("_")} | {field.name for field in fields(kind)}
        own = {"as_json", "lines", "findings", "verdict", "outcome"}
        own |= {"leaks", "modules_without_pyc", "can_compile", "shared_files", "audit", "bundle"}
        for name in public - own:
            assert re.search(rf"`{name}(\(\))?`", TEXT), (kind.__name__, name)
    for name in re.findall(r"^\| ((?:`\w+(?:\(\))?`(?:, )?)+) \|", TEXT, re.MULTILINE):
        for attribute in re.findall(r"`(\w+)", name):
            assert hasattr(bundler.PackReport, attribute), attribute


def test_every_name_that_the_page_takes_from_bundler_is_exported() -> None:
    assert set(re.findall(r"\bbundler\.([A-Za-z]\w*)\b", TEXT)) - {"json"} <= set(bundler.__all__)
