"""Text that embeds a path: found among the plan's files, and rewritten so that it holds wherever the bundle is."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bundler.binaries.elf.launchers import Launcher
from bundler.bundle_paths import lies_in, relative
from bundler.entries import Entry, Literal, Source
from bundler.environment import Environment, EnvironmentKind, Interpreter
from bundler.environment.build_details import BUILD_DETAILS
from bundler.files import MOST_OF_A_SCRIPT, opened, read_regular
from bundler.machine import os
from bundler.machine.failing import exists, is_file
from bundler.options import ContentOptions
from bundler.plan.bases.posix import wheel_directory, wheels_path
from bundler.plan.mounts import MountTable
from bundler.plan.origins import BASE, HOST
from bundler.plan.overlay import Entries
from bundler.plan.private_files import may_keep
from bundler.prefixes import is_shared_prefix, is_system_prefix
from bundler.rewrite import Rewritten
from bundler.rewrite.certificates import rewrite_ssl
from bundler.rewrite.debian import rewrite_debian
from bundler.rewrite.direct_url import parse_direct_url, rewrite_direct_url
from bundler.rewrite.find_library import rewrite_ctypes_util
from bundler.rewrite.jupyter import rewrite_kernel
from bundler.rewrite.launchers.setuptools import read_stand_in
from bundler.rewrite.missing_stdlib import rewrite_missing_stdlib
from bundler.rewrite.native_scripts import NativeStart
from bundler.rewrite.pkg_config import follow_place, rewrite_pkg_config
from bundler.rewrite.pth import rewrite_pth
from bundler.rewrite.scripts import rewrite_script, side_file_path
from bundler.rewrite.shell_scripts import NotRewritten, is_shell_script, rewrite_shell_script
from bundler.rewrite.sysconfig import (
    MovedDirectory,
    rewrite_build_details,
    rewrite_makefile,
    rewrite_python_config,
    rewrite_sh_config,
    rewrite_sysconfig_json,
    rewrite_sysconfigdata,
)
from bundler.rewrite.tcl import rewrite_module_paths, rewrite_tkinter
from bundler.rewrite.urls import text_without_credentials
from bundler.rewrite.venv import rewrite_venv
from bundler.scheme import BundleScheme
from bundler.systems import system_of
from bundler.systems.system import Addition

_Rewriter = Callable[[Entry, bytes], Rewritten | None]
_CONFIGURATIONS_OF_PIP = ("pip.conf", "pip.ini")  # at the top of an environment


@dataclass(frozen=True, slots=True)
class Texts:
    """Entries to put over the plan's, bundle paths that go, and what could not be made to move."""

    entries: tuple[Entry, ...]
    removed: frozenset[str]
    warnings: tuple[str, ...]


def plan_texts(
    entries: Entries,
    environment: Environment,
    mounts: MountTable,
    content: ContentOptions = ContentOptions(),  # noqa: B008 - immutable
    launcher: Launcher | None = None,
) -> Texts:
    """Rewrite what must be; `launcher` starts the scripts that Python runs.

    Raises UnknownVariant for a file of Debian's that is like none that is known.
    """
    planner = _Planner(entries, environment, mounts, content, launcher)
    for path in sorted(entries):
        planner.look_at(entries[path])
    planner.look_for_compiled_alone()
    return Texts(tuple(planner.changed), frozenset(planner.removed), tuple(planner.warnings))


