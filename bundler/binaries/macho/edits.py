"""What can be changed in a Mach-O file, and what comes out: the values of the patcher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.binaries.patch import Patch


@dataclass(frozen=True, slots=True)
class Edits:
    """All that shall change in one file, in each of its slices.

    `install_name` is the new LC_ID_DYLIB; files without one, programs and Python's extension modules, do not get one.
    `dylibs` gives libraries that are asked for new names, and `replace_rpaths` search paths others; names that are not
    there are ignored. `remove_rpaths` takes every LC_RPATH of these, `add_rpaths` puts those that are not there behind
    all others. `thin` keeps one architecture of a fat file, as a thin one.
    """

    install_name: str | None = None
    dylibs: Mapping[str, str] = field(default_factory=dict)
    replace_rpaths: Mapping[str, str] = field(default_factory=dict)
    remove_rpaths: frozenset[str] = frozenset()
    add_rpaths: tuple[str, ...] = ()
    thin: str | None = None


@dataclass(frozen=True, slots=True)
class PatchPlan:
    """A patch, and a sentence on what it does.

    `lost_identity` names whose signature was replaced by an ad-hoc one: a team, or what the signature calls the file.
    """

    patch: Patch
    explanation: str
    lost_identity: str | None = None
