"""What installers and makers of environments leave beside packages: tables, with a reason on each line."""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

from bundler.formats import SIGNATURE


class Meaning(enum.Enum):
    """What a file at the top of an environment is there for."""

    TIE = "ties the environment to its base, or to what it was"
    FOLDER = "speaks to other tools about the folder that it lies in"


class EnvironmentFile(NamedTuple):
    """A file at the top of an environment that is none of its packages'."""

    name: str
    meaning: Meaning


ENVIRONMENT_FILES = (
    EnvironmentFile("pyvenv.cfg", Meaning.TIE),  # venv, virtualenv, uv: it names the base
    EnvironmentFile(".lock", Meaning.TIE),  # uv: one process at a time
    EnvironmentFile("bundle.json", Meaning.TIE),  # bundler: the environment is a bundle
    EnvironmentFile(SIGNATURE, Meaning.TIE),  # the signature of that
    EnvironmentFile("bundle.cdx.json", Meaning.TIE),  # bundler --sbom: what that bundle holds
    EnvironmentFile("bundle.spdx.json", Meaning.TIE),
    EnvironmentFile(".gitignore", Meaning.FOLDER),  # venv 3.13, virtualenv, uv
    EnvironmentFile("CACHEDIR.TAG", Meaning.FOLDER),  # uv: backups leave the folder out
)
MARKS = ("pyvenv.cfg", "bundle.json")
"""Files by which a folder is known to be an environment, or a bundle."""

_SCRIPTS_OF_MAKERS = re.compile(
    "|".join(
        (
            r"pythonw?(\d+(\.\d+)?t?d?)?(_d)?(\.exe)?",  # links to the base's interpreter, copies of it, or what starts it
            r"activate(\.(bat|csh|fish|nu|ps1|sh|xsh))?",  # venv, virtualenv, uv; `activate_this.py` finds its place by itself
            r"Activate\.ps1",  # venv
            r"deactivate(\.(bat|nu))?",  # virtualenv, uv
            r"pydoc\.bat",  # virtualenv, uv
        )
    )
)


def is_makers_script(name: str) -> bool:
    """Whether a name in the folder of scripts is that of the interpreter, or of what the environment's maker wrote there."""
    return _SCRIPTS_OF_MAKERS.fullmatch(name) is not None


_HOOKS = re.compile(
    "|".join(
        (
            r"__editable___.*_finder",  # setuptools
            r"_editable_skbc_.*|_.*_editable",  # scikit-build-core, and before version 1.1
            r"_.*_editable_loader",  # meson-python
            r"_editable_impl_.*",  # the library editables
        )
    )
)


def is_editable_hook(module: str) -> bool:
    """Whether a module that a `.pth` or `.start` file names is a hook for an editable install, as its name has it."""
    return "editable" in module.partition(".")[0]


def is_known_hook(module: str) -> bool:
    """Whether it has the name of a hook that a known back end writes."""
    return _HOOKS.fullmatch(module.partition(".")[0]) is not None
