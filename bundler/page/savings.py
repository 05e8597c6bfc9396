"""What leaving out more would save of a bundle: smaller profiles, and patterns that many packages have something for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from bundler.contents import Contents, FileKind
from bundler.entries import Layer
from bundler.errors import BundlerError
from bundler.manifest import Manifest
from bundler.options import ContentOptions, Profile, Pyc
from bundler.plan.filters import excluded, module_of
from bundler.plan.parts import savings_of

_LEAVES_OUT = {
    Profile.FULL: "nothing",
    Profile.STANDARD: "what tests and links Python itself, its own tests, static libraries, idle and pydoc",
    Profile.RUNTIME: "what building needs as well: headers, build settings, manual pages",
    Profile.SLIM: "what few applications use as well: tkinter, IDLE, pydoc's texts, ensurepip",
}
_LONGEST_PATTERN = 200
_MOST_STARS = 3
_PATTERNS = (
    (("tests/", "test/"), "tests of packages", "some packages import parts of their own tests"),
    (("*.pyi", "py.typed"), "types for editors and checkers", "nothing reads them at run time"),
    (
        (
            "*.h",
            "*.hpp",
            "*.hh",
            "*.cuh",
            "*.c",
            "*.cpp",
            "*.cc",
            "*.cu",
            "*.pyx",
            "*.pxd",
            "*.pxi",
            "*.f90",
            "*.cmake",
        ),
        "sources and headers in packages",
        "only what compiles extensions needs them",
    ),
    (("*.a", "*.lib", "*.la"), "static libraries in packages", "only what links needs them"),
)


class LeavingOut(NamedTuple):
    """Something that could stay behind."""

    option: str
    """The words that say so."""
    what: str
    size: int
    """Bytes of files."""
    files: int | None
    """How many; None where it was not counted."""
    price: str = ""
    """What would be without it."""


class LeftOut(NamedTuple):
    """What the pack was told to leave out."""

    profile: str
    what: str
    patterns: tuple[str, ...]
    """As `[tool.bundler]` has them: `!` before what comes along after all."""


def left_out(manifest: Manifest) -> LeftOut:
    """What the pack was told to leave out."""
    options = _options(manifest)
    return LeftOut(options.profile.value, _LEAVES_OUT[options.profile], options.patterns)


def leaving_out(contents: Contents) -> Iterator[LeavingOut]:
    """What would save something, the smaller profiles first, each with those before it."""
    options = _options(contents.manifest)
    options = replace(options, patterns=tuple(filter(_is_tame, options.patterns)))
    facts = contents.manifest.files
    runtime = [item.path for item in contents.items if item.layer is Layer.RUNTIME and item.path in facts]
    libraries = [fact for fact in contents.manifest.bundled if fact.path in facts]
    for saving in savings_of(runtime, facts, contents.manifest.python.scheme, options, libraries):
        yield LeavingOut(f"--profile {saving.profile.value}", _LEAVES_OUT[saving.profile], saving.size, None)
    yield from _compiled(contents)
    sizes = {item.path: item.size for item in contents.items if item.layer is not Layer.RUNTIME and item.size}
    for patterns, what, price in _PATTERNS:
        gone = list(excluded(sizes, patterns))
        if gone:
            words = " ".join(f"--exclude '{pattern}'" for pattern in patterns if any(excluded(gone, (pattern,))))
            yield LeavingOut(words, what, sum(sizes[path] for path in gone), len(gone), price)


def _compiled(contents: Contents) -> Iterator[LeavingOut]:
    """Compiled modules that Python can make again."""
    paths = {item.path for item in contents.items}
    gone = [
        item.size for item in contents.items if item.kind is FileKind.COMPILED and (module_of(item.path) or "") in paths
    ]
    if gone:
        price = "each start compiles them anew, where Python cannot write"
        yield LeavingOut(f"--pyc {Pyc.NONE.value}", "compiled modules", sum(gone), len(gone), price)


def _is_tame(pattern: str) -> bool:
    """Whether a pattern of bundle.json, which may be anybody's, is one, and is done with each path at once."""
    if len(pattern) > _LONGEST_PATTERN or pattern.count("*") > _MOST_STARS:
        return False
    try:
        return next(excluded(("a",), (pattern,)), "") is not None
    except ValueError:
        return False


def _options(manifest: Manifest) -> ContentOptions:
    """Profile and patterns of the pack; the defaults where bundle.json tells none that there are."""
    values = manifest.options.values if manifest.options is not None else {}
    profile, patterns = values.get("profile", Profile.STANDARD.value), values.get("exclude", ())
    try:
        return ContentOptions(profile=Profile(profile), patterns=tuple(patterns) if isinstance(patterns, tuple) else ())
    except (ValueError, BundlerError):
        return ContentOptions()
