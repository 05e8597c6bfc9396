"""Whether a project has another version or other scripts by now than its editable install, which has those of its day."""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping

from bundler.environment import Distribution
from bundler.machine import os
from bundler.plan.project import read_settings

_SCRIPTS = {"scripts": "console_scripts", "gui-scripts": "gui_scripts"}
"""The tables of `pyproject.toml`, and the groups of entry points that installers make scripts of."""


def changed_since_install(project: str, distribution: Distribution) -> str:
    """A warning on what the project's `pyproject.toml` says otherwise than the installed metadata; "" where it is nothing.

    What a back end works out (`dynamic`) is not asked.
    """
    settings = read_settings(project)
    table = _table(settings, "project") or _table(settings, "tool", "poetry")
    differs = "; ".join((*_version(table, distribution), *_scripts(table, distribution)))
    if not differs:
        return ""
    name = distribution.name
    return (
        f"{name}: its pyproject.toml says otherwise than what is installed: {differs}; the bundle has what is installed: "
        "install it again"
    )


def _version(table: Mapping[str, object], distribution: Distribution) -> Iterator[str]:
    from packaging.version import InvalidVersion, Version

    there, here = table.get("version"), distribution.version
    if not isinstance(there, str):
        return
    try:
        same = Version(there) == Version(here)
    except InvalidVersion:
        same = there == here
    if not same:
        yield f"version {there} (installed: {here})"


def _scripts(table: Mapping[str, object], distribution: Distribution) -> Iterator[str]:
    tables = {name: group for name, group in _SCRIPTS.items() if isinstance(table.get(name), dict)}
    if not tables:
        return
    there = {name: _plain(target) for key in tables for name, target in _table(table, key).items()}
    here = _installed(distribution)
    for name, target in there.items():
        if name not in here:
            yield f"script {name} (not installed)"
        elif target != here[name] and target:
            yield f"script {name} = {target} (installed: {here[name]})"
    if "scripts" in tables:
        yield from (f"no script {name} (installed)" for name in here if name not in there)


def _installed(distribution: Distribution) -> dict[str, str]:
    """What the installed scripts start, by name (the "Entry points" specification)."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read(os.path.join(distribution.metadata, "entry_points.txt"), encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    groups = [parser[group] for group in _SCRIPTS.values() if parser.has_section(group)]
    return {name: _plain(target) for group in groups for name, target in group.items()}


def _plain(target: object) -> str:
    """A target without spaces and extras; "" for what is none (a table of poetry's)."""
    return "".join(target.partition("[")[0].split()) if isinstance(target, str) else ""


def _table(settings: Mapping[str, object], *names: str) -> Mapping[str, object]:
    for name in names:
        value = settings.get(name)
        settings = value if isinstance(value, dict) else {}
    return settings
