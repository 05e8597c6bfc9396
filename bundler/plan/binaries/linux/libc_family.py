"""The least that a bundle needs around it: the loader and libc's family of this machine, for images from scratch."""

from __future__ import annotations

import os
import re

from bundler.binaries.elf import read_image
from bundler.bundle_paths import parents
from bundler.entries import Directory, Entry, Layer, Literal, Patched, Source
from bundler.environment import Environment
from bundler.errors import BundlerError, OutputFailed
from bundler.systems.linux.glibc import system_libraries
from bundler.systems.linux.policy import HostReason, stays_on_host

# Debuggers' part, other libcs', and modules of name services that have configurations of their own.
_NOT_NEEDED = re.compile(r"ld[-.]|libc\.musl|libthread_db|libBrokenLocale|libnss_(?!files|dns)|.*\.so$")
_PASSWD = b"root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"
_NSSWITCH = b"hosts: files dns\n"


def libc_family(executable: Entry, environment: Environment) -> tuple[Entry, ...]:
    """Entries of a root directory: the loader of `executable` (PT_INTERP), libc's family where the sysroot has it, `/tmp`.

    They have the executable's time. Raises OutputFailed where it names no loader, BundlerError where that is not there.
    """
    sysroot = environment.sysroot
    loader, time_ns = _loader_of(executable), executable.mtime_ns
    if not sysroot.is_file(sysroot.path_of(loader)):
        raise BundlerError(f"{loader}, which starts the interpreter, is not on this machine")
    system = system_libraries(environment.platform.machines[0], sysroot)
    names = {name: paths[0] for name, paths in system.cache.items()}
    for folder in () if names else reversed(system.default_directories):
        names.update({name: f"{folder}/{name}" for name in sysroot.names_in(sysroot.path_of(folder))})
    places = {loader.lstrip("/"): loader}
    for name, path in names.items():
        if stays_on_host(name) is HostReason.LIBC and not _NOT_NEEDED.match(name):
            places[path.lstrip("/")] = path
    entries = {}
    for place, path in places.items():
        real = sysroot.real(sysroot.path_of(path))
        entries[place] = Entry(
            place, Source(real, os.stat(real).st_size), 0o755, time_ns, Layer.RUNTIME, f"host:{path}"
        )
    for place, data in (("etc/passwd", _PASSWD), ("etc/group", _GROUP), ("etc/nsswitch.conf", _NSSWITCH)):
        entries[place] = Entry(place, Literal(data), 0o644, time_ns, Layer.RUNTIME, "bundler")
    for folder in {parent for place in entries for parent in parents(place)}:
        entries[folder] = Entry(folder, Directory(), 0o755, time_ns, Layer.RUNTIME, "bundler")
    entries["tmp"] = Entry("tmp", Directory(), 0o1777, time_ns, Layer.RUNTIME, "bundler")
    return tuple(entries[path] for path in sorted(entries))


def _loader_of(executable: Entry) -> str:
    assert isinstance(executable.content, (Source, Patched))
    with open(executable.content.path, "rb") as file:
        loader = read_image(file).interpreter
    if loader is None:
        raise OutputFailed(f"{executable.path} names no loader", "give a base: --base IMAGE.tar")
    return loader