def moved_directories(interpreter: Interpreter, scheme: BundleScheme) -> tuple[MovedDirectory, ...]:
    """The directories that the interpreter's configuration may name (as the sysroot does), and where they lie in the bundle.

    A prefix of the system's own (`/usr`) holds other things than Python's: there each of Python's folders moves by itself.
    """
    sysroot = interpreter.sysroot
    prefix = sysroot.name_of(interpreter.base_prefix)
    if not is_system_prefix(prefix):
        built = os.path.dirname(interpreter.variables.get("BINDIR", "")) or prefix
        # python-build-standalone is built for /install, and installers mend only some of its files.
        standalone = "/install" if interpreter.variables.get("PYTHON_BUILD_STANDALONE") else prefix
        places = dict.fromkeys((prefix, built, standalone))
        return tuple(MovedDirectory(place, "") for place in places if place.startswith("/"))
    variables = interpreter.variables
    include = os.path.dirname(scheme.include)
    of_many = (scheme.scripts, include, scheme.libraries, scheme.share, f"{scheme.share}/man")
    top = prefix.rstrip("/")
    alone = {f"{top}/{folder}": folder for folder in of_many} | ({top: ""} if top else {})
    if libdir := variables.get("LIBDIR"):
        alone |= {libdir: scheme.libraries, f"{libdir}/pkgconfig": scheme.pkg_config}
    folders = {sysroot.name_of(interpreter.stdlib): scheme.stdlib}
    folders |= {sysroot.name_of(interpreter.include): scheme.include}
    folders |= {wheel_directory(interpreter): wheels_path(scheme)} if wheel_directory(interpreter) else {}
    return (
        *(MovedDirectory(source, path) for source, path in folders.items()),
        *(MovedDirectory(source, path, alone=True) for source, path in alone.items()),
    )


