"""The base of an environment under POSIX: its parts, wherever a `make install` or a distribution put them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bundler.environment import Interpreter
from bundler.machine import os
from bundler.machine.failing import is_dir, is_file
from bundler.plan.bases.parts import runtime
from bundler.plan.mounts import Mount
from bundler.prefixes import TCL_FOLDERS
from bundler.rewrite.debian import WHEELS_FOLDER
from bundler.scheme import BundleScheme


def base_mounts(interpreter: Interpreter, scheme: BundleScheme) -> Iterator[Mount]:
    """The interpreter's own parts, each where a plain installation has it."""
    skip = frozenset({"site-packages", "dist-packages", "EXTERNALLY-MANAGED"})
    yield runtime(interpreter, interpreter.stdlib, scheme.stdlib, skip)
    if interpreter.platstdlib != interpreter.stdlib:
        yield runtime(interpreter, os.path.join(interpreter.platstdlib, "lib-dynload"), scheme.dynload)
    zipped = os.path.join(interpreter.base_prefix, scheme.stdlib_zip)
    if interpreter.sysroot.is_file(zipped):
        yield runtime(interpreter, zipped, scheme.stdlib_zip)
    yield from _headers(interpreter, scheme)
    yield from _libpython(interpreter, scheme)
    yield from _scripts(interpreter, scheme)
    yield from _shared_files(interpreter, scheme)
    yield from _tcl(interpreter, scheme)
    yield runtime(interpreter, interpreter.executable, scheme.executable)


def wheels_path(scheme: BundleScheme) -> str:
    """The bundle path of the wheels that a distribution of the operating system keeps for `ensurepip`."""
    return f"{scheme.share}/python-wheels"


def wheel_directory(interpreter: Interpreter) -> str:
    """Where a distribution of the operating system keeps the wheels for `ensurepip`, as a name; "" where Python has its own."""
    configured = interpreter.variables.get("WHEEL_PKG_DIR", "").rstrip("/")
    return configured or (WHEELS_FOLDER if interpreter.dist_packages else "")


def _headers(interpreter: Interpreter, scheme: BundleScheme) -> Iterator[Mount]:
    """The headers; Debian keeps the real pyconfig.h under the multiarch folder, and a wrapper here."""
    name = os.path.basename(interpreter.include)
    parent = os.path.dirname(interpreter.include)
    for source in (interpreter.include, os.path.join(parent, interpreter.variables.get("MULTIARCH", ""), name)):
        if interpreter.sysroot.is_dir(source):
            yield runtime(interpreter, interpreter.sysroot.real(source), scheme.include)


def _libpython(interpreter: Interpreter, scheme: BundleScheme) -> Iterator[Mount]:
    """libpython and the stub for the stable ABI, from the first folder that has them; a framework's library from its prefix."""
    sysroot = interpreter.sysroot
    library = sysroot.real(os.path.join(interpreter.base_prefix, interpreter.framework))
    if interpreter.framework and is_file(library):
        yield runtime(interpreter, library, interpreter.framework)
    for folder in (sysroot.real(place) for place in interpreter.library_directories):
        found = [name for name in interpreter.library_names if sysroot.exists(os.path.join(folder, name))]
        if found:
            for name in _with_link_targets(folder, found):
                yield runtime(interpreter, os.path.join(folder, name), f"{scheme.libraries}/{name}")
            return


def _with_link_targets(folder: str, names: list[str]) -> list[str]:
    """The names, and those that their links name in the same folder (Debian: .so.1.0 behind .so.1)."""
    found = dict.fromkeys(names)
    for name in names:
        target = name
        while os.path.islink(os.path.join(folder, target)):
            target = os.readlink(os.path.join(folder, target))
            if "/" in target or target in found:
                break
            found[target] = None
    return list(found)


