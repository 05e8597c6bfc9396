"""What the program asks of an operating system: the same doors for each, with the rules behind them.

A system knows binaries, platforms and the sysroot, and nothing of environments or plans.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from bundler.binaries.elf.launchers import Launcher
from bundler.errors import BundlerError
from bundler.faults import Findings
from bundler.platforms import Libc, Machine, OperatingSystem
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.bundle_view import BundleView
from bundler.systems.packaged import Packaged
from bundler.systems.surveys import Survey
from bundler.target import Target


class PythonNames(Protocol):
    """What the layout of a bundle depends on: the names that a Python's parts have."""

    @property
    def python_name(self) -> str:
        """`pythonX.Y[t]`: the name of the standard library's folder and of the executable."""

    @property
    def short_version(self) -> str:
        """`X.Y`."""

    @property
    def abiflags(self) -> str:
        """`sys.abiflags`."""

    @property
    def platlibdir(self) -> str:
        """`lib` or `lib64`."""

    @property
    def include(self) -> str:
        """The folder of the headers, on this machine."""

    @property
    def library_names(self) -> tuple[str, ...]:
        """File names under which libpython may lie beside the others."""

    @property
    def framework(self) -> str:
        """The name of a framework build of macOS, else ""."""


class OpenedLibrary(NamedTuple):
    """A library that a process opened by its name: the name that it has for itself, and what it needs."""

    soname: str
    needed: tuple[str, ...]


class Addition(enum.Enum):
    """What is added to a bundle's standard library."""

    CERTIFICATES = "ssl"
    """The host's certificates are found on other systems than the one that OpenSSL was built on."""
    FIND_LIBRARY = "ctypes.util"
    """Libraries of the bundle are found by name."""
    VENV = "venv"
    """Environments that are made with copies of the interpreter find its libraries."""
    TCL = "tkinter"
    """Tcl finds its scripts in the bundle before it looks where it was built for."""


class RelocatedScript(NamedTuple):
    """What became of a script that a program starts (`Scripts\\app.exe`)."""

    data: bytes | None
    """The new content; None where it cannot be changed."""
    reason: str
    """What was changed; without new content, why it will not run elsewhere."""


class NameFindings(NamedTuple):
    """What a system says of the paths of a bundle."""

    errors: tuple[BundlerError, ...] = ()
    """Paths that it cannot hold."""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Activation(NamedTuple):
    """What the scripts that activate a bundle depend on."""

    names: tuple[str, ...]
    """Their file names: one for each shell that the system has."""
    scripts: str
    """The folder that they lie in."""
    python: str
    """A bundle path that says that a folder is a bundle."""
    folders: tuple[str, ...]
    """Bundle paths of the folders that go in front of PATH; "" is the bundle's root."""