class _Planner:
    """Looks at each entry once; knows which rewriter is for which path."""

    def __init__(
        self,
        entries: Entries,
        environment: Environment,
        mounts: MountTable,
        content: ContentOptions,
        launcher: Launcher | None,
    ) -> None:
        interpreter = environment.interpreter
        self._entries = entries
        self._environment = environment
        self._mounts = mounts
        self._isolated = content.isolated
        self._launcher = launcher
        self._may_keep = may_keep(content)
        self._scheme = environment.scheme
        self._stdlib = self._scheme.stdlib + "/"
        self._directories = moved_directories(interpreter, self._scheme)
        self._system = system_of(environment.platform.system)
        self._sysroot = environment.sysroot
        places = (environment.root, self._sysroot.real(environment.root))
        self._prefixes = tuple(dict.fromkeys(map(self._sysroot.name_of, places)))
        # Other software under a shared prefix does not come along.
        self._own_folders = tuple(prefix for prefix in self._prefixes if not is_shared_prefix(prefix))
        base = self._sysroot.name_of(interpreter.base_prefix)
        self._base_pythons = re.compile(re.escape(f"{base}/{self._scheme.scripts}/python") + r"[\d.]*[td]*")
        self._by_stdlib_path: tuple[tuple[str, _Rewriter], ...] = (
            ("_sysconfigdata*.py", self._sysconfigdata),
            ("_sysconfig_vars*.json", lambda _, data: rewrite_sysconfig_json(data, self._directories)),
            (BUILD_DETAILS, self._build_details),
            ("config-*/Makefile", lambda _, data: rewrite_makefile(data, self._directories)),
            ("config-*/python-config.py", lambda _, data: rewrite_python_config(data)),
            ("venv/__init__.py", self._if_added(Addition.VENV, lambda _, data: rewrite_venv(data))),
            ("_missing_stdlib_info.py", self._missing_stdlib),
            ("ssl.py", self._if_added(Addition.CERTIFICATES, lambda _, data: rewrite_ssl(data))),
            ("ctypes/util.py", self._if_added(Addition.FIND_LIBRARY, self._ctypes_util)),
            ("tkinter/__init__.py", self._if_added(Addition.TCL, self._tkinter)),
        )
        patterns = (fnmatch.translate(pattern) for pattern, _ in self._by_stdlib_path)
        self._wanted_in_stdlib = re.compile("|".join(patterns))
        self._kernel = re.compile(re.escape(self._scheme.share) + r"/jupyter/kernels/[^/]+/kernel\.json")
        self._tcl_modules = re.compile(re.escape(self._scheme.libraries) + r"/tcl\d+\.\d+/tm\.tcl")
        self.changed: list[Entry] = []
        self.removed: set[str] = set()
        self.warnings: list[str] = []

    def look_at(self, entry: Entry) -> None:
        """Rewrite the entry's text where it must be."""
        if not isinstance(entry.content, Source):
            return
        rewriter = self._rewriter(entry)
        if rewriter is None:
            return
        data = _read(entry.content.path)
        rewritten = rewriter(entry, data)
        if rewritten is not None:
            self.changed.append(entry._replace(content=Literal(rewritten.data), reason=rewritten.reason))

    def look_for_compiled_alone(self) -> None:
        """Warn of a standard library without sources (buildroot's): what there is to rewrite has no text."""
        modules = [pattern.removesuffix(".py") for pattern, _ in self._by_stdlib_path if pattern.endswith(".py")]
        wanted = re.compile("|".join(fnmatch.translate(f"{self._stdlib}{module}.pyc") for module in modules))
        alone = sorted(path for path in self._entries if wanted.match(path) and path[:-1] not in self._entries)
        if alone:
            named = ", ".join(alone[:3]) + (" …" if len(alone) > 3 else "")
            self.warnings.append(
                f"{named}: compiled modules without their sources are not rewritten; sysconfig names folders of the source, "
                "and what is added for other systems (certificates, find_library, venv) is missing"
            )

    def _rewriter(self, entry: Entry) -> _Rewriter | None:
        """The one rewriter for a path, or None; scripts are told by their first bytes."""
        path = entry.path
        if path.startswith(self._stdlib) and "/site-packages/" not in path:
            return self._stdlib_rewriter(path[len(self._stdlib) :])
        folder, _, name = path.rpartition("/")
        if name.endswith(".pth") and folder.endswith("/site-packages"):
            return self._pth
        if name == "direct_url.json" and folder.endswith(".dist-info"):
            return self._direct_url
        if path in _CONFIGURATIONS_OF_PIP:
            return self._without_passwords
        if name == "pyvenv.cfg" and folder:
            self.warnings.append(
                f"{folder} is a virtual environment of its own, whose Python stays behind: it will not run in the bundle"
            )
            return None
        if folder in (self._scheme.pkg_config, f"{self._scheme.share}/pkgconfig") and name.endswith(".pc"):
            return self._pkg_config
        if self._kernel.fullmatch(path):
            return self._jupyter_kernel
        if self._tcl_modules.fullmatch(path):
            return lambda _, data: rewrite_module_paths(data)
        in_scripts = folder == self._scheme.scripts
        if heads := self._system.script_heads:
            return self._relocated if in_scripts and any(_begins_with(entry, head) for head in heads) else None
        if (in_scripts or entry.mode & 0o111) and _begins_with(entry, b"#!"):
            if in_scripts and re.fullmatch(r"(.*-)?python[\d.]*[td]*-config", name):
                return self._config_script
            return self._script
        return None

    def _stdlib_rewriter(self, below: str) -> _Rewriter | None:
        """The rewriter for a path in the standard library."""
        if self._wanted_in_stdlib.match(below):
            for pattern, rewriter in self._by_stdlib_path:
                if fnmatch.fnmatchcase(below, pattern):
                    return rewriter
        if self._environment.interpreter.dist_packages and below.endswith(".py"):
            return lambda _, data: rewrite_debian(below, data)
        return None

    def _sysconfigdata(self, entry: Entry, data: bytes) -> Rewritten | None:
        return rewrite_sysconfigdata(data, self._directories, entry.path.count("/"))

    def _missing_stdlib(self, _entry: Entry, data: bytes) -> Rewritten | None:
        interpreter = self._environment.interpreter
        names = interpreter.sysroot.names_in
        dynload = os.path.join(interpreter.platstdlib, os.path.basename(self._scheme.dynload))
        there = _modules(names(interpreter.stdlib)) | _modules(names(dynload))
        folders = (self._stdlib, f"{self._scheme.dynload}/")
        known = (path[len(folder) :] for path in self._entries for folder in folders if path.startswith(folder))
        return rewrite_missing_stdlib(data, sorted(there - _modules(path.partition("/")[0] for path in known)))

    def _ctypes_util(self, entry: Entry, data: bytes) -> Rewritten | None:
        return rewrite_ctypes_util(data, entry.path, self._scheme.bundled)

    def _tkinter(self, entry: Entry, data: bytes) -> Rewritten | None:
        return rewrite_tkinter(data, entry.path, self._scheme.libraries)

    def _if_added(self, addition: Addition, rewriter: _Rewriter) -> _Rewriter:
        """The rewriter, where the system wants the addition."""
        return rewriter if addition in self._system.additions else lambda _entry, _data: None

    def _build_details(self, entry: Entry, data: bytes) -> Rewritten | None:
        return rewrite_build_details(data, os.path.dirname(entry.path), self._directories, self._place)

    def _place(self, path: str) -> str | None:
        """The bundle path of a file or folder that shall stand at `path`; None where it stayed behind.

        A static library that lies among the system's comes along behind a link beside the build settings.
        """
        if path in self._entries or any(known.startswith(f"{path}/") for known in self._entries):
            return path
        elsewhere = f"{self._stdlib}config-*/{os.path.basename(path)}"
        return next((known for known in sorted(self._entries) if fnmatch.fnmatchcase(known, elsewhere)), None)

    def _config_script(self, entry: Entry, data: bytes) -> Rewritten | None:
        return rewrite_sh_config(data, self._directories) or self._script(entry, data)

    def _pth(self, entry: Entry, data: bytes) -> Rewritten | None:
        folder = os.path.dirname(entry.path)
        return rewrite_pth(data, lambda path: self._map_path(path, folder), self._sysroot.is_name)

    def _pkg_config(self, entry: Entry, data: bytes) -> Rewritten | None:
        """Python's own file has Python's directories; those of packages may name the environment's folder."""
        if entry.origin.startswith((BASE, HOST)):
            return rewrite_pkg_config(data, self._directories)
        own = tuple(MovedDirectory(folder, "") for folder in self._own_folders)
        alone = self._environment.kind is EnvironmentKind.INSTALLATION
        return follow_place(data, (*self._directories, *own) if alone else own)

    def _map_path(self, path: str, folder: str) -> str | None:
        inside = self._mounts.bundle_path(self._sysroot.located(path, ""))
        return None if inside is None else relative(inside, folder)

    def _direct_url(self, entry: Entry, data: bytes) -> Rewritten | None:
        """A local path of the builder stays out; its row leaves RECORD. Other URLs lose what gives access."""
        if parse_direct_url(data).is_local:
            self.removed.add(entry.path)
            return None
        return self._told_if_secret(entry, rewrite_direct_url(data))

    def _without_passwords(self, entry: Entry, data: bytes) -> Rewritten | None:
        """pip's configuration: the index stays, and who uses the bundle has an account of their own there."""
        clean = text_without_credentials(data)
        return self._told_if_secret(entry, None if clean == data else Rewritten(clean, "URLs without credentials"))

    def _told_if_secret(self, entry: Entry, rewritten: Rewritten | None) -> Rewritten | None:
        if rewritten is None or self._may_keep(entry.path):
            return None
        self.warnings.append(f"{entry.path} comes along without the credentials that a URL in it has")
        return rewritten

    def _jupyter_kernel(self, entry: Entry, data: bytes) -> Rewritten | None:
        return rewrite_kernel(data, self._is_ours, self._own_folders, relative("", os.path.dirname(entry.path)))

    def _relocated(self, entry: Entry, data: bytes) -> Rewritten | None:
        script = self._system.relocate_script(entry.path, data, self._scheme, self._source_of)
        if script is None:
            return None
        if script.data is None:
            self.warnings.append(f"{entry.path} {script.reason}: it will not run in the bundle")
            return None
        return Rewritten(script.data, script.reason)

    def _source_of(self, path: str) -> bytes | None:
        """What lies at a bundle path, as the source has it."""
        entry = self._entries.get(path)
        return _read(entry.content.path) if entry is not None and isinstance(entry.content, Source) else None

    def _script(self, entry: Entry, data: bytes) -> Rewritten | None:
        stand_in = read_stand_in(data)
        if stand_in is not None and is_file(stand_in.script):
            # The project's script itself, run by the stand-in's Python. What is none is nobody's business.
            first, _, body = _read(stand_in.script).partition(b"\n")
            if first.startswith(b"#!"):
                data = data.partition(b"\n")[0] + b"\n" + body
        return self._python_script(entry, data) or self._other_script(entry, data)

    def _python_script(self, entry: Entry, data: bytes) -> Rewritten | None:
        folder = os.path.dirname(entry.path)
        side = side_file_path(entry.path)
        script = rewrite_script(
            data,
            is_ours=self._is_ours,
            to_bin=relative(self._scheme.scripts, folder),
            side_file=relative(side, folder),
            any_python=folder == self._scheme.scripts,
            isolated=self._isolated,
            native=NativeStart(self._launcher, entry.path, side) if self._launcher else None,
        )
        if script is None:
            return None
        if script.side_data is not None:
            reason = "the body of a script whose first lines matter"
            reason = "the text of a script that a launcher starts" if self._launcher else reason
            self.changed.append(
                entry._replace(path=side, content=Literal(script.side_data), mode=entry.mode & 0o666, reason=reason)
            )
        return Rewritten(script.data, script.reason)

    def _other_script(self, entry: Entry, data: bytes) -> Rewritten | None:
        """A script of a shell, or of a program of the environment's own that no header can be found for."""
        if is_shell_script(data):
            rewritten = rewrite_shell_script(data, self._own_folders, relative("", os.path.dirname(entry.path)))
            if not isinstance(rewritten, NotRewritten):
                return rewritten
            self.warnings.append(f"{entry.path} {rewritten.reason}: it will not run in the bundle")
            return None
        program = data[2:4096].split(b"\n", 1)[0].strip()
        if any(program.startswith(os.fsencode(prefix) + b"/") for prefix in self._prefixes):
            self.warnings.append(f"{entry.path} is run by {os.fsdecode(program)}: it will not run in the bundle")
        return None

    def _is_ours(self, interpreter: str) -> bool:
        """Whether a shebang's interpreter is the environment's or its base's Python."""
        if self._base_pythons.fullmatch(interpreter):
            return True
        place = os.path.normpath(interpreter)
        if self._sysroot.is_name(interpreter) and not os.path.isabs(interpreter):  # `C:\Python312\python.exe`
            path = self._sysroot.path_of(interpreter)
            own = (self._sysroot.real(self._environment.root), self._environment.interpreter.base_prefix)
            return any(lies_in(path, folder) for folder in own) or not exists(path)
        return any(place.startswith(prefix + "/") for prefix in self._prefixes)


def _modules(names: Iterable[str]) -> set[str]:
    """The modules among the names in a folder of the standard library: files and packages, by their first words."""
    files = (name.partition(".")[0] for name in names if "." not in name or name.endswith((".py", ".so")))
    return {name for name in files if name.isidentifier() and name != "__pycache__"}


def _read(path: str) -> bytes:
    return read_regular(path, MOST_OF_A_SCRIPT)


def _begins_with(entry: Entry, head: bytes) -> bool:
    if not isinstance(entry.content, Source):
        return False
    with opened(entry.content.path) as file:
        return file.read(len(head)) == head
