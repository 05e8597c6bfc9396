"""The site of the documentation: every page is in its navigation, and the reference has what the program has."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import bundler as api
from bundler.cli import COMMANDS, bundler
from scripts.check_site import faults_of, read_site
from tests.material.environments import clean

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SPHINX = "needs Sphinx (pip install --group docs, on Python 3.11 or later)"
HEAVY = ("elftools", "lief", "macholib", "pefile", "PySquashfsImage", "zstandard")
"""What reads binaries and writes archives: nothing that describes the program needs it."""


def in_navigation() -> Iterator[Path]:
    """The pages that tables of contents name, each as often as it is named."""
    for page in DOCS.rglob("*.md"):
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                if line and not line.startswith(":"):
                    yield (page.parent / f"{line}.md").resolve()


def test_every_page_is_in_the_navigation_once() -> None:
    pages = {page.resolve() for page in DOCS.rglob("*.md")} - {DOCS / "index.md"}
    assert len(pages) > 35
    assert Counter(in_navigation()) == Counter(pages)


def options_of(command: click.Command) -> Iterator[str]:
    """The names of a command's options: of a flag and its opposite the first."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield from (name for name in parameter.opts if name.startswith("--"))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the reference that are made from the code, as a site of their own."""
    pytest.importorskip("sphinx_click", reason=SPHINX)
    folder = tmp_path_factory.mktemp("reference")
    source = folder / "source"
    (source / "static").mkdir(parents=True)
    (source / "static/site.css").touch()
    (source / "extensions").symlink_to(DOCS / "extensions")
    (source / "conf.py").write_text((DOCS / "conf.py").read_text())
    for name in ("command-line", "python"):
        # Links to other pages lead nowhere here.
        (source / f"{name}.md").write_text(re.sub(r"\]\([^)]*\)", "]()", (DOCS / f"reference/{name}.md").read_text()))
    options = ["-D", "root_doc=command-line", "-D", "suppress_warnings=toc.not_included,myst.xref_missing"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", *options, source, folder / "site"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=clean(),
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_each_option_of_each_command_is_in_the_reference(reference: Path) -> None:
    ids = read_site(reference)["command-line.html"].ids
    group = click.Context(bundler)
    for name in COMMANDS:
        command = bundler.get_command(group, name)
        assert command is not None
        options = list(options_of(command))
        assert options
        for option in options:
            assert f"cmdoption-bundler-{name}-{option.lstrip('-')}" in ids, (name, option)


def test_every_public_name_is_in_the_reference(reference: Path) -> None:
    ids = read_site(reference)["python.html"].ids
    assert {f"bundler.{name}" for name in api.__all__ if name != "__version__"} <= ids
    assert {"bundler.PackOptions.force", "bundler.Profile.RUNTIME", "bundler.PackReport.floor"} <= ids


def test_describing_the_program_loads_nothing_heavy() -> None:
    code = (
        "import click, sys, bundler\nfrom bundler.cli import COMMANDS, bundler as group\n"
        "for name in COMMANDS: group.get_command(click.Context(group), name).params\n"
        f"print(*sorted({set(HEAVY)!r} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=clean()
    )
    assert done.stdout == "\n"


def test_what_is_wrong_with_a_site_is_told(tmp_path: Path) -> None:
    (tmp_path / "style.css").touch()
    (tmp_path / "index.html").write_text(
        '<link rel="stylesheet" href="style.css"><a href="other.html#here">1</a><a href="other.html#there">2</a>'
        '<a href="gone.html">3</a><a href="#top">4</a><a id="top" href="https://example.org/">5</a>'
        '<script src="https://cdn.example/x.js"></script><img src="gone.png"><link rel="canonical" href="https://example.org/">'
    )
    (tmp_path / "other.html").write_text('<h1 id="here">H</h1><a href="index.html?q=1#top">1</a>')
    assert list(faults_of(tmp_path)) == [
        "index.html leads to gone.png: there is no gone.png",
        "index.html loads https://cdn.example/x.js",
        "index.html leads to gone.html: there is no gone.html",
        "index.html leads to other.html#there: other.html has no such anchor",
    ]


@pytest.mark.everything
def test_the_site_is_made_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx_click", reason=SPHINX)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", tmp_path / "trees", DOCS, tmp_path / "site"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=clean(),
    )
    assert done.returncode == 0, done.stderr
    assert list(faults_of(tmp_path / "site")) == []
