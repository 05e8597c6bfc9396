"""macOS behind the doors of `systems.system.System`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bundler.binaries.macho import Image
from bundler.bundle_paths import lies_in
from bundler.faults import Findings
from bundler.machine import os
from bundler.platforms import Libc, Machine, OperatingSystem, this_platform
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.bundle_view import BundleView
from bundler.systems.licences import copyleft_licence
from bundler.systems.macos import targets
from bundler.systems.observers import observer_source
from bundler.systems.packaged import NOTHING_PACKAGED, Packaged
from bundler.systems.posix import Posix
from bundler.systems.suffixes import no_binary_suffix
from bundler.systems.surveys import Survey
from bundler.systems.system import Addition, NameFindings, OpenedLibrary
from bundler.systems.untraced import Untraced
from bundler.target import Target

_SYSTEM = ("/usr/lib/", "/System/")


class _MacOS(Posix, Untraced):
    """See `systems.system.System`."""

    system = OperatingSystem.MACOS
    no_binary_suffix = no_binary_suffix("pyd", "dll", "exe", "lib")
    machine_files = ("/System/Library/CoreServices/SystemVersion.plist",)
    additions = frozenset({Addition.CERTIFICATES, Addition.VENV, Addition.TCL})
    image_os = None

    @property
    def observer(self) -> str:
        """What dyld tells."""
        return observer_source(os.path.dirname(__file__))

    def native_launcher(self, machine: Machine) -> None:
        """None."""
        return

    def floor_name(self, libc: Libc | None) -> str:
        """The system's own name: its libraries go with it."""
        return "macOS"

    def tells_libc(self, libc: str | None) -> bool:
        """No: the libc goes with the system."""
        return False

    def interpreter_programs(self, base_prefix: str, framework: str) -> tuple[str, ...]:
        """The application of a framework build (python.org's, Homebrew's, Apple's), whose `bin/python3.X` is a stub.

        The stub starts it beside the framework's library, so that programs with windows are applications for macOS (CPython:
        Mac/Tools/pythonw.c; reference: interpreters 1.7).
        """
        folder = f"{base_prefix}/Resources/Python.app/Contents/MacOS"
        return tuple(f"{folder}/{name}" for name in dict.fromkeys((framework, "Python"))) if framework else ()

    def belongs_to_host(self, path: str) -> bool:
        """What lies in the system's folders."""
        return path.startswith(_SYSTEM)

    def is_driver(self, name: str) -> bool:
        """None: drivers belong to frameworks of the system."""
        return False

    def drivers_may_need_newer(self, name: str) -> bool:
        """None: install names are whole paths."""
        return False

    def asks_of_target(self, name: str) -> str | None:
        """Nothing but for what the user leaves to it: the system's libraries are everywhere."""
        return None if name.startswith(_SYSTEM) else ""

    def reads_of_target(self, name: str) -> str | None:
        """Nothing that every Mac has not."""
        return None

    def copyleft_licence(self, name: str) -> str | None:
        """By the same table as on Linux: the projects are the same."""
        return copyleft_licence(name)

    def packages_of(self, paths: Iterable[str], root: Sysroot) -> Packaged:
        """None: what Homebrew and MacPorts installed is not asked for."""
        return NOTHING_PACKAGED

    def opened_library(self, path: str) -> OpenedLibrary | None:
        """Nothing: what programs of macOS open at run time is not followed yet."""
        return None

    def preloaded(self) -> frozenset[str]:
        """None: DYLD_INSERT_LIBRARIES is a variable."""
        return frozenset()

    def shadows(self, path: str, scheme: BundleScheme) -> bool:
        """A file among the bundled libraries: install names lead to one place each."""
        return lies_in(path, scheme.bundled)

    def check_names(self, paths: Collection[str]) -> NameFindings:
        """Nothing: what the source held the target holds."""
        return NameFindings()

    def check_binaries(self, bundle: BundleView, target: Target | None = None) -> Findings:
        """Every install name resolves as dyld would, from each program, every signature is true, and `target` is not too old."""
        from bundler.systems.macos.check import check_macho_files

        return check_macho_files(bundle, target)

    def survey_binaries(self, bundle: BundleView) -> Survey:
        """As dyld would, from each program."""
        from bundler.systems.macos.survey import survey_macho_files

        return survey_macho_files(bundle)

    def find_target(self, name: str) -> Target | None:
        """By its number."""
        return targets.find_target(name)

    def target_names(self) -> tuple[str, ...]:
        """What can be listed."""
        return targets.target_names()

    def path_here(self, text: str) -> str:
        """The same: an emulator hides no folder."""
        return text

    def chosen_loader(self, program: object) -> str | None:
        """None: the kernel starts dyld."""
        return None

    def why_not_run(self, program: object, python: str) -> str | None:
        """Only a Mac runs macOS's programs, and here only those that are built for its own processor."""
        here = this_platform()
        if not isinstance(program, Image) or here is None or here.system is not OperatingSystem.MACOS:
            return "it is built for macOS"
        names = program.architectures
        machine = here.machine_names[0]
        return None if machine in names else f"it is built for {', '.join(names)}, and this machine is {machine}"


MACOS = _MacOS()
