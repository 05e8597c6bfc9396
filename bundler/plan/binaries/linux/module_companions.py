"""What comes along with libraries of the host and is found by lines in a Python package: which files, and which lines."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bundler.bundle_paths import lies_in, relative
from bundler.companions import CompanionFact
from bundler.entries import Entry, Layer, Literal, Source
from bundler.files import opened
from bundler.machine import os
from bundler.plan.binaries.linux.compiled_in import CompiledInPaths
from bundler.plan.binaries.linux.introspection import RequiredTypelibs
from bundler.plan.origins import BUNDLER, HOST
from bundler.prefixes import is_public
from bundler.rewrite import Rewritten
from bundler.rewrite.companions import Called, Led, rewrite_companion_module
from bundler.rewrite.libtool import rewrite_libtool_description
from bundler.rewrite.plugin_cache import plugins_in, rewrite_plugin_cache
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.libraries import is_listed
from bundler.systems.linux.module_companions import (
    MODULE_COMPANIONS,
    Choice,
    Lines,
    ModuleCompanion,
    module_companions_of,
)
from bundler.systems.linux.policy import stays_on_host


@dataclass(frozen=True, slots=True)
class ModuleTaken:
    """What comes along with one library, and by which lines it is found."""

    fact: CompanionFact
    lines: Lines
    folders: tuple[str, ...]
    """The names of the folders that it came from."""
    files: tuple[tuple[str, str], ...]
    """Bundle paths, and the real files on this machine."""
    made: tuple[Entry, ...] = ()
    """Files that are made anew, or changed: the one that lists them, descriptions by libtool."""
    opens: tuple[str, ...] = ()
    """Names, or paths, of libraries that are opened by way of it."""
    closed: str = ""
    """A pattern for the path in the library that shall lead nowhere."""


@dataclass(slots=True)
class ModuleCompanionFinder:
    """Finds them among the libraries of the host, for the modules that are among the plan's `entries`."""

    entries: Mapping[str, Entry]
    scheme: BundleScheme
    sysroot: Sysroot
    compiled_in: CompiledInPaths
    excluded: frozenset[str]
    """Names that the user leaves to the host."""
    cache: Mapping[str, tuple[str, ...]]
    """The loader's: paths by the names of libraries."""
    dlopen_knows_origin: bool = True
    """Whether the loader replaces `$ORIGIN` in a path that a library opens."""
    _modules: dict[str, list[str]] = field(default_factory=dict)
    _known: dict[tuple[str, str], tuple[ModuleTaken, ...]] = field(default_factory=dict)

    def find(self, path: str, real: str) -> tuple[ModuleTaken, ...]:
        """What comes along with a library: by its bundle path, and the real file on this machine."""
        if (path, real) not in self._known:
            lines = module_companions_of(os.path.basename(path))
            found = (self._find(line, path, real) for line in lines if self._modules_of(line.lines))
            self._known[path, real] = tuple(taken for taken in found if taken is not None)
        return self._known[path, real]

    def module_entries(self, taken: Iterable[ModuleTaken]) -> Iterator[Entry]:
        """The modules with the lines that lead to all of this."""
        by_module: dict[str, list[ModuleTaken]] = {}
        for each in taken:
            for module in self._modules_of(each.lines):
                by_module.setdefault(module, []).append(each)
        for module, leading in sorted(by_module.items()):
            rewritten = self._rewritten(module, [(each.lines, each.fact) for each in leading])
            assert rewritten is not None, module
            yield self.entries[module]._replace(content=Literal(rewritten.data), reason=rewritten.reason)

    def _find(self, line: ModuleCompanion, path: str, real: str) -> ModuleTaken | None:
        """By one line of the table; None where the source has nothing of it, and where nothing could lead the library there."""
        if line.choice is Choice.IN_CACHE and not self.dlopen_knows_origin:
            return None
        beside = os.path.dirname(path)
        above = self.scheme.libraries if line.place.startswith("/") else beside
        place = os.path.normpath(f"{above}/{line.place.lstrip('/')}")
        there = [folder for each in line.folders for folder in self._folders(each, real)]
        opens: tuple[str, ...] = ()
        made: tuple[Entry, ...] = ()
        match line.choice:
            case Choice.ALL:
                files = self._matching(line, there, place)
            case Choice.IN_CACHE:
                files = {}
                if there and self.sysroot.is_file(listed := f"{there[0]}/{line.cache}"):
                    files, cache = self._in_cache(listed, place, beside)
                    made = (cache,)
            case Choice.LIBTOOL:
                files = self._matching(line, there, place)
                described = [each for each in files if each.endswith(".la")]
                reals = {each: files.pop(each) for each in described}
                made = tuple(self._described(each, reals[each]) for each in described if f"{each[:-3]}.so" in files)
            case Choice.TYPELIBS:
                files = self._matching(line, there, place)
                required = RequiredTypelibs(files, self.entries, self.scheme)
                files = {f"{place}/{name}": files[f"{place}/{name}"] for name in required.files}
                opens = tuple(self._opened(required.libraries, real))
        if line.cache and not made and f"{place}/{line.cache}" not in files:
            time = os.stat(real).st_mtime_ns
            made = (Entry(f"{place}/{line.cache}", Literal(b""), 0o644, time, Layer.RUNTIME, BUNDLER),)
        if not files and not made:
            return None
        names = tuple(map(self.sysroot.name_of, there))
        origin = (HOST + (names[0] if is_public(names[0]) else os.path.basename(names[0]))) if names else BUNDLER
        count = sum(os.path.basename(each) != line.cache for each in files)
        paths = self._modules_of(line.lines)
        modules = [each for each in line.lines.modules if any(path.endswith(f"/{each}") for path in paths)]
        fact = CompanionFact(path, place, origin, count, line.what, line.without, line.lines.told(modules))
        # What the user has put there is the user's.
        new = tuple(item for item in sorted(files.items()) if item[0] not in self.entries)
        return ModuleTaken(fact, line.lines, names, new, made, opens, line.closed)

    def _folders(self, folder: str, real: str) -> Iterator[str]:
        """The paths of a folder of the table, for a library at a real path, that are there."""
        if "*" in folder:
            named = [os.path.normpath(path) for path in self.compiled_in.named(real)]
            yield from (
                self.sysroot.path_of(path) for path in dict.fromkeys(named) if fnmatch.fnmatchcase(path, folder)
            )
            return
        path = self.sysroot.path_of(folder) if folder.startswith("/") else f"{os.path.dirname(real)}/{folder}"
        if self.sysroot.is_dir(path):
            yield path

    def _matching(self, line: ModuleCompanion, folders: Iterable[str], place: str) -> dict[str, str]:
        """Real files by bundle path: those of the folders that have the right names, of the first folder that has each."""
        found: dict[str, str] = {}
        for folder in folders:
            for name in self.sysroot.names_in(folder):
                wanted = any(fnmatch.fnmatchcase(name, pattern) for pattern in line.files)
                if wanted and not is_listed(name, self.excluded) and self.sysroot.is_file(f"{folder}/{name}"):
                    found.setdefault(f"{place}/{name}", self.sysroot.real(f"{folder}/{name}"))
        return found

    def _in_cache(self, cache: str, place: str, beside: str) -> tuple[dict[str, str], Entry]:
        """Real files by bundle path that a cache names, and the cache with the new paths."""
        real, folder = self.sysroot.real(cache), self.sysroot.name_of(os.path.dirname(cache))
        with opened(real) as file:
            data = file.read()
        places: dict[str, str] = {}
        files: dict[str, str] = {}
        for plugin in plugins_in(data):
            if self.sysroot.is_file(self.sysroot.path_of(plugin)) and not is_listed(
                os.path.basename(plugin), self.excluded
            ):
                below = plugin[len(folder) + 1 :] if lies_in(plugin, folder) else os.path.basename(plugin)
                files[f"{place}/{below}"] = self.sysroot.real(self.sysroot.path_of(plugin))
                places[plugin] = relative(f"{place}/{below}", beside)
        new = rewrite_plugin_cache(data, places)
        return files, self._changed(
            f"{place}/{os.path.basename(cache)}", real, new, "names plugins by their places in the bundle"
        )

    def _described(self, path: str, real: str) -> Entry:
        """A description by libtool that leads to the module beside it."""
        with opened(real) as file:
            data = file.read()
        return self._changed(path, real, rewrite_libtool_description(data), "leads to the module beside it")

    def _changed(self, path: str, real: str, data: bytes, reason: str) -> Entry:
        """An entry for a text of the host with other content."""
        name, time = self.sysroot.name_of(real), os.stat(real).st_mtime_ns
        origin = HOST + (name if is_public(name) else os.path.basename(name))
        return Entry(path, Literal(data), 0o644, time, Layer.RUNTIME, origin, reason)

    def _opened(self, names: Iterable[str], real: str) -> Iterator[str]:
        """Of libraries that are opened by name those that come along: their names, or paths where they are beside `real` alone."""
        for name in names:
            if "/" in name or stays_on_host(name) is not None or is_listed(name, self.excluded):
                continue
            beside = f"{os.path.dirname(real)}/{name}"
            if self.cache.get(name):
                yield name
            elif self.sysroot.is_file(beside):
                yield self.sysroot.name_of(beside)

    def _modules_of(self, lines: Lines) -> list[str]:
        """The bundle paths of the modules that take the lines."""
        if not self._modules:
            self._modules = {module: [] for line in MODULE_COMPANIONS for module in line.lines.modules}
            for path, entry in self.entries.items():
                if path.endswith(".py") and isinstance(entry.content, Source):
                    for module, found in self._modules.items():
                        if path.endswith(f"/{module}") and self.scheme.is_package_folder(path[: -len(module) - 1]):
                            found.append(path)
        paths = (path for module in lines.modules for path in self._modules[module])
        return [path for path in paths if self._rewritten(path, [(lines, None)]) is not None]

    def _rewritten(self, module: str, leading: Iterable[tuple[Lines, CompanionFact | None]]) -> Rewritten | None:
        """The module with lines that lead libraries to folders; without folders it is only asked whether lines can stand there."""
        content = self.entries[module].content
        assert isinstance(content, Source), module
        with opened(content.path) as file:
            data = file.read()
        variables: list[Led] = []
        calls: list[Called] = []
        for lines, fact in leading:
            library, folder = (fact.library, fact.path) if fact is not None else ("", "")
            up = relative(folder, os.path.dirname(module))
            for each in lines.variables:
                place = os.path.normpath(f"{up}/{each.file}")
                variables.append(Led(each.name, place, each.is_list, each.default, stays=not lines.calls))
            for call in lines.calls:
                arguments = [
                    os.path.normpath(f"{up}/{each}") if isinstance(each, str) else each for each in call.arguments
                ]
                name = call.library or os.path.basename(library)
                calls.append(Called(name, call.function, tuple(arguments), call.instead))
        return rewrite_companion_module(data, variables, calls)
