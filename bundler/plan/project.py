"""Which modules a Python project means, as its build back end would: for editable installs made real.

A source folder of its own (`src/`) means everything importable in it. Where the editable points at the project's root, only the
modules that the back end's settings name, or else the one named after the project.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import exists, is_dir
from bundler.parsing import parse_toml

# What may lie beside the modules in a source folder without being one.
_NEVER_MODULES = re.compile(r"(__pycache__|.*\.(egg-info|dist-info|egg-link)|\..*)")


def modules_of(folder: str, name: str, suffixes: tuple[str, ...]) -> list[str]:
    """Names in `folder` (packages and module files) that distribution `name` means by having it on `sys.path`.

    `suffixes` are those of extension modules.
    """
    from packaging.utils import canonicalize_name

    settings = _settings(folder)
    if settings is None:
        return importable(folder, suffixes)
    spelled = re.sub(r"[-.]+", "_", name)
    normalised = canonicalize_name(name).replace("-", "_")  # hatchling, uv and poetry
    in_namespace = name.replace("-", "_")  # flit
    for candidates in (_named_modules(settings), [spelled], [normalised], [in_namespace]):
        found = [found for candidate in candidates if (found := _existing(folder, candidate)) is not None]
        if found:
            return sorted(set(found))
    return []


def importable(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    """Everything in a folder that an import statement can reach: modules, packages, namespace packages with modules."""
    names = []
    for item in sorted(os.listdir(folder)):
        path = os.path.join(folder, item)
        if _NEVER_MODULES.fullmatch(item):
            continue
        if is_dir(path):
            if item.isidentifier() and _holds_modules(path, suffixes):
                names.append(item)
        elif item.endswith((".py", *suffixes)):
            names.append(item)
    return names


def _holds_modules(folder: str, suffixes: tuple[str, ...]) -> bool:
    return any(name.endswith((".py", ".pyi", *suffixes)) for _, _, names in os.walk(folder) for name in names)


def _existing(folder: str, module: str) -> str | None:
    """The first path component of a dotted or slashed module that exists as a package or a file."""
    top = re.split(r"[./]", module.strip("./"))[0]
    for name in (top, f"{top}.py"):
        if exists(os.path.join(folder, name)) and name:
            return name
    return None


def read_settings(folder: str) -> Mapping[str, object]:
    """`pyproject.toml` of a folder; nothing where there is none, or a broken one."""
    return _settings(folder) or {}


def _settings(folder: str) -> Mapping[str, object] | None:
    try:
        return parse_toml(read_regular(os.path.join(folder, "pyproject.toml")))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}


def _named_modules(settings: Mapping[str, object]) -> list[str]:
    """Modules that the settings of uv, hatchling, flit, poetry or pdm name."""
    tool = _table(settings, "tool")
    named: list[str] = []
    named += _texts(_table(tool, "uv", "build-backend").get("module-name"))
    wheel = _table(tool, "hatch", "build", "targets", "wheel")
    named += _texts(wheel.get("packages")) + _texts(wheel.get("only-include"))
    named += _texts(_table(tool, "flit", "module").get("name"))
    packages = _table(tool, "poetry").get("packages")
    for item in packages if isinstance(packages, list) else []:
        if isinstance(item, dict) and "from" not in item:
            named += _texts(item.get("include"))
    named += _texts(_table(tool, "pdm", "build").get("includes"))
    return named


def _table(settings: Mapping[str, object], *names: str) -> Mapping[str, object]:
    for name in names:
        value = settings.get(name)
        settings = value if isinstance(value, dict) else {}
    return settings


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
