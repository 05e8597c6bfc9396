"""What is left out of a bundle on request: by profile, and by patterns on bundle paths.

Patterns are those of .gitignore; of all that match a path the last one decides, whatever is said of the folders above it.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.bundle_paths import parents
from bundler.entries import Directory, Entry, Layer
from bundler.errors import BundlerError
from bundler.options import ContentOptions, Profile
from bundler.plan.overlay import Entries
from bundler.scheme import BundleScheme

if TYPE_CHECKING:
    from pathspec import PathSpec, Pattern

# Of these patterns only files of the runtime are meant. A word in angle brackets is a place of the scheme.
# What tests and links Python itself, and programs that no environment has beside its own.
_OF_PYTHON_ITSELF = (
    "*.a",
    "<stdlib>/test/",
    "<stdlib>/*/test/",
    "<stdlib>/*/tests/",
    "<stdlib>/idlelib/idle_test/",
    "<dynload>/_test*",
    "<dynload>/_ctypes_test.*",
    "<dynload>/_xxtest*",
    "<dynload>/xx*",
    "<scripts>/idle*",
    "<scripts>/pydoc*",
    "<scripts>/2to3*",
)
# What only those need who build or test software.
_NOT_FOR_RUNNING = (
    "<headers>/",
    "<libraries>/pkgconfig/",
    "<share>/man/",
    "<scripts>/*-config",
    "<scripts>/python*-gdb.py",
    "<stdlib>/config-*/",
    "/libs/",
    "<stdlib>/turtledemo/",
)
# What few applications use: programs for people at a desk, and what makes environments.
_SELDOM_USED = (
    "<libraries>/tcl*",
    "<libraries>/tk*",
    "<share>/python-wheels/",
    "<stdlib>/ensurepip/",
    "<stdlib>/idlelib/",
    "<stdlib>/lib2to3/",
    "<stdlib>/pydoc_data/",
    "<stdlib>/tkinter/",
    "<stdlib>/turtle.py",
    "<dynload>/_tkinter.*",
    "<dynload>/tcl*",
    "<dynload>/tk*",
    "<stdlib>/distutils/command/*.exe",
)
_OF_PROFILE: Mapping[Profile, tuple[str, ...]] = {
    Profile.FULL: (),
    Profile.STANDARD: _OF_PYTHON_ITSELF,
    Profile.RUNTIME: (*_OF_PYTHON_ITSELF, *_NOT_FOR_RUNNING),
    Profile.SLIM: (*_OF_PYTHON_ITSELF, *_NOT_FOR_RUNNING, *_SELDOM_USED),
}


def filtered(
    entries: Entries, scheme: BundleScheme, options: ContentOptions, void: Collection[str] = ()
) -> dict[str, Entry]:
    """The entries without what the profile and the patterns leave out, and without directories that this empties.

    `void` are patterns of the profile that do not count. Raises BundlerError where Python itself would be left out.
    """
    if options.profile is Profile.FULL and not options.patterns:
        return dict(entries)
    chosen = _spec(options.patterns)
    profile = _spec([pattern for pattern in _of_profile(options.profile, scheme) if pattern not in void])

    def is_left_out(entry: Entry) -> bool:
        path = entry.path + ("/" if isinstance(entry.content, Directory) else "")
        decided = chosen.check_file(path).include
        if decided is None and entry.layer is Layer.RUNTIME:
            decided = profile.check_file(path).include
        return decided is True

    gone = {path for path, entry in entries.items() if is_left_out(entry)}
    gone |= {path for path in entries if module_of(path) in gone}
    landmark = f"{scheme.stdlib}/os.py"
    library = landmark if landmark in entries else scheme.stdlib_zip
    for path in (scheme.executable, library, "pyvenv.cfg"):
        if path in gone:
            raise BundlerError(f"--exclude leaves {path} out, which Python cannot start without", "narrow the pattern")
    files = [path for path, entry in entries.items() if path not in gone and not isinstance(entry.content, Directory)]
    needed = {parent for path in files for parent in parents(path)}
    emptied = {parent for path in gone for parent in parents(path)} - needed
    kept = {path: entry for path, entry in entries.items() if path not in gone and path not in emptied}
    return kept | {path: entries[path] for path in gone & needed}


def left_out_by(runtime: Iterable[str], scheme: BundleScheme, options: ContentOptions) -> dict[str, Profile]:
    """Of the files of the runtime those that a smaller profile than the chosen one leaves out: the first that does, by bundle path.

    What the patterns say is not asked again: they bring back what they brought back.
    """
    order = list(Profile)
    smaller = order[order.index(options.profile) + 1 :]
    # The last pattern that fits is told: so those of the first profile stand last.
    patterns = [
        (profile, pattern)
        for before, profile in reversed(list(itertools.pairwise(order)))
        if profile in smaller
        for pattern in _OF_PROFILE[profile][len(_OF_PROFILE[before]) :]
    ]
    fitting = _spec([_at_home(pattern, scheme) for _, pattern in patterns])
    chosen = _spec(options.patterns)
    runtime = list(runtime) if patterns else []
    sources = {path: source for path in runtime if (source := module_of(path))}
    found: dict[str, Profile] = {}
    for path in runtime:
        if path not in sources and not (options.patterns and chosen.check_file(path).include is False):
            index = fitting.check_file(path).index
            if index is not None:
                found[path] = patterns[index][0]
    return found | {path: found[source] for path, source in sources.items() if source in found}


def void_patterns(used: Iterable[str], entries: Entries, scheme: BundleScheme, profile: Profile) -> tuple[str, ...]:
    """The patterns of the profile that would leave files of Python out that are `used` (bundle paths)."""
    of_python = [path for path in used if path in entries and entries[path].layer is Layer.RUNTIME]
    files = [module_of(path) or path for path in of_python]
    if not files:
        return ()
    return tuple(pattern for pattern in _of_profile(profile, scheme) if any(_spec([pattern]).match_files(files)))


def excluded(paths: Iterable[str], patterns: Sequence[str]) -> Iterator[str]:
    """Those of `paths` (of files) that the user's own patterns leave out."""
    if patterns:
        chosen = _spec(patterns)
        yield from (path for path in paths if chosen.check_file(path).include is True)


