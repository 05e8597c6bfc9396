"""Which modules of the source a bundle lacks because its user, or the profile, leaves them out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bundler.entries import Directory
from bundler.environment import Environment
from bundler.options import ContentOptions
from bundler.plan.filters import excluded
from bundler.plan.overlay import Entries


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Names of modules; of a package that is gone its own name alone."""

    by_user: frozenset[str] = frozenset()
    by_profile: frozenset[str] = frozenset()


NOTHING_LEFT_OUT = LeftOut()


def modules_left_out(
    whole: Entries, kept: Collection[str], environment: Environment, content: ContentOptions
) -> LeftOut:
    """The modules that are among `whole`, and of which nothing is `kept` (bundle paths)."""
    naming = _naming(whole, environment)
    files = {path: name for path in whole if path not in kept and (name := naming.module(path))}
    gone = {name for name in files.values() if not any(path in kept for path in naming.places(name))}
    outermost = {path: name for path, name in files.items() if name in gone and gone.isdisjoint(_parents(name))}
    by_user = frozenset(outermost[path] for path in excluded(outermost, content.patterns))
    return LeftOut(by_user, frozenset(outermost.values()) - by_user)


@dataclass(frozen=True, slots=True)
class _Naming:
    """How files give modules their names."""

    folders: tuple[str, ...]
    """Those that modules lie in; one that lies in another comes first."""
    suffixes: tuple[str, ...]
    """The longest first."""

    def module(self, path: str) -> str:
        """The name of the module that a file defines; empty for other files."""
        suffix = next((one for one in self.suffixes if path.endswith(one)), "")
        folder = next((one for one in self.folders if path.startswith(f"{one}/")), None)
        if not suffix or folder is None:
            return ""
        parts = path[len(folder) + 1 : -len(suffix)].split("/")
        if parts[-1] == "__init__":
            del parts[-1]
        return ".".join(parts) if all(part.isidentifier() for part in parts) else ""

    def places(self, name: str) -> Iterator[str]:
        """The bundle paths of files that would define a module."""
        below = name.replace(".", "/")
        for folder in self.folders:
            for suffix in self.suffixes:
                yield f"{folder}/{below}{suffix}"
                yield f"{folder}/{below}/__init__{suffix}"


def _naming(whole: Entries, environment: Environment) -> _Naming:
    scheme = environment.scheme
    directories = [path for path, entry in whole.items() if isinstance(entry.content, Directory)]
    packages = {scheme.site_packages, *filter(scheme.is_package_folder, directories)}
    suffixes = sorted(environment.interpreter.extension_suffixes, key=len, reverse=True)
    return _Naming((*sorted(packages), scheme.dynload, scheme.stdlib), (*suffixes, ".py"))


def _parents(name: str) -> Iterator[str]:
    """The packages around a module."""
    while name := name.rpartition(".")[0]:
        yield name
