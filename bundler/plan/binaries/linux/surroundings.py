"""The least that a bundle needs around it: the loader and libc's family of this machine, for images from scratch."""

from __future__ import annotations

from bundler.binaries.elf import Image, read_image
from bundler.bundle_paths import parents
from bundler.entries import Directory, Entry, Layer, Literal, Patched, Source
from bundler.environment import Environment
from bundler.errors import BundlerError, OutputFailed
from bundler.files import opened
from bundler.machine import os
from bundler.systems.linux.loaders import loader_of
from bundler.systems.linux.program_loader import standard_loader

_PASSWD = b"root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"
_NSSWITCH = b"hosts: files dns\n"


def least_surroundings(executable: Entry, environment: Environment, *, own_libc: bool) -> tuple[Entry, ...]:
    """Entries of a root directory: the loader of the interpreter as the source has it, libc's family where that looks, `/tmp`.

    A loader of its own stands where the bundle names the system's, and its libc where it looks for that; one with `own_libc`
    needs neither. They have the executable's time. Raises OutputFailed where `executable` names no loader, BundlerError where that
    is not there.
    """
    time_ns = executable.mtime_ns
    entries = {} if own_libc else _libc(executable, environment)
    for place, data in (("etc/passwd", _PASSWD), ("etc/group", _GROUP), ("etc/nsswitch.conf", _NSSWITCH)):
        entries[place] = Entry(place, Literal(data), 0o644, time_ns, Layer.RUNTIME, "bundler")
    for folder in {parent for place in entries for parent in parents(place)}:
        entries[folder] = Entry(folder, Directory(), 0o755, time_ns, Layer.RUNTIME, "bundler")
    entries["tmp"] = Entry("tmp", Directory(), 0o1777, time_ns, Layer.RUNTIME, "bundler")
    return tuple(entries[path] for path in sorted(entries))


def _libc(executable: Entry, environment: Environment) -> dict[str, Entry]:
    """The loader and libc's family, by the places where they are looked for."""
    sysroot = environment.sysroot
    interpreter = _image_of(executable)
    loader = interpreter.interpreter or ""
    if not sysroot.is_file(sysroot.path_of(loader)):
        raise BundlerError(f"{loader}, which starts the interpreter, is not on this machine")
    rules = loader_of(interpreter)
    system = rules.system_libraries(environment.platform.machines[0], sysroot, interpreter)
    places = {(standard_loader(interpreter) or loader).lstrip("/"): loader}
    places |= {path.lstrip("/"): path for path in rules.libc_family(system, sysroot).values()}
    entries = {}
    for place, path in places.items():
        real = sysroot.real(sysroot.path_of(path))
        source = Source(real, os.stat(real).st_size)
        entries[place] = Entry(place, source, 0o755, executable.mtime_ns, Layer.RUNTIME, f"host:{path}")
    return entries


def _image_of(executable: Entry) -> Image:
    """The headers of the interpreter as the source has it."""
    assert isinstance(executable.content, (Source, Patched))
    with opened(executable.content.path) as file:
        image = read_image(file)
    if image.interpreter is None:
        raise OutputFailed(f"{executable.path} names no loader", "give a base: --base IMAGE.tar")
    return image
