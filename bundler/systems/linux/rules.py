"""Linux behind the doors of `systems.system.System`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from bundler.binaries.elf import Image, read_image
from bundler.binaries.elf.launchers import Launcher, launcher_for
from bundler.bundle_paths import lies_in
from bundler.errors import BinaryFormatError
from bundler.faults import Findings
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.platforms import Libc, Machine, OperatingSystem
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.bundle_view import BundleView
from bundler.systems.licences import copyleft_licence
from bundler.systems.linux import glibc, host_files, musl, policy, targets
from bundler.systems.linux.companions import TargetData, target_data
from bundler.systems.observers import observer_source
from bundler.systems.packaged import Packaged
from bundler.systems.posix import Posix
from bundler.systems.suffixes import no_binary_suffix
from bundler.systems.surveys import Survey
from bundler.systems.system import Addition, NameFindings, OpenedLibrary
from bundler.target import Target


class _Linux(Posix):
    """See `systems.system.System`."""

    system = OperatingSystem.LINUX
    no_binary_suffix = no_binary_suffix("pyd", "dll", "exe", "lib")
    additions = frozenset({Addition.CERTIFICATES, Addition.FIND_LIBRARY, Addition.VENV, Addition.TCL})
    machine_files = ("/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/os-release", *musl.DIRECTORIES_FILES)
    traces = True
    image_os = "linux"

    @property
    def observer(self) -> str:
        """What `/proc` tells."""
        return observer_source(os.path.dirname(__file__))

    def native_launcher(self, machine: Machine) -> Launcher | None:
        """For some machines."""
        return launcher_for(machine.name)

    def floor_name(self, libc: Libc | None) -> str:
        """The name of the libc."""
        return (libc or Libc.GLIBC).value

    def tells_libc(self, libc: str | None) -> bool:
        """musl, which few distributions have."""
        return libc == Libc.MUSL.value

    def interpreter_programs(self, base_prefix: str, framework: str) -> tuple[str, ...]:
        """None: `bin/python` is the interpreter."""
        return ()

    def belongs_to_host(self, path: str) -> bool:
        """By the policy, or as a part of libc that has a folder of its own (gconv)."""
        return policy.stays_on_host(os.path.basename(path)) is not None or "/gconv/" in path

    def is_driver(self, name: str) -> bool:
        """See the policy."""
        return policy.is_driver(name)

    def drivers_may_need_newer(self, name: str) -> bool:
        """See the policy."""
        return policy.drivers_may_need_newer(name)

    def asks_of_target(self, name: str) -> str | None:
        """A package of Debian, or a driver; of libc's family nothing."""
        data = next((each for each in TargetData if each.what == name), None)
        if data is not None:
            return f"Debian: {data.debian}"
        line = policy.host_library(os.path.basename(name))
        if line is None:
            return ""
        if line.reason is policy.HostReason.LIBC:
            return None
        return f"Debian: {line.debian}" if line.debian else "a driver"

    def reads_of_target(self, name: str) -> str | None:
        """By the table of companions."""
        data = target_data(name)
        return data.what if data is not None else None

    def copyleft_licence(self, name: str) -> str | None:
        """By the table of all systems."""
        return copyleft_licence(name)

    def packages_of(self, paths: Iterable[str], root: Sysroot) -> Packaged:
        """By the databases of dpkg, rpm and apk."""
        from bundler.systems.linux.packages import find_packages

        return find_packages(paths, root)

    def opened_library(self, path: str) -> OpenedLibrary | None:
        """A library's DT_SONAME; extension modules, which have none, do not come along for being opened."""
        try:
            with opened(path) as file:
                image = read_image(file)
        except (OSError, BinaryFormatError) as error:
            unless_failing(error, path)
            return None
        return OpenedLibrary(image.soname, image.needed) if image.soname is not None else None

    def found_by_name(self, path: str, program: str, library_path: Sequence[str]) -> str | None:
        """By the loader's cache under its name, else by its path."""
        from bundler.systems.linux.by_name import found_by_name

        return found_by_name(path, program, library_path)

    def leaves_file_to_host(self, path: str) -> bool:
        """By a table."""
        return host_files.is_hosts_file(path)

    def leaves_program_to_host(self, name: str) -> bool:
        """By a table."""
        return name in host_files.PROGRAMS

    def preloaded(self) -> frozenset[str]:
        """What `/etc/ld.so.preload` names, with what that needs."""
        from bundler.systems.linux.preload import preloaded_libraries

        return preloaded_libraries()

    def shadows(self, path: str, scheme: BundleScheme) -> bool:
        """A file among the bundled libraries or libc's, or a library in a folder for newer processors, wherever that is."""
        in_place_of_another = any(part in glibc.SUBFOLDERS for part in path.split("/")[:-1]) and ".so" in path
        return lies_in(path, scheme.bundled) or lies_in(path, scheme.libc) or in_place_of_another

    def check_names(self, paths: Collection[str]) -> NameFindings:
        """Nothing: what the source held the target holds."""
        return NameFindings()

    def check_binaries(self, bundle: BundleView, target: Target | None = None) -> Findings:
        """Every NEEDED resolves, as the loader would, to a file inside or a library of the host's; `target` has what is asked."""
        from bundler.systems.linux.check import check_elf_files

        return check_elf_files(bundle, target)

    def survey_binaries(self, bundle: BundleView) -> Survey:
        """By the loader of the bundle's libc."""
        from bundler.systems.linux.survey import survey_elf_files

        return survey_elf_files(bundle)

    def find_target(self, name: str) -> Target | None:
        """By a table, and by patterns."""
        return targets.find_target(name)

    def target_names(self) -> tuple[str, ...]:
        """What can be listed."""
        return targets.target_names()

    def path_here(self, text: str) -> str:
        """The same: an emulator hides no folder."""
        return text

    def chosen_loader(self, program: object) -> str | None:
        """What PT_INTERP names, where an entry stub looks at it first."""
        return program.interpreter if isinstance(program, Image) and program.host_floor is not None else None

    def why_not_run(self, program: object, python: str) -> str | None:
        """The kernel knows best what it runs, and for what it has an emulator (binfmt_misc)."""
        from bundler.systems.linux.runnable import why_not_run

        return why_not_run(program if isinstance(program, Image) else None, python)


LINUX = _Linux()
