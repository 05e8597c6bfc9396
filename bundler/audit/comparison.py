"""Whether a bundle does what its source does: the same imports, observed in both, compared by content and not by path."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bundler.audit.observation import Finder, Observation
from bundler.audit.origins import Origins
from bundler.bundle_paths import BundleRoot
from bundler.faults import Fault, FaultKind
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.systems import System
from bundler.systems.libraries import is_listed

_SHOWN = 3
_IN_VAIN_TO_DO = "it is opened by its whole path, perhaps: --exclude-lib, with its name, leaves it to the host"
_METADATA_TO_DO = (
    "install them into the environment itself (pip install), and pack again; what is not wanted: --exclude"
)
_MODULES_TO_DO = (
    "install what lies there into the environment, or remove what leads there (a .pth file, sitecustomize, code)"
)
# glibc's words, and musl's.
_NO_LIBRARY = re.compile(
    r"([^\s:'\"]+\.so[.\d]*): cannot open shared object file|Error loading shared library ([^\s:]+\.so[.\d]*): "
)


@dataclass(frozen=True, slots=True)
class Sides:
    """What is needed to tell whose a path is."""

    root: BundleRoot
    """Where the bundle lies while it is tried."""
    origins: Origins
    system: System
    host_libraries: Collection[str]
    """Names and patterns of libraries that are left to the host, by the system's rules or by the user."""
    left_out: bool = False
    """Whether the user left a part of the source out: distributions may be gone then."""
    everywhere: frozenset[str] = frozenset()
    """Libraries that every process of this machine has (preloaded agents)."""
    own: frozenset[str] = frozenset()
    """Names of libraries that the bundle brings: nobody else's is meant, though the system would leave some of them to the host."""
    taken: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Libraries of this machine that came along, by their bundle paths: the bundle paths of the files that need them."""

    def is_hosts(self, path: str) -> bool:
        """Whether a library outside of the bundle may be used there."""
        name = os.path.basename(path)
        if path in self.everywhere:
            return True
        return name not in self.own and (self.system.belongs_to_host(path) or self.is_left_to_host(name))

    def is_left_to_host(self, name: str) -> bool:
        """Whether the user leaves a library to the host; it may be mapped under its real, longer name."""
        if self.system.belongs_to_host(name):
            return False  # that one is nobody's choice
        return is_listed(name, self.host_libraries)


@dataclass(slots=True)
class Comparison:
    """What differs."""

    faults: list[Fault] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)
    """Libraries that the source has and the bundle lacks: why they are missed, by their paths on this machine."""


def compare(
    source: Sequence[Observation], bundle: Sequence[Observation], sides: Sides, proven: Collection[int] = ()
) -> Comparison:
    """What differs between the two, batch by batch; what both cannot import is no difference.

    Of batches whose numbers are `proven` it is known that their modules do not differ: their files need not be there.
    """
    found = Comparison()
    for number, (before, after) in enumerate(zip(source, bundle, strict=True)):
        known = {fault.message for fault in found.faults}
        for fault in (
            *_libraries(before, after, sides, found),
            *(_modules(before, after, sides) if number not in proven else ()),
            *_metadata(before, after, sides),
        ):
            if fault.message not in known:
                found.faults.append(fault)
    if source and bundle:
        found.faults += _search_path(source[0], bundle[0], sides)
    return found


def differs(before: Observation, after: Observation, sides: Sides, *, proven: bool = False) -> bool:
    """Whether one batch is another one in the bundle than in the source: in any way that a comparison, or `outside_of`, tells.

    `proven` is for what is known from earlier; see `compare`.
    """
    found = Comparison()
    faults = (
        *_libraries(before, after, sides, found),
        *(() if proven else _modules(before, after, sides)),
        *_metadata(before, after, sides),
        *failures(before.failed, after.failed),
        *outside_of([after], sides),
    )
    return bool(faults or found.lacking)


def _libraries(before: Observation, after: Observation, sides: Sides, found: Comparison) -> Iterator[Fault]:
    """Libraries of the source that are not in the bundle's process, or another one is."""
    if before.libraries is None or after.libraries is None:
        return
    inside = {place for path in after.libraries if (place := sides.root.inside(path)) is not None}
    names = {os.path.basename(place): place for place in inside}
    left = any(sides.is_left_to_host(os.path.basename(path)) for path in before.libraries)
    source_only = {place for path in before.libraries for place in sides.origins.bundle_paths(path)} - inside
    for path in sorted(before.libraries):
        if sides.is_hosts(path) or _failed_alike(path, before):
            continue
        wanted = sides.origins.bundle_paths(path)
        if wanted & inside:
            continue
        other = names.get(os.path.basename(path))
        if wanted and other is not None:
            message = f"the source loads {path} here, the bundle {other}"
            name = os.path.basename(path)
            hint = f"two libraries have one name: remove one of them, or leave both to the host (--exclude-lib {name})"
            yield Fault(FaultKind.DIFFERENCE, after.batch, message, hint)
        elif other is None and not left and (in_vain := _in_vain(wanted, source_only, sides)):
            if after.failed.keys() <= before.failed.keys():  # else that is told
                yield Fault(
                    FaultKind.DIFFERENCE, in_vain[0], f"is not loaded, and the source loads {path}", _IN_VAIN_TO_DO
                )
        elif not wanted and other is None and not left:
            found.lacking[path] = after.batch


