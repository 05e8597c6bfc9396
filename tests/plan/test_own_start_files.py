"""Folders of packages that `site` does not look into by itself: bundler's own files lead there, as the version reads them."""

from __future__ import annotations

import site
import sys
from collections.abc import Iterable
from dataclasses import replace

import pytest

from bundler.entries import Entry, Literal
from bundler.environment.facts import VersionInfo
from bundler.options import ContentOptions
from bundler.plan.interpreter import interpreter_entries
from bundler.plan.system_site import system_site_entries
from bundler.rewrite.pth import ImportLine, parse_pth
from bundler.rewrite.start import parse_start
from tests.plan.made_up import SITE, STDLIB, Machine


def run_by_python(entries: Iterable[Entry], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that the files among some entries add, where the bundle is /B."""
    texts = {entry.path: entry.content.data for entry in entries if isinstance(entry.content, Literal)}
    added: list[str] = []
    monkeypatch.setattr(sys, "base_prefix", "/B")
    monkeypatch.setattr(site, "addsitedir", added.append)
    for path, data in texts.items():
        if path.endswith(".pth"):
            for line in parse_pth(data):
                assert isinstance(line, ImportLine)
                exec(line.code, {})
        if path.endswith(".start"):
            for entry_point in parse_start(data):
                names: dict[str, object] = {}
                exec(texts[f"{STDLIB}/{entry_point.module}.py"], names)
                call = names[entry_point.text.partition(":")[2]]
                assert callable(call)
                call()
    return added


@pytest.mark.parametrize(("minor", "kind"), [(11, ".pth"), (14, ".pth"), (15, ".start"), (18, ".start")])
def test_packages_are_found_by_what_the_version_reads(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, minor: int, kind: str
) -> None:
    machine.version = VersionInfo(3, minor, 0, "final", 0)
    for folder in ("local/lib/python3.12", "lib/python3"):
        machine.put(f"base/{folder}/dist-packages/module.py")
    interpreter = replace(machine.interpreter, dist_packages=True)
    if minor != 12:  # the folders of the made-up base bear the name of 3.12
        machine.link(f"base/local/lib/python3.{minor}", "python3.12")
    environment = replace(machine.environment, interpreter=interpreter)
    own = interpreter_entries(environment, ContentOptions())
    (here,) = (entry.path for entry in own if entry.path.startswith(f"{STDLIB}/dist-packages/"))
    assert here == f"{STDLIB}/dist-packages/bundler{kind}"
    running = f"/B/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    assert run_by_python(own, monkeypatch) == [running]
    own = system_site_entries(environment)
    assert own[0].path == f"{SITE}/~system-site{kind}"
    assert run_by_python(own, monkeypatch) == [
        f"/B/{environment.scheme.system_site_packages(number)}" for number in (1, 2)
    ]
