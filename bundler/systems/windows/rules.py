"""Windows behind the doors of `systems.system.System`."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Collection, Iterable, Sequence

from bundler.binaries.pe import Image
from bundler.binaries.pe.machines import platform_of
from bundler.faults import Findings
from bundler.machine import HAS_DRIVES, os
from bundler.platforms import AARCH64, X86_64, Libc, Machine, OperatingSystem, this_platform
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.bundle_view import BundleView
from bundler.systems.licences import copyleft_licence
from bundler.systems.observers import observer_source
from bundler.systems.packaged import NOTHING_PACKAGED, Packaged
from bundler.systems.suffixes import no_binary_suffix
from bundler.systems.surveys import Survey
from bundler.systems.system import Addition, NameFindings, OpenedLibrary, PythonNames, RelocatedScript
from bundler.systems.untraced import Untraced
from bundler.systems.windows import policy, start, targets
from bundler.systems.windows.drives import Drives, OwnDrives
from bundler.systems.windows.layout import WINDOWS_ACTIVATION, is_of_python, spelled, windows_scheme
from bundler.systems.windows.names import path_lengths, unholdable
from bundler.systems.windows.search import MODULE_SUFFIX
from bundler.systems.windows.source_dlls import read_dll
from bundler.target import Target


class _Windows(Untraced):
    """See `systems.system.System`."""

    system = OperatingSystem.WINDOWS
    no_binary_suffix = no_binary_suffix("so", "lib")
    machine_files = ()
    additions = frozenset[Addition]()
    has_shell = False
    image_os = None
    configured_by_pyvenv_cfg = False
    searches_above = False
    script_heads = (b"MZ", b"#!", b"@")
    activation = WINDOWS_ACTIVATION
    start_name = start.NAME
    program_suffixes = (".exe",)
    separator = "\\"
    base_packages = ("Lib/site-packages",)
    started_suffixes = (".exe", ".com", ".bat", ".cmd")

    @property
    def observer(self) -> str:
        """What the process's list of modules tells."""
        return observer_source(os.path.dirname(__file__))

    def sysroot(self, given: Sysroot) -> Sysroot:
        """The drives: below the root, unless an option said where one is."""
        if isinstance(given, Drives):
            return given
        return OwnDrives(given.path) if given.is_host and HAS_DRIVES else Drives(given.path)

    def scheme(self, python: PythonNames) -> BundleScheme:
        """That of python.org's installer."""
        return windows_scheme(python)

    def function_script(self, module: str, function: str, options: Sequence[str]) -> bytes:
        """A batch file."""
        return start.function_script(module, function, options)

    def command_script(self, program: str, arguments: Sequence[str], options: Sequence[str] | None) -> bytes:
        """A batch file."""
        return start.command_script(program, arguments, options)

    def native_launcher(self, machine: Machine) -> None:
        """None: its scripts are programs already."""
        return

    def relocate_script(
        self, path: str, data: bytes, scheme: BundleScheme, file_of: Callable[[str], bytes | None]
    ) -> RelocatedScript | None:
        """A launcher, or a text that py.exe or a launcher reads. What isolates stands beside the interpreter (`isolation`)."""
        from bundler.systems.windows.launchers.relocating import relocate

        return relocate(path, data, scheme, file_of)

    def is_of_python(self, path: str, scheme: BundleScheme) -> bool:
        """By the names that python.org's installer has."""
        return is_of_python(path, scheme)

    def spelled(self, name: str) -> str:
        """As python.org's installer has it."""
        return spelled(name)

    def python_aliases(self, python: PythonNames) -> tuple[str, ...]:
        """None: links need a right there, and a copy elsewhere is no Python."""
        return ()

    def isolation(self, python: PythonNames) -> tuple[str, bytes]:
        """`pythonXY._pth`: its lines are the whole of `sys.path`, no registry and no variable counts (CPython: getpath.py)."""
        scheme = windows_scheme(python)
        name = scheme.libpython[0].removesuffix(".dll") + "._pth"
        packages = scheme.site_packages.replace("/", "\\")
        lines = (scheme.stdlib_zip, scheme.dynload, scheme.stdlib, ".", packages, "import site", "")
        return name, "\r\n".join(lines).encode()

    def floor_name(self, libc: Libc | None) -> str:
        """The system's own name."""
        return "Windows"

    def tells_libc(self, libc: str | None) -> bool:
        """No: the libc goes with the system."""
        return False

    def interpreter_programs(self, base_prefix: str, framework: str) -> tuple[str, ...]:
        """None: what starts the interpreter in an environment is known by its place."""
        return ()

    def belongs_to_host(self, path: str) -> bool:
        """By the policy; of what else lies in Windows' folder all but the runtimes that Microsoft gives out for programs."""
        name = ntpath.basename(path)
        in_windows = ntpath.normpath(path).lower().startswith("c:\\windows\\")
        return policy.stays_with_windows(name) is not None or (in_windows and policy.redistributable(name) is None)

    def is_driver(self, name: str) -> bool:
        """None: drivers come with the system's own DLLs."""
        return False

    def drivers_may_need_newer(self, name: str) -> bool:
        """None: a driver does not look beside `python.exe` for what it needs."""
        return False

    def asks_of_target(self, name: str) -> str | None:
        """A package of Microsoft's, a driver, a feature that not every edition has; of what every Windows has nothing."""
        return policy.asks_of_target(ntpath.basename(name))

    def reads_of_target(self, name: str) -> str | None:
        """Nothing that not every Windows has."""
        return None

    def copyleft_licence(self, name: str) -> str | None:
        """By the same table as elsewhere, for the projects are the same; `libreadline8.dll` is libreadline's."""
        lower = ntpath.basename(name).lower()
        return copyleft_licence(lower) or copyleft_licence(re.sub(r"-?\d+(?=\.dll$)", "", lower))

    def packages_of(self, paths: Iterable[str], root: Sysroot) -> Packaged:
        """None: no database there knows which package a DLL came from."""
        return NOTHING_PACKAGED

    def opened_library(self, path: str) -> OpenedLibrary | None:
        """A DLL by its file's name, beside Python found by that; modules of Python do not come along for being opened."""
        image = read_dll(path)
        is_library = image is not None and image.headers.is_dll and not path.lower().endswith(MODULE_SUFFIX)
        return OpenedLibrary(ntpath.basename(path), image.needed) if image is not None and is_library else None

    def preloaded(self) -> frozenset[str]:
        """None that this machine would know."""
        return frozenset()

    def shadows(self, path: str, scheme: BundleScheme) -> bool:
        """A DLL beside `python.exe`, where each search looks, or beside the standard library's modules, which look there first."""
        folder = path.rpartition("/")[0].lower()
        return folder in ("", scheme.dynload.lower()) and path.lower().endswith(".dll")

    def check_names(self, paths: Collection[str]) -> NameFindings:
        """Names that Windows has no files of, such as differ in case alone, and what the longest path leaves for others."""
        lengths = path_lengths(paths)
        if lengths is None:
            return NameFindings()
        warning = lengths.warning
        return NameFindings(tuple(unholdable(paths)), (warning,) if warning else (), () if warning else (lengths.text,))

    def check_binaries(self, bundle: BundleView, target: Target | None = None) -> Findings:
        """Every name of a DLL leads into the bundle or to Windows' own, `._pth` files stay inside, and `target` is not too old."""
        from bundler.systems.windows.check import check_pe_files

        return check_pe_files(bundle, target)

    def survey_binaries(self, bundle: BundleView) -> Survey:
        """As Windows would, from each program and module."""
        from bundler.systems.windows.survey import survey_pe_files

        return survey_pe_files(bundle)

    def find_target(self, name: str) -> Target | None:
        """By a table."""
        return targets.find_target(name)

    def target_names(self) -> tuple[str, ...]:
        """All of the table."""
        return targets.target_names()

    def path_here(self, text: str) -> str:
        """Wine calls this machine's root `Z:`."""
        return text[2:].replace("\\", "/") if text[:3].lower() == "z:\\" else text

    def chosen_loader(self, program: object) -> str | None:
        """None: the loader is a part of the system."""
        return None

    def why_not_run(self, program: object, python: str) -> str | None:
        """Only Windows runs its programs: those for its own processor, and those that it emulates."""
        here = this_platform()
        if not isinstance(program, Image) or here is None or here.system is not self.system:
            return "it is built for Windows"
        (wanted,) = platform_of(program.headers).machines
        machine = here.machines[0]
        if machine is wanted or machine.name in wanted.runs_on or (machine is AARCH64 and wanted is X86_64):
            return None
        return f"it is built for {wanted.name_on(self.system)}, and this machine is {here.machine_names[0]}"


WINDOWS = _Windows()