def _in_vain(places: Collection[str], source_only: set[str], sides: Sides) -> list[str]:
    """Those of a library's places where it came along and nothing that the source alone has loaded needs it.

    The source may import more: the hook of an editable install imports modules of the standard library, with their libraries.
    """
    taken = sorted(place for place in places if place in sides.taken)
    return [place for place in taken if source_only.isdisjoint(sides.taken[place])]


def _failed_alike(path: str, before: Observation) -> bool:
    """Whether a library belongs to a module that the source could not import either."""
    stem = os.path.basename(path).partition(".")[0]
    return any(name.rpartition(".")[2] == stem for name in before.failed)


def _modules(before: Observation, after: Observation, sides: Sides) -> Iterator[Fault]:
    """Modules that come from another file than in the source."""
    for name, file in before.modules.items():
        wanted = sides.origins.bundle_paths(file)
        used = after.modules.get(name)
        if not wanted or used is None or sides.root.inside(used) in wanted:
            continue
        if not _same_content(file, used):
            message = f"the source imports it from {file}, the bundle from {used}"
            hint = (
                "two files are there for one module: remove the one that should not count, or leave it out (--exclude)"
            )
            yield Fault(FaultKind.DIFFERENCE, name, message, hint)


def _same_content(one: str, other: str) -> bool:
    """Whether two files have the same bytes."""
    try:
        with open(one, "rb") as first, open(other, "rb") as second:
            return first.read() == second.read()
    except OSError as error:
        unless_failing(error, one)
        return False


def _metadata(before: Observation, after: Observation, sides: Sides) -> Iterator[Fault]:
    """Distributions and entry points that are gone, and that nobody left out."""
    if sides.left_out:
        return
    distributions = sorted(before.distributions - after.distributions)
    if distributions:
        names = [f"{item.name} {item.version}" for item in distributions]
        message = f"the source has distributions that the bundle lacks: {_some(names)}"
        yield Fault(FaultKind.DIFFERENCE, "", message, _METADATA_TO_DO)
    points = sorted(before.entry_points - after.entry_points)
    if points:
        names = [f"{item.name} ({item.group})" for item in points]
        message = f"the source has entry points that the bundle lacks: {_some(names)}"
        yield Fault(FaultKind.DIFFERENCE, "", message, _METADATA_TO_DO)


def _search_path(before: Observation, after: Observation, sides: Sides) -> Iterator[Fault]:
    """Folders that both have on `sys.path`, in another order."""
    wanted = [place for path in before.search_path if (place := sides.origins.folder(path)) is not None]
    here = [place for path in after.search_path if (place := sides.root.inside(path)) is not None]
    common = [place for place in dict.fromkeys(wanted) if place in here]
    found = [place for place in dict.fromkeys(here) if place in common]
    if common != found:
        message = f"sys.path has another order than in the source: {', '.join(found)}"
        hint = "a .pth file or sitecustomize orders it: python -m site in both shows where they part"
        yield Fault(FaultKind.DIFFERENCE, "", message, hint)


def outside_of(after: Sequence[Observation], sides: Sides) -> Iterator[Fault]:
    """What the bundle's processes used that lies outside of it."""
    told: set[str] = set()
    for item in after:
        loaded = [path for path in sorted(item.libraries or ()) if not sides.is_hosts(path)]
        hosts = any(sides.is_left_to_host(os.path.basename(path)) for path in item.libraries or ())
        for path in (*item.search_path, *item.modules.values(), *(() if hosts else loaded)):
            if path not in told and not sides.root.holds(path):
                told.add(path)
                hint = _library_to_do(path) if path in loaded else _MODULES_TO_DO
                yield Fault(FaultKind.OUTSIDE, path, "is used and lies outside of the bundle", hint)
        for finder in item.finders:
            for place in _leading_out(finder, sides):
                if place not in told:
                    told.add(place)
                    yield Fault(
                        FaultKind.OUTSIDE,
                        finder.kind,
                        f"finds modules in {place}, outside of the bundle",
                        "--editable build, or a wheel, brings them along",
                    )


def _leading_out(finder: Finder, sides: Sides) -> Iterator[str]:
    """Folders with modules outside of the bundle that a finder holds."""
    for path in finder.paths:
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        if not sides.root.holds(path) and os.path.isdir(folder) and _holds_modules(folder):
            yield path


def _holds_modules(folder: str) -> bool:
    try:
        return any(name.endswith((".py", ".so", ".pyd")) for name in os.listdir(folder))
    except OSError:
        return False


def failures(source: Mapping[str, str], bundle: Mapping[str, str]) -> Iterator[Fault]:
    """Modules that only the bundle cannot import."""
    for name, error in bundle.items():
        if name not in source:
            yield Fault(FaultKind.IMPORT, name, f"cannot be imported: {error}", _import_to_do(name, error))


def _import_to_do(name: str, error: str) -> str:
    """What to do about an import that only the bundle fails at, by what it said."""
    library = _NO_LIBRARY.search(error)
    if library is not None:
        return _library_to_do(library[1] or library[2])
    if error.startswith("ModuleNotFoundError"):
        return "--include takes back what was left out; else install it into the environment, and pack again"
    return f"bin/python -c 'import {name}' in the bundle shows where; a library that is opened at run time: --include-lib NAME"


def _library_to_do(path: str) -> str:
    return (
        f"--include-lib {path} takes it along; what is opened by its whole path: --exclude-lib {os.path.basename(path)}"
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