def _scripts(interpreter: Interpreter, scheme: BundleScheme) -> Iterator[Mount]:
    """The base's own scripts; not pip's, whose package stays behind."""
    sysroot = interpreter.sysroot
    folder = sysroot.real(os.path.join(interpreter.base_prefix, scheme.scripts))
    short = interpreter.short_version
    patterns = (
        rf"python({re.escape(short)}|3)?[td]*-config",
        rf"(pydoc|idle|2to3-)({re.escape(short)}t?)",
        r"(pydoc|idle)3?",
        r"2to3",
        rf"python{re.escape(short)}-gdb\.py",
        rf"[a-z0-9_]+-linux-[a-z0-9_]+-python{re.escape(short)}[td]*-config",
    )
    wanted = re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
    for name in sysroot.names_in(folder):
        path = os.path.join(folder, name)
        if wanted.fullmatch(name) and sysroot.exists(path) and _belongs(path, interpreter):
            yield runtime(interpreter, path, scheme.script(name))


def _belongs(path: str, interpreter: Interpreter) -> bool:
    """Whether a script without a full version in its name (`pydoc3`) leads to this version's."""
    return interpreter.short_version in os.path.basename(interpreter.sysroot.real(path))


def _shared_files(interpreter: Interpreter, scheme: BundleScheme) -> Iterator[Mount]:
    """pkg-config files, manual pages, and the wheels that `ensurepip` installs from."""
    sysroot, short = interpreter.sysroot, interpreter.short_version
    configured = interpreter.variables.get("LIBPC")
    places = [sysroot.path_of(configured)] if configured else []
    places += [os.path.join(folder, "pkgconfig") for folder in interpreter.library_directories]
    for folder in (sysroot.real(place) for place in places):
        names = sysroot.names_in(folder)
        if not any(name.startswith(f"python-{short}") and name.endswith(".pc") for name in names):
            continue
        for name in names:
            fits = re.fullmatch(rf"python-?({re.escape(short)}|3)[td]*(-embed)?\.pc", name)
            if fits and _belongs(os.path.join(folder, name), interpreter):
                yield runtime(interpreter, os.path.join(folder, name), f"{scheme.pkg_config}/{name}")
        break
    manual = sysroot.real(os.path.join(interpreter.base_prefix, scheme.share, "man", "man1"))
    for name in sysroot.names_in(manual):
        fits = re.fullmatch(rf"python({re.escape(short)}|3)\.1(\.gz)?", name)
        if fits and _belongs(os.path.join(manual, name), interpreter):
            yield runtime(interpreter, os.path.join(manual, name), f"{scheme.share}/man/man1/{name}")
    configured = wheel_directory(interpreter)
    wheels = sysroot.real(sysroot.path_of(configured)) if configured else ""
    for name in sysroot.names_in(wheels) if wheels else ():
        if name.endswith(".whl"):
            yield runtime(interpreter, os.path.join(wheels, name), f"{wheels_path(scheme)}/{name}")


def _tcl(interpreter: Interpreter, scheme: BundleScheme) -> Iterator[Mount]:
    """Tcl's and Tk's scripts, where Tcl looks for them from an executable: `lib/tclX.Y`; and Tcl's modules.

    Modules lie in `tclX/X.Y` beside the scripts, or below them (Debian). Tcl 9 may carry all of it inside of its library,
    which then brings it: no such folder is no fault.
    """
    sysroot = interpreter.sysroot
    dynload = os.path.join(interpreter.platstdlib, "lib-dynload")
    if not any(name.startswith("_tkinter.") for name in sysroot.names_in(dynload)):
        return
    libraries = os.path.join(interpreter.base_prefix, scheme.libraries)
    folders = (libraries, *map(sysroot.path_of, TCL_FOLDERS))
    names = (name for folder in folders for name in sysroot.names_in(folder) if re.fullmatch(r"tcl\d+\.\d+", name))
    for version in sorted({name.removeprefix("tcl") for name in names}):
        for folder in folders:
            if sysroot.is_file(os.path.join(folder, f"tcl{version}", "init.tcl")):
                for name in (f"tcl{version}", f"tk{version}", f"tcl{version.partition('.')[0]}"):
                    place = sysroot.real(os.path.join(folder, name))
                    if is_dir(place):
                        yield runtime(interpreter, place, f"{scheme.libraries}/{name}")
                break
