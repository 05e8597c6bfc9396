"""What was added to a bundle after the pack, and changes by being there what the bundle does."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bundler.audit.importable import Importable, Module
from bundler.audit.installed import Installed
from bundler.audit.pycs import UNCHECKED, source_of
from bundler.audit.texts import leading_out, runs_code
from bundler.audit.tree import BundleTree
from bundler.bundle_paths import lies_in
from bundler.faults import Fault, FaultKind
from bundler.systems import System

_NOT_ASKED_FOR = "remove it, unless you know who put it there and what for"
_CUSTOMIZING = ("sitecustomize", "usercustomize")
_INSTALLERS_READ = ("pip.conf", "pip.ini")  # at the top: pip's file for a whole environment, in `sys.prefix`
_NO_INSTALLER = "EXTERNALLY-MANAGED"  # beside the standard library (PEP 668)
_DISTUTILS = "distutils/distutils.cfg"  # beside the package `distutils`, or setuptools' `_distutils`
_PLUGINS = (".dist-info/entry_points.txt", ".egg-info/entry_points.txt")


def audit_additions(tree: BundleTree, system: System, installed: Installed, added: Collection[str]) -> Iterator[Fault]:
    """A fault for each of the `added` files that changes what runs, and is no installer's work."""
    additions = _Additions(tree, system, installed)
    for path in sorted(added):
        yield from additions.look_at(path)


class _Additions:
    """The rules."""

    def __init__(self, tree: BundleTree, system: System, installed: Installed) -> None:
        self._tree = tree
        self._python = tree.manifest.python
        self._system = system
        self._installed = installed
        self._importable = Importable(tree)

    def look_at(self, path: str) -> Iterator[Fault]:
        """What an added file does, if anything."""
        folder, _, name = path.rpartition("/")
        bundled = self._python.scheme.bundled
        if self._system.shadows(path, self._python.scheme):
            if (bundled and lies_in(path, bundled)) or not self._installed.replaced(path):
                message = "was added where the loader prefers it to a library of the bundle"
                yield Fault(FaultKind.ADDED, path, message, _NOT_ASKED_FOR)
        elif folder in self._python.site_packages and name.endswith((".pth", ".start")):
            yield from self._start_file(path)
        elif path.endswith(".pyc") and source_of(path) in self._tree.files:
            yield from self._pyc(path)
        elif (module := self._importable.module_at(path)) is not None:
            yield from self._module(path, module)
        elif not self._installed.replaced(path):
            yield from self._read_by_others(path)

    def _start_file(self, path: str) -> Iterator[Fault]:
        """A `.pth` or `.start` file."""
        if path not in self._tree.files:
            return
        found = list(leading_out(self._tree, path))
        if not found and runs_code(self._tree, path) and not self._installed.replaced(path):
            found = ["is run by Python at each start"]
        for what in found:
            yield Fault(FaultKind.ADDED, path, f"was added, and {what}", _NOT_ASKED_FOR)

    def _pyc(self, path: str) -> Iterator[Fault]:
        """The compiled form of a module that is there. Python itself writes those that it checks against the module."""
        head = self._tree.files[path].head if path in self._tree.files else b""
        if UNCHECKED.match(head) and not (self._installed.replaced(path) and not self._is_of_stdlib(path)):
            message = f"was added, and Python runs it without a look at {source_of(path)}"
            yield Fault(FaultKind.ADDED, path, message, _NOT_ASKED_FOR)

    def _module(self, path: str, module: Module) -> Iterator[Fault]:
        """What Python imports under some name."""
        excused = self._installed.replaced(path)
        if module.folder in self._importable.folders and module.name in _CUSTOMIZING:
            if not excused:
                yield Fault(FaultKind.ADDED, path, "was added, and Python runs it at each start", _NOT_ASKED_FOR)
        elif self._is_of_stdlib(path):  # no installer puts anything there, whatever a RECORD says
            message = "was added to the standard library, which comes before all packages"
            yield Fault(FaultKind.ADDED, path, message, _NOT_ASKED_FOR)
        elif excused:
            return
        elif module.folder == self._python.scheme.scripts:
            if (hidden := self._importable.found_first(module.name)) is not None:
                message = f"was added, and scripts import it in place of {hidden}"
                yield Fault(FaultKind.ADDED, path, message, _NOT_ASKED_FOR)
        elif (hidden := self._importable.hidden_by(module)) is not None:
            yield Fault(FaultKind.ADDED, path, f"was added, and Python imports it in place of {hidden}", _NOT_ASKED_FOR)

    def _read_by_others(self, path: str) -> Iterator[Fault]:
        """What installers and programs with plugins read."""
        if path in _INSTALLERS_READ:
            yield Fault(FaultKind.ADDED, path, "was added, and pip does what it says", _NOT_ASKED_FOR)
        elif path == f"{self._python.stdlib}/{_NO_INSTALLER}":
            message = "was added, and installers refuse to install into the bundle"
            yield Fault(FaultKind.ADDED, path, message, _NOT_ASKED_FOR)
        elif path.endswith(_DISTUTILS):
            yield Fault(FaultKind.ADDED, path, "was added, and setuptools does what it says", _NOT_ASKED_FOR)
        elif path.endswith(_PLUGINS):
            message = "was added, no RECORD has it, and programs that look for plugins load what it names"
            yield Fault(FaultKind.ADDED, path, message, _NOT_ASKED_FOR)

    def _is_of_stdlib(self, path: str) -> bool:
        """Whether a path lies in the standard library, and in no folder of packages in it."""
        scheme = self._python.scheme
        packages = (*self._python.site_packages, scheme.system_site)
        return (lies_in(path, scheme.stdlib) or lies_in(path, scheme.dynload)) and not any(
            lies_in(path, folder) for folder in packages
        )