def brought_back(paths: Iterable[str], patterns: Sequence[str]) -> Iterator[str]:
    """Those of `paths` (of files) that the user's own patterns take along, whatever else is said of them."""
    if patterns:
        chosen = _spec(patterns)
        yield from (path for path in paths if chosen.check_file(path).include is False)


def unmatched(entries: Entries, patterns: Sequence[str]) -> list[str]:
    """A warning for each pattern that fits no path of the bundle: it leaves nothing out, and brings nothing back."""
    paths = [path + ("/" if isinstance(entry.content, Directory) else "") for path, entry in entries.items()]
    return [
        f"--include {pattern[1:]} fits no path of the bundle"
        if pattern.startswith("!")
        else f"--exclude {pattern} fits no path of the bundle: nothing is left out by it"
        for pattern in dict.fromkeys(patterns)
        if not any(map(_spec([pattern.removeprefix("!")]).match_file, paths))
    ]


def _of_profile(profile: Profile, scheme: BundleScheme) -> Iterator[str]:
    """Its patterns in a bundle of this scheme."""
    for pattern in _OF_PROFILE[profile]:
        yield _at_home(pattern, scheme)


def _at_home(pattern: str, scheme: BundleScheme) -> str:
    """A profile's pattern in a bundle of this scheme."""
    places = {
        "<stdlib>": scheme.stdlib,
        "<dynload>": scheme.dynload,
        "<headers>": scheme.headers,
        "<libraries>": scheme.libraries,
        "<share>": scheme.share,
        "<scripts>": scheme.scripts,
    }
    for word, place in places.items():
        pattern = pattern.replace(f"{word}/", f"/{place}/" if place else "/")
    return pattern


def _spec(patterns: Sequence[str]) -> PathSpec[Pattern]:
    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", patterns)


def module_of(path: str) -> str | None:
    """The module that a compiled module belongs to; None for other files."""
    folder, cache, name = path.rpartition("/__pycache__/")
    return f"{folder}/{name.split('.')[0]}.py" if cache and name.endswith(".pyc") else None
