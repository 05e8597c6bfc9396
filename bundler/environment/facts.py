"""What there is: an interpreter, the environment around it, and the distributions installed in it.

All paths are absolute and on this machine; the configuration's `variables` hold names as seen from inside the sysroot.
Nothing here decides what a bundle will hold.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from bundler.environment.installed_files import InstalledFiles, read_installed_files
from bundler.machine import os
from bundler.platforms import Platform
from bundler.rewrite.direct_url import DirectUrl
from bundler.rewrite.start import FIRST_VERSION
from bundler.scheme import BundleScheme
from bundler.sysroot import HOST, Sysroot


class EnvironmentKind(enum.Enum):
    """How an environment came to be."""

    VENV = "venv"
    """A virtual environment: packages here, the interpreter in a base elsewhere."""

    INSTALLATION = "installation"
    """A Python installation that stands by itself."""


class VersionInfo(NamedTuple):
    """A version of Python, as `sys.version_info` says it."""

    major: int
    minor: int
    micro: int
    level: str
    """`alpha`, `beta`, `candidate` or `final`."""
    serial: int


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The base interpreter, as its own `sysconfig` describes it."""

    version_info: VersionInfo
    executable: str
    """The real file, all links followed."""
    base_prefix: str
    platlibdir: str
    abiflags: str
    stdlib: str
    platstdlib: str
    include: str
    dist_packages: bool
    """Whether `site` looks into dist-packages: the interpreter has Debian's (or Ubuntu's) installation schemes."""
    extension_suffixes: tuple[str, ...]
    cache_tag: str
    """What a pyc's name says about its maker: `cpython-312`."""
    variables: Mapping[str, str]
    """The configuration variables that have a value, as text."""
    sysroot: Sysroot = HOST
    """The root that the interpreter lives in."""

    def with_version(self, version_info: VersionInfo) -> Interpreter:
        """The same facts with an exact version."""
        return replace(self, version_info=version_info)

    @property
    def version(self) -> str:
        """`X.Y.Z`, with the pre-release suffix that Python itself prints (`3.14.0rc1`)."""
        info = self.version_info
        suffix = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info.level)
        return f"{info.major}.{info.minor}.{info.micro}" + (f"{suffix}{info.serial}" if suffix else "")

    @property
    def short_version(self) -> str:
        """`X.Y`."""
        return f"{self.version_info.major}.{self.version_info.minor}"

    @property
    def abi_thread(self) -> str:
        """`t` for a free-threaded build, else nothing."""
        return "t" if self.variables.get("Py_GIL_DISABLED") == "1" else ""

    @property
    def python_name(self) -> str:
        """`pythonX.Y[t]`: the name of the stdlib's folder and of the executable."""
        return f"python{self.short_version}{self.abi_thread}"

    @property
    def reads_start_files(self) -> bool:
        """Whether `site` reads `.start` files, whose entry points take the place of `import` lines in `.pth` files (PEP 829)."""
        return self.version_info[:2] >= FIRST_VERSION

    @property
    def library_names(self) -> tuple[str, ...]:
        """File names under which libpython may lie beside the others in the base's library folder."""
        names = [self.variables.get("INSTSONAME", ""), self.variables.get("LDLIBRARY", "")]
        names.append(f"libpython3{self.abi_thread}.so")
        shared = (name for name in names if name.startswith("libpython") and (".so" in name or name.endswith(".dylib")))
        return tuple(dict.fromkeys(shared))

    @property
    def framework(self) -> str:
        """The framework's name for a framework build of macOS (`Python`, `PythonT`), which is also its library's; else "".

        The library lies in the base's prefix, and Python finds its prefix by it.
        """
        return self.variables.get("PYTHONFRAMEWORK", "")

    @property
    def library_directories(self) -> tuple[str, ...]:
        """Where libpython may lie: beside the base first, since LIBDIR is stale after a move."""
        places = [os.path.join(self.base_prefix, self.platlibdir), os.path.join(self.base_prefix, "lib")]
        if libdir := self.variables.get("LIBDIR"):
            places.append(self.sysroot.path_of(libdir))
        return tuple(dict.fromkeys(places))


@dataclass(frozen=True)
class Distribution:
    """An installed distribution. (It has no slots: `files` is kept once it was asked for.)"""

    name: str
    version: str
    metadata: str
    """Its folder `.dist-info`; or its `.egg-info`, a folder or a file."""
    direct_url: DirectUrl | None = None
    """Where it was installed from, if that is no index."""
    unreadable: tuple[str, ...] = ()
    """What of its metadata could not be read, and why, in words that name no place of this machine."""
    sysroot: Sysroot = HOST
    """The root whose names its list of files holds."""

    @property
    def editable(self) -> bool:
        """Whether it is an editable install."""
        return self.direct_url is not None and self.direct_url.editable

    @property
    def folder(self) -> str:
        """The package folder that it lies in."""
        return os.path.dirname(self.metadata)

    @cached_property
    def files(self) -> InstalledFiles:
        """The files that it owns, by the list that its installer left, which is read when it is first asked for."""
        return read_installed_files(self.metadata, self.sysroot)


@dataclass(frozen=True, slots=True)
class Environment:
    """What is packed: `root` as the user named it (made absolute), and what was found there."""

    root: str
    kind: EnvironmentKind
    interpreter: Interpreter
    python: str
    """The environment's own `bin/python`, which runs the environment."""
    config: Mapping[str, str]
    """`pyvenv.cfg`, or nothing."""
    site_packages: tuple[str, ...]
    """The environment's own package folders, links followed, each once."""
    distributions: tuple[Distribution, ...]
    platform: Platform
    scheme: BundleScheme
    """The layout of a bundle that is made of it."""
    probed: bool = True
    """Whether the interpreter was run for its facts; else they were read from files, and nothing of it is run."""
    library_path: tuple[str, ...] = ()
    """Folders of LD_LIBRARY_PATH: where this machine's loader looks for the libraries of what is run here."""
    read_at: int = field(default=0, compare=False)
    """When it was read, in nanoseconds since the epoch; a file that changed later is another one. 0: nobody knows."""

    @property
    def sysroot(self) -> Sysroot:
        """The root that the environment lives in."""
        return self.interpreter.sysroot

    @property
    def unreadable(self) -> tuple[str, ...]:
        """What of the distributions' metadata could not be read, and why, in words that name no place of this machine."""
        found = ((*item.unreadable, item.files.problem) for item in self.distributions)
        return tuple(problem for problems in found for problem in problems if problem)
