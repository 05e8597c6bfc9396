"""What a person may ask of the patcher, and what comes of it, in words that do not depend on a binary's format."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from bundler.binaries.patch import Patch
from bundler.option_kinds import refuse_single_texts


@dataclass(frozen=True, slots=True)
class Request:
    """The words. Each field is one option of `bundler patch`, with its name; a default means that it was not given.

    Each format turns the words that it understands into its own edits.
    """

    set_rpath: str | None = None
    add_rpath: tuple[str, ...] = ()
    remove_rpath: bool = False
    shrink_rpath: bool = False
    allowed_prefix: tuple[str, ...] = ()
    keep_relative: bool = False
    runpath: bool = False
    rpath: bool = False
    add_needed: tuple[str, ...] = ()
    prepend_needed: tuple[str, ...] = ()
    remove_needed: tuple[str, ...] = ()
    replace_needed: tuple[tuple[str, str], ...] = ()
    set_soname: str | None = None
    set_interpreter: str | None = None
    clear_symbol_version: tuple[str, ...] = ()
    clear_execstack: bool = False
    own_loader: str | None = None
    host_from: str | None = None
    own_rpath: str | None = None
    host_loader: bool = False
    set_id: str | None = None
    change: tuple[tuple[str, str], ...] = ()
    delete_rpath: tuple[str, ...] = ()
    thin: str | None = None

    def __post_init__(self) -> None:
        """Raises BadOption for one text where several are wanted."""
        refuse_single_texts(self)

    def given(self) -> list[str]:
        """The names of the words that were given, as options: `--set-rpath`."""
        names = [name for name, default in _defaults() if getattr(self, name) != default]
        return ["--" + name.replace("_", "-") for name in names]


@functools.cache
def _defaults() -> tuple[tuple[str, object], ...]:
    """Of each word what it is where it is not given: asked for each file."""
    return tuple((field.name, field.default) for field in dataclasses.fields(Request))


@dataclass(frozen=True, slots=True)
class PatchOutcome:
    """A patch, and what it does to the file."""

    patch: Patch
    method: str
    """How the patch is done, in a word or two."""
    explanation: str
    """What it does, in a sentence."""
    reasons: tuple[str, ...]
    """Why it is not done in a cheaper way, one sentence for each way."""
    notes: tuple[str, ...] = ()
    """What else comes of it."""
