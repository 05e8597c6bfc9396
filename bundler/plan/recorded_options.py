"""The options that made a bundle, for its `bundle.json`: those that decide what is in it, under the names of `[tool.bundler]`.

What was left open is not recorded, and neither is what says how to write (`--link`, `-j`) or to read (`--root`, `--no-probe`), or a
permission to reach out (`--build-network`). A path is relative to the folder that the environment lies in; of one that lies
elsewhere, in somebody's own folders, only the name is told: the builder's folders are nobody's business.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import NamedTuple

from bundler.bundle_paths import lies_in
from bundler.machine import os, path_told
from bundler.manifest import RecordedOptions, RecordedValue
from bundler.options import ContentOptions
from bundler.plan.application import bundle_path_of
from bundler.prefixes import is_public

NOT_TOLD = "="
"""What an item begins with whose source is not told: its place in the bundle, or a library's name, follows."""
PATTERNS = "exclude"
"""The name of all patterns, in their order; those of `include` have a `!` before them."""
_NAMES = {
    "patterns": PATTERNS,
    "exclude_libs": "exclude-lib",
    "include_libs": "include-lib",
    "allow_leaks": "allow-leak",
}
_UNRECORDED = ("build_network",)


def recorded_options(content: ContentOptions, folder: str, configured: frozenset[str] = frozenset()) -> RecordedOptions:
    """What is recorded of a pack's options. The environment lies in `folder`; `configured` are names that a configuration gave."""
    nothing = ContentOptions()
    values: dict[str, RecordedValue] = {}
    for field in fields(ContentOptions):
        value = getattr(content, field.name)
        if field.name in _UNRECORDED or value == getattr(nothing, field.name):
            continue
        values[_NAMES.get(field.name, field.name.replace("_", "-"))] = _plain(field.name, value, folder)
    return RecordedOptions(values, tuple(sorted(configured & values.keys())))


class Learned(NamedTuple):
    """What traced commands told, and what packs can have without these."""

    libraries: Mapping[str, str]
    """Those that come along for it: the real paths, by what `--include-lib` takes for them."""
    patterns: tuple[str, ...]
    """Those of the profile that do not count, since files were used that they leave out."""

    def options(self) -> dict[str, list[str]]:
        """Under the names of `[tool.bundler]`."""
        return {"include-lib": list(self.libraries), PATTERNS: [f"!{pattern}" for pattern in self.patterns]}


def with_learned(options: RecordedOptions, learned: Learned, folder: str) -> RecordedOptions:
    """The options, with what commands told in place of these: an update runs none of them, and has the same files.

    The environment lies in `folder`.
    """
    values = dict(options.values)
    for name, more in learned.options().items():
        known = values.get(name, ())
        if more and isinstance(known, tuple):  # patterns that stand behind decide: those are the user's
            values[name] = (*(_library(item, folder) if name != PATTERNS else item for item in more), *known)
    return replace(options, values=values)


def _plain(name: str, value: object, folder: str) -> RecordedValue:
    match value:
        case enum.Enum(value=str(word)):
            return word
        case bool() | str():
            return value
        case tuple() if name == "add":
            return tuple(_added(str(item), folder) for item in value)
        case tuple() if name == "include_libs":
            return tuple(_library(str(item), folder) for item in value)
        case tuple():
            return tuple(item.value if isinstance(item, enum.Enum) else str(item) for item in value)
    raise AssertionError(f"{name} has a value of a kind that bundle.json does not hold")


def _added(item: str, folder: str) -> str:
    """`SRC=DEST` with a source that holds elsewhere."""
    source, target = os.path.abspath(item.partition("=")[0]), bundle_path_of(item)
    if lies_in(source, folder):
        return f"{os.path.relpath(source, folder)}={target}"
    return f"{source}={target}" if is_public(source) else NOT_TOLD + target


def _library(item: str, folder: str) -> str:
    """A name as it is; of a path as much as anybody may know."""
    item, path = path_told(item), os.path.abspath(item)
    if "/" not in item or is_public(path):
        return item if "/" not in item else path
    return f"./{os.path.relpath(path, folder)}" if lies_in(path, folder) else NOT_TOLD + os.path.basename(path)


class ChangedOption(NamedTuple):
    """An option that is another one than that of the pack that made the bundle; "" for one that is not given."""

    name: str
    was: str
    now: str

    @property
    def text(self) -> str:
        """For a person."""
        return f"{self.name} {self.now or _default(self.name)} (was {self.was or _default(self.name)})"


def changed_options(before: RecordedOptions, now: RecordedOptions) -> tuple[ChangedOption, ...]:
    """What differs, by name."""
    names = sorted({*before.values, *now.values})
    pairs = [(name, before.values.get(name), now.values.get(name)) for name in names]
    return tuple(ChangedOption(name, _shown(was), _shown(value)) for name, was, value in pairs if was != value)


def _default(name: str) -> str:
    """What an option is that is not given."""
    fields_by_name = {told: field for field, told in _NAMES.items()}
    match getattr(ContentOptions(), fields_by_name.get(name, name.replace("-", "_")), ()):
        case None:
            return "automatic"
        case enum.Enum(value=str(word)):
            return word
        case bool(value):
            return _shown(value)
        case str(text):
            return text or "none"
        case _:
            return "none"


def _shown(value: RecordedValue | None) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _:
            return ", ".join(value)