class System(Protocol):
    """One operating system."""

    @property
    def system(self) -> OperatingSystem:
        """Which one it is."""

    @property
    def no_binary_suffix(self) -> re.Pattern[str]:
        """Matches names of files that its loader never opens: not even their first bytes are read."""

    @property
    def additions(self) -> frozenset[Addition]:
        """What is added to the standard library of a bundle."""

    @property
    def observer(self) -> str:
        """Source text (CPython 3.8 or later) of `mapped_libraries()`: paths of the libraries that its process has, or None."""

    @property
    def machine_files(self) -> tuple[str, ...]:
        """Files that change when what the machine gives to every process does: the loader's index, the system's version."""

    @property
    def traces(self) -> bool:
        """Whether it can be seen here what a command opens and executes."""

    @property
    def has_shell(self) -> bool:
        """Whether each of its machines has `/bin/sh`."""

    @property
    def image_os(self) -> str | None:
        """What OCI images for it call it; None where there are none."""

    @property
    def configured_by_pyvenv_cfg(self) -> bool:
        """Whether a bundle has a `pyvenv.cfg`."""

    @property
    def searches_above(self) -> bool:
        """Whether Python looks for its own parts in the folders above its interpreter, too (`bundler.landmarks`)."""

    @property
    def script_heads(self) -> tuple[bytes, ...]:
        """What scripts begin with that `relocate_script` knows; none where all of them are texts that POSIX starts."""

    @property
    def program_suffixes(self) -> tuple[str, ...]:
        """What a program's file name may end in that a person leaves away."""

    @property
    def separator(self) -> str:
        """What divides the parts of a path that a person types into a shell of it."""

    @property
    def started_suffixes(self) -> tuple[str, ...] | None:
        """How the names of files end that it starts, where it has no modes that would tell; None where it has."""

    @property
    def start_name(self) -> str:
        """The name of the script that starts the application."""

    def function_script(self, module: str, function: str, options: Sequence[str]) -> bytes | None:
        """A start script that calls a function, by Python with `options`; None where a script of POSIX does that."""

    def command_script(self, program: str, arguments: Sequence[str], options: Sequence[str] | None) -> bytes | None:
        """A start script that starts a file, at a path from the folder of scripts; None where a script of POSIX does that.

        `options` are Python's; None for a file that no Python runs.
        """

    def native_launcher(self, machine: Machine) -> Launcher | None:
        """The program that starts scripts without a shell; None where there is none for the machine."""

    def relocate_script(
        self, path: str, data: bytes, scheme: BundleScheme, file_of: Callable[[str], bytes | None]
    ) -> RelocatedScript | None:
        """A file of the folder of scripts, so that it finds the bundle's Python by itself; None for what needs no change.

        `file_of` gives the file at a bundle path, None where there is none.
        """

    def is_of_python(self, path: str, scheme: BundleScheme) -> bool:
        """Whether Python's own installation puts files at a bundle path."""

    def sysroot(self, given: Sysroot) -> Sysroot:
        """The root of an environment, with the names that the system has for paths in it."""

    def scheme(self, python: PythonNames) -> BundleScheme:
        """The layout of a bundle."""

    def spelled(self, name: str) -> str:
        """How a bundle spells the name of a file or folder at the top of an environment, where case does not count."""

    @property
    def activation(self) -> Activation:
        """Which scripts activate a bundle."""

    def python_aliases(self, python: PythonNames) -> tuple[str, ...]:
        """Further names of the interpreter in the folder of scripts."""

    def isolation(self, python: PythonNames) -> tuple[str, bytes] | None:
        """The file (bundle path and content) that keeps what the user set out of each start; None where each script does that."""

    @property
    def base_packages(self) -> tuple[str, ...] | None:
        """Where an installation has its package folders, from its top, as `site` orders them; None where POSIX' scheme tells."""

    def floor_name(self, libc: Libc | None) -> str:
        """What the floor is a release of: `glibc`, `macOS`."""

    def tells_libc(self, libc: str | None) -> bool:
        """Whether it is told that a bundle needs a libc (its name) where no file asks for a release of it."""

    def interpreter_programs(self, base_prefix: str, framework: str) -> tuple[str, ...]:
        """Where the interpreter itself may lie if the base's `bin/python` only starts it, the likeliest first."""

    def belongs_to_host(self, path: str) -> bool:
        """Whether a library at a path is left to the host."""

    def is_driver(self, name: str) -> bool:
        """Whether a library of the host leads to a GL or GPU driver."""

    def drivers_may_need_newer(self, name: str) -> bool:
        """Whether a driver of a newer host may need a newer copy of this library than the bundle's."""

    def asks_of_target(self, name: str) -> str | None:
        """What a library that is left to the host, or data (`reads_of_target`), asks of a target; "" for no more than its name.

        None for what every target has.
        """

    def reads_of_target(self, name: str) -> str | None:
        """What a library of the bundle reads of the machine that it runs on, in words; None for nothing to tell."""

    def copyleft_licence(self, name: str) -> str | None:
        """The strong copyleft licence of a library of the host, or None."""

    def packages_of(self, paths: Iterable[str], root: Sysroot) -> Packaged:
        """Which packages of the machine's package manager brought files (absolute paths, links followed) of a root."""

    def opened_library(self, path: str) -> OpenedLibrary | None:
        """What a library that was opened at run time says of itself; None for what does not come along for that."""

    def found_by_name(self, path: str, program: str, library_path: Sequence[str]) -> str | None:
        """What `--include-lib` takes for a library (its real path) that a process of `program` finds by its own name (DT_SONAME).

        A name, or the path at which it is found; None for what nothing but its whole path leads to, and what is no library of that
        program's kind. `library_path` are the folders of the variable that all programs heed.
        """

    def leaves_file_to_host(self, path: str) -> bool:
        """Whether a file that is no library goes with each host, and is there or not needed: locales, configuration."""

    def leaves_program_to_host(self, name: str) -> bool:
        """Whether every host has a program of this name."""

    def preloaded(self) -> frozenset[str]:
        """Real paths of the libraries that every process of this machine has, by the system's configuration: agents."""

    def shadows(self, path: str, scheme: BundleScheme) -> bool:
        """Whether a file that is added at a bundle path may be loaded in place of a library that is listed."""

    def check_names(self, paths: Collection[str]) -> NameFindings:
        """Whether the system can hold all files at these bundle paths, and beside each other."""

    def check_binaries(self, bundle: BundleView, target: Target | None = None) -> Findings:
        """Faults of a finished bundle's binaries, found as its loader would, and notes on what the source had not either.

        With a `target` of this system also what keeps it from running there, of the kind `TARGET`.
        """

    def survey_binaries(self, bundle: BundleView) -> Survey:
        """What the binaries of a finished bundle ask for, and where they find it; nothing is judged, and this machine not asked."""

    def find_target(self, name: str) -> Target | None:
        """The system of a name (lower case) that a bundle may go to; None for one that is not known."""

    def target_names(self) -> tuple[str, ...]:
        """The names of those that can be listed."""

    def path_here(self, text: str) -> str:
        """What a path that one of its processes tells is called on this machine, where a program of this machine runs it."""

    def chosen_loader(self, program: object) -> str | None:
        """The path of the machine's own loader, where a program with these headers looks at it, and uses that or the bundle's.

        None for a program that does not choose.
        """

    def why_not_run(self, program: object, python: str) -> str | None:
        """Why the Python at the path `python`, with the headers `program`, cannot be run here; None where it can.

        That is no fault of the bundle. It may be started once, to ask the kernel.
        """
